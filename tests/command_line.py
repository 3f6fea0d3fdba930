"""A command line carried out in this process: what a process of its own would print, without the time of its start.

For tests whose subject is not the process: signals, terminals, closed streams and what is inherited need a real one.
"""

from __future__ import annotations

import io
import os
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.cli.main import execute

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# They read from the terminal or go on until they are stopped.
OF_A_PROCESS = frozenset({"attach", "exec", "run", "watch", "agent", "completion"})


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
    before = dict(os.environ), Path.cwd(), (sys.stdin, sys.stdout, sys.stderr)
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace") for _ in range(3)]
    _set_environment(environment)
    os.chdir(folder)
    sys.stdin, sys.stdout, sys.stderr = streams
    try:
        code = execute(list(arguments))
    finally:
        _set_environment(before[0])
        os.chdir(before[1])
        sys.stdin, sys.stdout, sys.stderr = before[2]
    return Ended(code, _text(streams[1]), _text(streams[2]))


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    return stream.buffer.getvalue().decode()  # type: ignore[attr-defined,no-any-return]


def _set_environment(variables: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(variables)
