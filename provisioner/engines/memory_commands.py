"""The few commands that can be run in a container of the engine in memory. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.engines.exec_output import unended

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NOT_FOUND = 127


def exit_code(command: Sequence[str]) -> int | None:
    """How a container with this command ends at once; None for one that goes on running."""
    match list(command):
        case ["exit", code]:
            return int(code)
        case ["true", *_]:
            return 0
        case ["false", *_]:
            return 1
        case _:
            return None


def run_command(
    command: Sequence[str], *, user: str, environment: Mapping[str, str], workdir: str, seconds: float | None = None
) -> tuple[int, bytes, bytes]:
    """Exit code, standard output and standard error of `true`, `false`, `pwd`, `sh -c 'echo $NAME'` or `id -u`.

    `sleep` takes no time, but where it would take more than `seconds`: StepFailed.
    """
    match list(command):
        case ["sleep", duration]:
            if seconds is not None and float(duration) > seconds:
                raise unended("sleep", seconds)
            return 0, b"", b""
        case ["true", *_]:
            return 0, b"", b""
        case ["false"]:
            return 1, b"", b""
        case ["pwd"]:
            return 0, f"{workdir}\n".encode(), b""
        case ["sh", "-c", script] if script.startswith("echo $"):
            name = script.removeprefix("echo $")
            return 0, f"{environment.get(name, '')}\n".encode(), b""
        case ["id", "-u"]:
            return 0, f"{user.partition(':')[0] or '0'}\n".encode(), b""
        case _:
            return _NOT_FOUND, b"", f"{command[0]}: not found\n".encode()
