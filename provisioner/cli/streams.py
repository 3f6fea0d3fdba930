"""Standard output and standard error. One that can not be written never stops a command half way."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from provisioner.render.paint import Paint, visible

if TYPE_CHECKING:
    from collections.abc import Mapping

# By name ("standard output"), why it could not be written. One process has one of each. A reader that went away
# (`| head`) is no failure, and is not kept here.
_write_errors: dict[str, str] = {}


class Stream:
    """Writes text until that fails; from then on `closed` is true and writing does nothing.

    `stream` is None where the process was started without it (`>&-`).
    """

    def __init__(self, stream: TextIO | None, *, no_color: bool, environment: Mapping[str, str]) -> None:
        self._name = "standard error" if stream is sys.stderr else "standard output"
        self._stream: TextIO = stream if stream is not None else io.StringIO()
        self.closed = stream is None
        self.terminal = _is_terminal(stream) and environment.get("TERM") != "dumb"
        self.paint = Paint(color=self.terminal and not no_color and not environment.get("NO_COLOR"))

    def write_json(self, document: object) -> None:
        """Write one JSON document, for people to read too."""
        self.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")

    def write(self, text: str, *, verbatim: bool = False) -> None:
        """Write and flush. Never raises: see `take_write_error`.

        Characters that show nothing or turn the direction of a text are written as escapes, unless `verbatim`.
        """
        if self.closed:
            return
        try:
            self._stream.write(text if verbatim else visible(text))
            self._stream.flush()
        except BrokenPipeError:
            self.discard()
        except (OSError, ValueError) as error:
            _write_errors.setdefault(self._name, getattr(error, "strerror", None) or str(error))
            self.discard()

    def write_folded(self, text: str) -> None:
        """Write; on a terminal lines that are too long are broken between words."""
        if self.columns:
            from provisioner.render.fold import folded

            text = folded(text, self.columns)
        self.write(text)

    def discard(self) -> None:
        """Let what is left in the buffer go nowhere, so that the interpreter's last flush is quiet too."""
        self.closed = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, self._stream.fileno())
        except (OSError, ValueError):
            return
        finally:
            os.close(nowhere)

    def width(self) -> int:
        """Columns of the terminal."""
        import shutil

        return shutil.get_terminal_size().columns

    @property
    def columns(self) -> int:
        """Columns that lines must fit into; 0 where this is no terminal, and lines may be of any length."""
        return self.width() if self.terminal else 0


def take_write_error() -> str:
    """Why standard output could not be written, told once; empty where it could."""
    reason = _write_errors.pop("standard output", "")
    _write_errors.clear()
    return reason


def prepare() -> None:
    """Make the standard streams safe to use.

    Characters that the locale can not write are escaped instead of raising an error. A descriptor that is closed is
    opened on nothing: the next file or socket would get its number, and with it what is written there.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            _open_on_nothing(descriptor)
    if sys.stdout is None:
        _write_errors["standard output"] = "it is closed"
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    if sys.stdin is None:
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 - open as long as the process runs
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - open as long as the process runs


def _open_on_nothing(descriptor: int) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    if nowhere != descriptor:
        os.dup2(nowhere, descriptor)
        os.close(nowhere)


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except (OSError, ValueError):
        return False
