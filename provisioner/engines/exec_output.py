"""What a command in a container wrote, read to its end or for so long. The stream is that of the Engine API's exec."""

from __future__ import annotations

import select
import struct
import time
from typing import TYPE_CHECKING

from provisioner.errors import StepFailed

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from provisioner.model.edges import EngineJson

HEADER = 8
STANDARD_ERROR = 2
# The pauses after looks at a command that has not ended, though its output has (seconds).
_UNTIL_HEARD = (0.1, 0.2, 0.4, 0.8, 0.0)


def collect(connection: socket.socket, command: str, seconds: float) -> tuple[bytes, bytes]:
    """Standard output and standard error. StepFailed where the command has not ended after `seconds`."""
    streams = bytearray(), bytearray()
    ends = time.monotonic() + seconds
    while (left := ends - time.monotonic()) > 0 and readable(connection, left):
        header = exactly(connection, HEADER)
        if not header:
            return bytes(streams[0]), bytes(streams[1])
        kind, length = struct.unpack(">BxxxL", header)
        data = exactly(connection, length)
        if len(data) < length:
            raise ConnectionError("the stream of a command's output was cut")
        streams[kind == STANDARD_ERROR].extend(data)
    raise unended(command, seconds)


def exit_code(inspect: Callable[[], EngineJson]) -> int:
    """The exit code of a command whose output has ended, from looks at it (ExecInspect).

    An engine that has closed the output may hear of the end a moment later. StepFailed where it does not.
    """
    for pause in _UNTIL_HEARD:
        if (code := inspect()["ExitCode"]) is not None:
            return int(code)
        time.sleep(pause)
    raise StepFailed(
        "how the command ended is not known: its output stopped before it did",
        hint="the container went away, or the connection to the engine was cut; the command may still run in there",
    )


def unended(command: str, seconds: float) -> StepFailed:
    """What is said of a command that goes on."""
    return StepFailed(
        f"`{command}` has not ended after {seconds:g} s",
        hint="does it wait for an answer or a lock? It may still run in the container",
    )


def readable(connection: socket.socket, seconds: float) -> bool:
    """Whether something comes within so many seconds, the end of the stream too."""
    # What TLS has decrypted already is not seen by the kernel.
    pending = getattr(connection, "pending", None)
    return bool(pending and pending()) or bool(select.select([connection], [], [], seconds)[0])


def exactly(connection: socket.socket, size: int) -> bytes:
    """So many bytes; none where the stream has ended before them. ConnectionError where it ends among them."""
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            if data:
                raise ConnectionError("the stream of a command's output was cut")
            return b""
        data += more
    return data
