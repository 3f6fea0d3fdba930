"""A proxy in front of an engine's socket: records every request, and fails at a chosen one.

It knows HTTP/1.1 as engines and their clients speak it (kept-alive connections, chunked bodies, hijacked streams),
and nothing of what the requests mean beyond whether they change something.
"""

from __future__ import annotations

import contextlib
import json
import re
import select
import shutil
import socket
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# POST, but nothing on the engine is different afterwards.
_READING_POSTS = re.compile(r"/(wait|attach|auth|session|grpc|resize)$")
_VERSION_PREFIX = re.compile(r"^/v\d+\.\d+(?=/)")
_STATUS_MODE = re.compile(r"status:(\d{3})$")
_REFUSAL = b"<html><h1>403 Forbidden</h1></html>"
_FORBIDDEN = (
    b"HTTP/1.1 403 Forbidden\r\ncontent-length: %d\r\ncontent-type: text/html\r\n\r\n" % len(_REFUSAL) + _REFUSAL
)
_MODES = ("pass", "refuse", "eof-before", "eof-after", "cut-body", "hang", "hang-after")


@dataclass(eq=False)
class RecordedRequest:
    """One request: `path` without the API version, `status` None as long as (or if ever) no answer came."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes
    started: float
    status: int | None = None
    fault: str | None = None

    @property
    def mutating(self) -> bool:
        return self.method not in ("GET", "HEAD") and not _READING_POSTS.search(self.path)

    def json(self) -> Any:
        return json.loads(self.body)

    def __str__(self) -> str:
        return f"{self.method} {self.path} {'' if self.status is None else self.status}".rstrip()


@dataclass
class Fault:
    """What happens at the `at`-th matching request (from 1) and, with `times`, at those after it.

    mode: `pass`; `status:500` answers so without asking the engine, `refuse` as a
    proxy that filters does; `eof-before` closes the connection without asking
    it; `eof-after` asks and closes without answering; `cut-body` answers with half of the body; `hang` never asks nor
    answers; `hang-after` asks and never answers. `before` is called before the engine is asked, `after` when it has
    answered and the client does not know yet.
    """

    at: int
    mode: str = "pass"
    where: Callable[[RecordedRequest], bool] = lambda request: request.mutating
    times: int = 1
    before: Callable[[RecordedRequest], object] | None = None
    after: Callable[[RecordedRequest], object] | None = None
    seen: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.mode not in _MODES and not _STATUS_MODE.match(self.mode):
            raise ValueError(f"unknown mode {self.mode!r}: expected status:NNN or one of {', '.join(_MODES)}")

    def strikes(self, request: RecordedRequest) -> bool:
        if not self.where(request):
            return False
        self.seen += 1
        return self.at <= self.seen < self.at + self.times


class RecordingProxy:
    """Listens on `url`, a socket or a `port` of loopback, and forwards to the engine at `upstream` (unix:// or tcp://)."""

    def __init__(self, upstream: str, *, port: bool = False) -> None:
        self._upstream = upstream
        self._folder = tempfile.mkdtemp(prefix="pt-proxy-")
        self.requests: list[RecordedRequest] = []
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.socket(socket.AF_INET if port else socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(("127.0.0.1", 0) if port else str(Path(self._folder) / "docker.sock"))
        name = self._listener.getsockname()
        self.url = f"tcp://127.0.0.1:{name[1]}" if port else f"unix://{name}"
        self._listener.listen(128)
        self._start(self._accept)

    @property
    def mutating(self) -> list[RecordedRequest]:
        """The requests so far that change something on the engine, in the order of their arrival."""
        with self._lock:
            return [request for request in self.requests if request.mutating]

    @property
    def connections(self) -> int:
        """How many sockets are open, of clients and to the engine."""
        with self._lock:
            return len(self._sockets)

    def fail(self, at: int, mode: str = "pass", **options: Any) -> Fault:
        """Let the `at`-th mutating request from now on meet with `mode`; see Fault for the options."""
        fault = Fault(at, mode, **options)
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Forget what was recorded and every fault."""
        with self._lock:
            self.requests.clear()
            self._faults.clear()

    def close(self) -> None:
        self._closed.set()
        # Closing a listening socket does not wake who waits in accept(); a connection does.
        with contextlib.suppress(OSError), socket.socket(self._listener.family) as waker:
            waker.connect(self._listener.getsockname())
        with self._lock:
            open_sockets = list(self._sockets)
        for connection in open_sockets:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in list(self._threads):
            thread.join(10)
        self._listener.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self, target: Callable[..., None], *arguments: object) -> threading.Thread:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        with self._lock:
            self._threads = [one for one in self._threads if one.is_alive()] + [thread]
            thread.start()
        return thread

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            if self._closed.is_set():
                client.close()
                return
            self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        with self._tracked(client), contextlib.suppress(OSError, EOFError):
            upstream = self._connect()
            with self._tracked(upstream):
                incoming, outgoing = _Stream(client), _Stream(upstream, on_behalf_of=client)
                while self._exchange(incoming, outgoing):
                    pass

    @contextlib.contextmanager
    def _tracked(self, connection: socket.socket) -> Iterator[None]:
        with self._lock:
            self._sockets.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._sockets.discard(connection)
            connection.close()

    def _connect(self) -> socket.socket:
        target = urlsplit(self._upstream)
        if target.scheme == "unix":
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.connect(target.path)
            return connection
        return socket.create_connection((target.hostname or "127.0.0.1", target.port or 2375))

    def _exchange(self, client: _Stream, upstream: _Stream) -> bool:
        """One request and its answer; whether the connection can carry another."""
        head = client.read_head()
        if head is None:
            return False
        start_line, headers = _parse_head(head)
        if headers.get("expect", "").lower() == "100-continue":
            client.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            head = re.sub(rb"(?i)\r\nexpect:[^\r]*", b"", head)
        framed, body = client.read_body(headers)
        method, target = start_line.split(" ")[:2]
        parts = urlsplit(target)
        request = RecordedRequest(
            method, _VERSION_PREFIX.sub("", parts.path), parse_qs(parts.query), headers, body, time.monotonic()
        )
        with self._lock:
            self.requests.append(request)
            struck = [fault for fault in self._faults if fault.strikes(request)]
        fault = struck[0] if struck else Fault(0)
        request.fault = fault.mode if struck else None
        if fault.before:
            fault.before(request)
        if status := _STATUS_MODE.match(fault.mode):
            request.status = int(status[1])
            client.send(_answer(request.status, f"injected by a test at {request.method} {request.path}"))
            return True
        if fault.mode == "refuse":
            request.status = 403
            client.send(_FORBIDDEN)
            return True
        if fault.mode == "eof-before":
            return False
        if fault.mode == "hang":
            self._hang(client)
            return False
        upstream.send(head + framed)
        return self._answer(request, fault, client, upstream)

    def _answer(self, request: RecordedRequest, fault: Fault, client: _Stream, upstream: _Stream) -> bool:
        head = upstream.read_head()
        if head is None:
            return False
        status_line, headers = _parse_head(head)
        request.status = int(status_line.split(" ")[1])
        silent = fault.mode in ("eof-after", "hang-after")
        bodiless = request.method == "HEAD" or request.status in (204, 304)
        framed_by_length = "content-length" in headers or headers.get("transfer-encoding", "") == "chunked"
        if request.status == 101 or not (bodiless or framed_by_length):
            if not silent:
                client.send(head)
                self._pipe(client, upstream)
            return False
        if silent or fault.mode == "cut-body" or fault.after:
            framed = b"" if bodiless else upstream.read_body(headers)[0]
            if fault.after:
                fault.after(request)
            if fault.mode == "hang-after":
                self._hang(client)
            elif fault.mode == "cut-body":
                client.send((head + framed)[: len(head) + len(framed) // 2])
            elif not silent:
                client.send(head + framed)
                return _stays_open(headers)
            return False
        client.send(head)
        if not bodiless:
            for piece in upstream.body_pieces(headers):
                client.send(piece)
        return _stays_open(headers)

    def _pipe(self, client: _Stream, upstream: _Stream) -> None:
        """A hijacked connection: bytes both ways until the engine is done."""

        def forward() -> None:
            with contextlib.suppress(OSError):
                client.copy_to(upstream)
                upstream.shut_writing()

        sender = self._start(forward)
        upstream.stop_watching()
        upstream.copy_to(client)
        client.shut_writing()
        client.shut_reading()
        sender.join(10)

    def _hang(self, client: _Stream) -> None:
        with contextlib.suppress(OSError):
            while not self._closed.is_set() and client.receive():
                pass


class _Stream:
    """A socket with the bytes that were read from it and not used yet."""

    def __init__(self, connection: socket.socket, on_behalf_of: socket.socket | None = None) -> None:
        self._connection = connection
        self._client = on_behalf_of
        self._pending = b""

    def receive(self) -> bytes:
        """What is there, empty at the end. A client that has gone ends the wait, as the engine would notice it."""
        pending, self._pending = self._pending, b""
        if pending:
            return pending
        if self._client is not None:
            readable, _, _ = select.select([self._connection, self._client], [], [])
            if self._connection not in readable and not self._client.recv(1, socket.MSG_PEEK):
                raise EOFError
        return self._connection.recv(65536)

    def stop_watching(self) -> None:
        """From now on the client may close its side without meaning to go."""
        self._client = None

    def send(self, data: bytes) -> None:
        self._connection.sendall(data)

    def shut_writing(self) -> None:
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)

    def shut_reading(self) -> None:
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RD)

    def copy_to(self, other: _Stream) -> None:
        while data := self.receive():
            other.send(data)

    def read_head(self) -> bytes | None:
        """Request or status line and headers with the empty line; None when the peer has gone."""
        try:
            return self._until(b"\r\n\r\n")
        except EOFError:
            return None

    def read_body(self, headers: dict[str, str]) -> tuple[bytes, bytes]:
        """The whole body, as it was framed and without its framing."""
        pieces = list(self.body_pieces(headers))
        framed = b"".join(pieces)
        if headers.get("transfer-encoding", "") != "chunked":
            return framed, framed
        # Pieces alternate: a size line, then its data with the line end.
        return framed, b"".join(piece[:-2] for piece in pieces[1::2])

    def body_pieces(self, headers: dict[str, str]) -> Iterator[bytes]:
        """The framed body as it arrives."""
        if headers.get("transfer-encoding", "") != "chunked":
            remaining = int(headers.get("content-length", "0"))
            while remaining:
                data = self.receive()
                if not data:
                    raise EOFError
                self._pending = data[remaining:]
                data = data[:remaining]
                remaining -= len(data)
                yield data
            return
        size = -1
        while size:
            line = self._until(b"\r\n")
            yield line
            size = int(line.split(b";")[0], 16)
            yield self._exactly(size + 2)

    def _until(self, mark: bytes) -> bytes:
        data = b""
        while mark not in data:
            more = self.receive()
            if not more:
                raise EOFError
            data += more
        end = data.index(mark) + len(mark)
        self._pending = data[end:]
        return data[:end]

    def _exactly(self, size: int) -> bytes:
        parts = []
        while size:
            data = self.receive()
            if not data:
                raise EOFError
            self._pending = data[size:]
            parts.append(data[:size])
            size -= len(parts[-1])
        return b"".join(parts)


def _parse_head(head: bytes) -> tuple[str, dict[str, str]]:
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return first, headers


def _stays_open(headers: dict[str, str]) -> bool:
    return headers.get("connection", "").lower() != "close"


def _answer(status: int, message: str) -> bytes:
    body = json.dumps({"message": message}).encode()
    head = f"HTTP/1.1 {status} Injected\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body
