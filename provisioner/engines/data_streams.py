"""Data in and out of containers as streams: folders as tar archives, and what a command reads and writes.

Memory stays the same whatever the size. Nothing is retried: a stream that breaks off is an error of whoever reads it.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from provisioner.engines.exec_output import HEADER, STANDARD_ERROR, exactly, exit_code, readable
from provisioner.engines.transport import TRANSPORT
from provisioner.errors import EngineRefused, ProvisionError, Reason, StepFailed
from provisioner.kinds.refusals import refused
from provisioner.reconcile.retry import retried

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence

    from provisioner.engines.engine_http import EngineHttp

_CHUNK = 1 << 18
# How often a pause is tried.
_PAUSES = 10
# How often who reads a command's output gets the word while the command says nothing (seconds).
_BEAT = 1.0
# Lines of a command's standard error that are kept to say why it failed.
_LAST_WORDS = 8
# With which exit codes engines and shells say that a program could not be run, and that there is none.
_NOT_RUN, _NOT_THERE = 126, 127
# The most of an engine's own words that is told (bytes).
_SAID = 500


class DockerStreams:
    """The part of `DataEngine` (ports.py) that is no plain request."""

    _wire: EngineHttp

    def pause(self, container_id: str) -> None:
        """Freeze a container's processes (POST /containers/{id}/pause); already paused is fine."""
        try:
            # The kernel freezes a group of processes only while none of them is being started.
            retried(
                lambda: self._wire.post(f"/containers/{container_id}/pause"),
                lambda error: isinstance(error, EngineRefused) and error.reason is Reason.NOT_FROZEN,
                attempts=_PAUSES, pause=0.5,
            )  # fmt: skip
        except EngineRefused as error:
            if error.reason is not Reason.PAUSED:
                raise

    def volume_sizes(self) -> Mapping[str, int]:
        """The bytes of each volume of the local driver by name (GET /system/df); nothing where it can not be told."""
        try:
            volumes = self._wire.get("/system/df").get("Volumes") or []
        except EngineRefused:
            # Engines before 23 refuse while they count for somebody else.
            return {}
        return {str(raw["Name"]): int((raw.get("UsageData") or {}).get("Size", -1)) for raw in volumes}

    def read_archive(self, container_id: str, path: str) -> Generator[bytes, None, None]:
        """A folder of a container, running or not, as a tar stream (GET /containers/{id}/archive)."""
        client = self._wire.client
        try:
            # docker-py's own get_archive leaves the connection open where a reader stops early.
            with client.request(
                "GET", f"{client.base_url}/v{client.api_version}/containers/{container_id}/archive",
                params={"path": path}, headers=self._wire.endpoint.tar_headers, stream=True, timeout=self._wire.silence,
                allow_redirects=False,
            ) as response:  # fmt: skip
                client._raise_for_status(response)
                yield from response.iter_content(_CHUNK)
        except TRANSPORT as error:
            raise self._wire.classified(error) from error

    def write_archive(self, container_id: str, path: str, chunks: Iterable[bytes]) -> None:
        """Unpack a tar stream in a container, running or not, with owners, modes and times as they are in it."""
        try:
            self._wire.client.put_archive(container_id, path, iter(chunks))
        except TRANSPORT as error:
            raise self._wire.classified(error) from error

    def run_streamed(
        self,
        container_id: str,
        command: Sequence[str],
        stdin: Iterable[bytes] | None = None,
        words: deque[str] | None = None,
    ) -> Iterator[bytes]:
        """Run a command in a running container, feed it `stdin`, and give what it writes to its standard output.

        While it writes nothing there is an empty piece each second. `words` gets the last lines of its standard error;
        StepFailed has them where it ends with another exit code than 0, neither reads nor writes anything for too
        long, or is no program that the container has.
        """
        if stdin is not None and self._wire.endpoint.tls:
            # Python's TLS can not end one direction of a connection, and the command would wait for more for ever.
            raise EngineRefused("a command can not be fed through TLS", hint="reach the engine with ssh://USER@HOST")
        words, last = deque[str]() if words is None else words, b""
        try:
            made = self._wire.client.exec_create(container_id, list(command), stdin=stdin is not None)
            stream = self._wire.client.exec_start(made["Id"], socket=True)
        except TRANSPORT as error:
            raise self._wire.classified(error) from error
        connection: socket.socket = getattr(stream, "_sock", stream)
        with contextlib.closing(connection), contextlib.closing(stream):
            connection.settimeout(self._wire.silence)
            feeding = _Feeding(connection, stdin) if stdin is not None else None
            try:
                fed_at = feeding.moment if feeding is not None else (lambda: 0.0)
                for data in read_output(connection, words, self._wire.silence, command[0], fed_at):
                    last = data or last
                    yield data
            except TRANSPORT as error:
                if feeding is not None and feeding.error is not None:
                    raise feeding.error from error
                raise self._wire.classified(error) from error
        if feeding is not None:
            feeding.finish()
        code = self._exit_code(str(made["Id"]))
        if code in (_NOT_RUN, _NOT_THERE):
            raise self._not_run(container_id, command[0], code, last, words)
        if code != 0:
            raise StepFailed(f"`{command[0]}` ended with exit code {code}", evidence=tuple(words))

    def _not_run(self, container_id: str, program: str, code: int, last: bytes, words: Iterable[str]) -> StepFailed:
        """Why a command could not be run: engines say so in the last of its output, shells in their standard error."""
        try:
            name = str(self._wire.get(f"/containers/{container_id}/json")["Name"]).lstrip("/")
        except EngineRefused:
            name = container_id[:12]
        said = last[-_SAID:].decode(errors="replace").strip()
        reason = refused(0, said).reason
        hint = "have it in the image, or call what the image has, by its whole path if it is not in PATH"
        if reason is Reason.NO_PROGRAM:
            return StepFailed(f"there is no program `{program}` in the container {name}", hint=hint, evidence=(said,))
        if reason is Reason.NOT_STARTED:
            hint = "let its user execute it (chmod a+x), or call another program"
            return StepFailed(f"`{program}` can not be run in the container {name}", hint=hint, evidence=(said,))
        what = "is not there" if code == _NOT_THERE else "can not be run"
        text = f"`{program}` ended with exit code {code}: a program that it calls {what}, in the container {name}"
        return StepFailed(text, hint=hint, evidence=tuple(words))

    def _exit_code(self, exec_id: str) -> int:
        try:
            return exit_code(lambda: self._wire.client.exec_inspect(exec_id))
        except TRANSPORT as error:
            raise self._wire.classified(error) from error


