"""The one place where errors become messages and exit codes (docs/exit-codes.md)."""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING, Literal

import click

from provisioner.cli.streams import Stream, take_write_error
from provisioner.errors import Interrupted, ProvisionError, UsageError
from provisioner.model.dataclass import dataclass
from provisioner.render.error_text import error_text

if TYPE_CHECKING:
    from collections.abc import Callable


# The disk, the quota or the largest file that is allowed; a stream that nobody can write to.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
# What is wrong with a path that somebody chose, and not with the program.
_LONGEST_PATH = 120
# click's names for what is a number to people.
_NUMBERS = {
    "float range": "number", "integer range": "whole number", "float": "number", "integer": "whole number",
}  # fmt: skip
_OF_A_PATH = (errno.ENAMETOOLONG, errno.EACCES, errno.EPERM, errno.EROFS)


@dataclass(slots=True)
class ErrorFormat:
    """How errors are told; the command fills it in once its options are known.

    `json` is empty for text, `stderr` for one JSON object there, `stdout` where the object ends a stream of others.
    `changes`: the command is there for what it does; what it prints is an account of it.
    """

    json: Literal["", "stderr", "stdout"] = ""
    verbose: bool = False
    no_color: bool = False
    changes: bool = False


def guarded(call: Callable[[ErrorFormat], int], error_format: ErrorFormat) -> int:
    """The exit code of `call`, which is given the error_format to fill in; an error is told and becomes its code.

    Where the result could not be written that is told on standard error, and a command that only prints has failed.
    """
    code = _guarded(call, error_format)
    reason = take_write_error()
    if not reason:
        return code
    Stream(sys.stderr, no_color=error_format.no_color, environment=os.environ).write(
        f"The result could not be written to standard output: {reason}.\n"
    )
    return code if code or error_format.changes else 1


def _guarded(call: Callable[[ErrorFormat], int], error_format: ErrorFormat) -> int:
    try:
        return call(error_format)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.ClickException as refused:
        return _tell(_usage(refused), error_format)
    except ProvisionError as error:
        return _tell(error, error_format)
    except (KeyboardInterrupt, click.Abort):
        return _tell(Interrupted("interrupted"), error_format)
    except BrokenPipeError:
        Stream(sys.stdout, no_color=True, environment={}).discard()
        return 0
    except OSError as error:
        if error.errno in _OF_A_PATH and error.filename:
            return _tell(_wrong_path(str(error.filename), error.strerror), error_format)
        if error.errno not in _NO_ROOM:
            return _tell(_defect(error), error_format)
        Stream(sys.stdout, no_color=True, environment={}).discard()
        where = f": {error.filename}" if error.filename else ""
        return _tell(ProvisionError(f"something could not be written{where}: {error.strerror}"), error_format)
    except Exception as defect:  # the last resort: whatever it is, a user gets a sentence and no traceback
        return _tell(_defect(defect), error_format)


def _tell(error: ProvisionError, error_format: ErrorFormat) -> int:
    output = sys.stdout if error_format.json == "stdout" else sys.stderr
    stream = Stream(output, no_color=error_format.no_color, environment=os.environ)
    if error_format.json:
        from provisioner.render.error_json import error_json
        from provisioner.render.report_json import line

        stream.write(line({"error": error_json(error)}))
    else:
        stream.write_folded(error_text(error, paint=stream.paint, detailed=error_format.verbose))
    return error.exit_code


def _usage(refused: click.ClickException) -> UsageError:
    """click's own errors; its exit code 2 would mean that changes are pending."""
    context = getattr(refused, "ctx", None)
    path = context.command_path if context else "provision"
    if isinstance(refused, click.NoSuchOption):
        from provisioner.cli.foreign_words import OPTIONS, harmless

        near = harmless(refused.possibilities or ())
        meant = f" (did you mean {' or '.join(repr(option) for option in near)}?)" if near else ""
        command = context.info_name if context else ""
        known = OPTIONS.get(f"{command} {refused.option_name}") or OPTIONS.get(refused.option_name)
        message = f"{path}: no such option '{refused.option_name}'{'' if known else meant}"
        return UsageError(message, hint=known or f"{path} --help")
    message = refused.format_message().rstrip(".").replace("Did you mean", "did you mean")
    for word, meant in _NUMBERS.items():
        message = message.replace(f"is not a valid {word}", f"is no {meant}")
    message = message[:1].lower() + message[1:]
    return UsageError(f"{path}: {message}", hint=f"{path} --help")


def _wrong_path(path: str, why: str | None) -> ProvisionError:
    shown = path if len(path) <= _LONGEST_PATH else f"{path[:_LONGEST_PATH]}…"
    return ProvisionError(f"{shown}: {why}", hint="name another file or folder, or let this user reach it")


def _defect(defect: Exception) -> ProvisionError:
    import platform
    import tempfile
    import traceback

    from provisioner import __version__

    # Secret values have a type that does not print itself; the arguments are left out, `-e` may carry anything.
    text = "".join(traceback.format_exception(defect))
    head = f"provision {__version__}, Python {platform.python_version()}, {platform.platform()}\n\n"
    message = f"this is a defect in provision itself: {type(defect).__name__}"
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", prefix="provision-report-", suffix=".txt", delete=False
        ) as report:
            report.write(head + text)
    except OSError:
        return ProvisionError(message, hint="run it again with -v to see where", detail=text)
    return ProvisionError(
        f"{message}; a report lies in {report.name}",
        hint="please send it to the authors; -v shows it here",
        detail=text,
    )
