"""A command line carried out in this process: what a process of its own would print, without the time of its start.

For tests whose subject is not the process: signals, terminals, closed streams and what is inherited need a real one.
What hands bytes through (`exec`) writes to descriptors, which are files for as long as it runs.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, cast

from provisioner.cli.main import execute

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import BinaryIO

# They read from the terminal or go on until they are stopped.
OF_A_PROCESS = frozenset({"attach", "run", "watch", "agent", "completion"})
_OF_DESCRIPTORS = frozenset({"exec"})


@dataclass(frozen=True)
class Ended:
    """How a command line ended."""

    code: int
    stdout: str
    stderr: str


def needs_process(arguments: Sequence[str]) -> bool:
    """Whether only a process of its own can carry it out; with one its connections through ssh end, too."""
    through_ssh = any(argument.startswith("ssh://") for argument in arguments)
    return through_ssh or bool(OF_A_PROCESS & set(arguments)) or "--follow" in arguments or _follows(arguments)


def _follows(arguments: Sequence[str]) -> bool:
    """Whether it has the `-f` of `logs`, which elsewhere, and before the command, names a file or means `--force`."""
    rest = arguments[arguments.index("logs") + 1 :] if "logs" in arguments else ()
    return any(word == "-f" and not following.endswith((".yaml", ".yml")) for word, following in pairwise((*rest, "")))


def carry_out(arguments: Sequence[str], *, folder: Path, environment: Mapping[str, str]) -> Ended:
    """Carry out `provision ARGUMENTS` in a folder, with exactly this environment and nothing on standard input."""
    joins = bool(_OF_DESCRIPTORS & set(arguments))
    with _descriptors() if joins else contextlib.nullcontext([io.BytesIO() for _ in range(3)]) as files:
        code = _carried_out(arguments, folder, environment, files)
        return Ended(code, *(_text(file) for file in files[1:]))


def _carried_out(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str], files: Sequence[BinaryIO]
) -> int:
    before = dict(os.environ), Path.cwd(), (sys.stdin, sys.stdout, sys.stderr)
    streams = [io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace") for file in files]
    _set_environment(environment)
    os.chdir(folder)
    sys.stdin, sys.stdout, sys.stderr = streams
    try:
        return execute(list(arguments))
    finally:
        _set_environment(before[0])
        os.chdir(before[1])
        sys.stdin, sys.stdout, sys.stderr = before[2]
        for stream in streams:
            # The file stays open for whoever reads it.
            stream.detach()


@contextlib.contextmanager
def _descriptors() -> Iterator[list[BinaryIO]]:
    """The three standard descriptors as files of this process: nothing on the first."""
    kept = [os.dup(number) for number in range(3)]
    with Path(os.devnull).open("rb") as nothing, _appended() as out, _appended() as err:
        try:
            for number, file in enumerate((nothing, out, err)):
                os.dup2(file.fileno(), number)
            yield [nothing, out, err]
        finally:
            for number, before in enumerate(kept):
                os.dup2(before, number)
                os.close(before)


def _appended() -> BinaryIO:
    return cast("BinaryIO", tempfile.TemporaryFile("a+b"))


def _text(file: BinaryIO) -> str:
    file.seek(0)
    return file.read().decode()


def _set_environment(variables: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(variables)