class _Feeding:
    """A thread that writes a command's standard input while its output is read, so that neither waits for the other."""

    def __init__(self, connection: socket.socket, chunks: Iterable[bytes]) -> None:
        self.error: ProvisionError | None = None
        self._connection = connection
        self._chunks = chunks
        self._moment = time.monotonic()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def moment(self) -> float:
        """When the command has taken something last, by the monotonic clock."""
        return self._moment

    def finish(self) -> None:
        """Wait for the end; raises what kept the input from being read whole."""
        self._thread.join(timeout=60)
        if self.error is not None:
            raise self.error

    def _run(self) -> None:
        try:
            for chunk in self._chunks:
                self._connection.sendall(chunk)
                self._moment = time.monotonic()
            self._connection.shutdown(socket.SHUT_WR)
        except ProvisionError as error:
            self.error = error
            with contextlib.suppress(OSError):
                self._connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            # The command ended before it had read everything; its exit code tells whether that was well.
            pass


def read_output(
    connection: socket.socket,
    words: deque[str],
    silence: float,
    command: str,
    fed_at: Callable[[], float] = lambda: 0.0,
) -> Iterator[bytes]:
    """Standard output out of the multiplexed stream; lines of standard error go to `words`.

    An empty piece each second in which nothing comes. StepFailed where that lasts for `silence` seconds, unless the
    command was fed something meanwhile, at the time that `fed_at` tells.
    """
    heard = time.monotonic()
    while True:
        while not readable(connection, _BEAT):
            if time.monotonic() - max(heard, fed_at()) > silence:
                raise StepFailed(
                    f"`{command}` has written nothing for {silence:.0f} seconds and did not end",
                    hint="does it wait for a password, a lock or an answer? It may still run in the container",
                    evidence=tuple(words),
                )
            yield b""
        header = exactly(connection, HEADER)
        if not header:
            return
        heard = time.monotonic()
        kind, length = struct.unpack(">BxxxL", header)
        while length:
            data = connection.recv(min(length, _CHUNK))
            if not data:
                raise ConnectionError("the stream of a command's output was cut")
            length -= len(data)
            if kind == STANDARD_ERROR:
                words.extend(line for line in data.decode(errors="replace").splitlines() if line.strip())
                while len(words) > _LAST_WORDS:
                    words.popleft()
            else:
                yield data
