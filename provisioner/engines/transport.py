"""How requests reach an engine: over kept-alive plain HTTP where that is possible, else through docker-py.

docker-py brings requests along, and importing both takes longer than most plans do; they are needed for TLS. Knows
HTTP, and nothing of what is asked for.
"""

from __future__ import annotations

import http.client
import json
import select
import socket
import threading
import time
import weakref
from collections import deque
from dataclasses import field
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from docker.api.client import APIClient

# What goes wrong between here and the engine: the outcome of a request is then not known. The errors of requests, and
# so docker-py's own, are OSErrors.
TRANSPORT = (OSError, http.client.HTTPException)
_PLAIN_PORT = 2375
# An answer that has begun gets a second more for so many bytes: a slow network is waited for, a peer that says nothing
# more, or one letter at a time, is not.
_SLOWEST = 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, whole; names of headers are as the engine writes them."""

    status: int
    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        """The body as plain values. ValueError when it is none or is cut."""
        return json.loads(self.content)


class Transport(Protocol):
    """One request and its answer; redirects are not followed, no status is an error. Raises what is in TRANSPORT."""

    def request(
        self, method: str, target: str, body: bytes | None, headers: Mapping[str, str], timeout: float
    ) -> Reply: ...


class PlainTransport:
    """HTTP to unix://PATH, tcp://HOST:PORT or http://HOST:PORT. Threads may ask at the same time.

    `reads` limits how many GETs are under way at once, where each connection is dear.
    """

    def __init__(self, url: str, reads: int | None = None) -> None:
        self._url = url
        self._reads = threading.BoundedSemaphore(reads) if reads else None
        self._idle: deque[http.client.HTTPConnection] = deque()
        weakref.finalize(self, _close, self._idle)

    def request(
        self, method: str, target: str, body: bytes | None, headers: Mapping[str, str], timeout: float
    ) -> Reply:
        if self._reads is None or method != "GET":
            return self._request(method, target, body, headers, timeout)
        with self._reads:
            return self._request(method, target, body, headers, timeout)

    def _request(
        self, method: str, target: str, body: bytes | None, headers: Mapping[str, str], timeout: float
    ) -> Reply:
        connection = self._connection(timeout)
        try:
            connection.request(method, target, body, dict(headers))
            if isinstance(connection.sock, _DeadlineSocket):
                connection.sock.expect(timeout)
            answer = connection.getresponse()
            content = answer.read()
        except BaseException:
            connection.close()
            raise
        if connection.sock is not None:
            self._idle.append(connection)
        return Reply(answer.status, content, dict(answer.headers.items()))

    def _connection(self, timeout: float) -> http.client.HTTPConnection:
        """One that is open and has nothing to say, or a new one."""
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:
                break
            # What can be read before anything was asked is the other side's goodbye.
            if connection.sock is not None and not select.select([connection.sock], [], [], 0)[0]:
                connection.sock.settimeout(timeout)
                return connection
            connection.close()
        if self._url.startswith("unix://"):
            return _UnixConnection(self._url.removeprefix("unix://"), timeout)
        place = urlsplit(self._url)
        return _TcpConnection(place.hostname or "localhost", place.port or _PLAIN_PORT, timeout=timeout)


def _close(connections: Iterable[http.client.HTTPConnection]) -> None:
    for connection in connections:
        connection.close()


class _DeadlineSocket(socket.socket):
    """A socket on which a whole answer has a deadline, and not only each part of it."""

    _until = 0.0

    def expect(self, seconds: float) -> None:
        """An answer is to be there in so many seconds, and a little more for what is long."""
        self._until = time.monotonic() + seconds

    def recv_into(self, *arguments: Any) -> int:
        """What `socket.recv_into` does. TimeoutError when the deadline is over."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self.settimeout(left)
        count = super().recv_into(*arguments)
        self._until += count / _SLOWEST
        return count


def _with_deadline(plain: socket.socket) -> _DeadlineSocket:
    timeout = plain.gettimeout()
    wrapped = _DeadlineSocket(plain.family, plain.type, plain.proto, plain.detach())
    wrapped.settimeout(timeout)
    return wrapped


class _TcpConnection(http.client.HTTPConnection):
    def connect(self) -> None:
        super().connect()
        self.sock = _with_deadline(self.sock)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = _DeadlineSocket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class ClientTransport:
    """Requests through docker-py's own connection: TLS, named pipes."""

    def __init__(self, client: APIClient) -> None:
        self.client = client

    def request(
        self, method: str, target: str, body: bytes | None, headers: Mapping[str, str], timeout: float
    ) -> Reply:
        response = self.client.request(
            method, f"{self.client.base_url}{target}", data=body, headers=dict(headers), timeout=timeout,
            allow_redirects=False,
        )  # fmt: skip
        return Reply(response.status_code, response.content, dict(response.headers))
