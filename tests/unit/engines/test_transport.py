"""Plain HTTP to a socket: connections are kept and reused, and one that the other side has closed is not."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from provisioner.engines.connect import choose_endpoint
from provisioner.engines.engine_http import EngineHttp
from provisioner.engines.transport import TRANSPORT, PlainTransport
from provisioner.errors import Unreachable, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Server:
    """Answers each request of a connection with the next of `answers`; without one, or at None, it closes it."""

    def __init__(self, path: Path) -> None:
        self.url = f"unix://{path}"
        self.answers: list[bytes | None] = []
        self.asked: list[bytes] = []
        self.connections = 0
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while self.answers and (request := connection.recv(65536)):
                while not request.endswith(b"body" if b"Content-Length: 4" in request else b"\r\n\r\n"):
                    request += connection.recv(65536)
                self.asked.append(request)
                connection.sendall(self.answers.pop(0) or b"")
                if self.answers and self.answers[0] is None:
                    del self.answers[0]
                    break

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with contextlib.closing(Server(tmp_path / "engine.sock")) as made:
        yield made


def ask(transport: PlainTransport, method: str = "GET", body: bytes | None = None) -> int:
    return transport.request(method, "/x?a=b", body, {"X-Registry-Auth": "y"}, 5).status


def test_a_connection_is_kept(server: Server) -> None:
    server.answers = [OK, OK, OK]
    transport = PlainTransport(server.url)
    assert [ask(transport), ask(transport, "POST", b"body")] == [200, 200]
    assert server.connections == 1
    assert server.asked[0].startswith(b"GET /x?a=b HTTP/1.1\r\n")
    assert b"X-Registry-Auth: y\r\n" in server.asked[0]
    assert server.asked[1].endswith(b"Content-Length: 4\r\nX-Registry-Auth: y\r\n\r\nbody")


def test_one_that_was_closed_is_left(server: Server) -> None:
    server.answers = [OK, None, OK]
    transport = PlainTransport(server.url)
    assert ask(transport) == 200
    # Whether its goodbye has arrived, or a request is lost on it, is a matter of microseconds.
    for _ in range(50):
        with contextlib.suppress(*TRANSPORT):
            assert ask(transport) == 200
            break
    assert server.connections == 2


def test_one_that_says_it_closes_is_not_used_again(server: Server) -> None:
    server.answers = [OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), OK]
    transport = PlainTransport(server.url)
    assert [ask(transport), ask(transport)] == [200, 200]
    assert server.connections == 2


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{", b"nonsense\r\n\r\n"])
def test_a_lost_answer_is_an_error_of_transport(server: Server, answer: bytes) -> None:
    server.answers = [answer]
    with pytest.raises(TRANSPORT):
        ask(PlainTransport(server.url))


def test_a_redirect_is_an_answer(server: Server) -> None:
    server.answers = [b"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"]
    assert ask(PlainTransport(server.url)) == 301


@pytest.fixture(params=["nothing", "half of a header", "a header without end", "a body without end"])
def stuck(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of what accepts connections and never gives a whole answer, though it may go on and on."""
    says, dripping = {
        "nothing": (b"", False),
        "half of a header": (b"HTTP/1.1 200 OK\r\nContent-Ty", False),
        "a header without end": (b"HTTP/1.1 200 OK\r\nX: ", True),
        "a body without end": (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{", True),
    }[request.param]
    ended = threading.Event()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "stuck.sock"))
    listener.listen()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.sendall(says)
            while not ended.wait(0.02):
                if dripping:
                    connection.sendall(b" ")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"unix://{tmp_path / 'stuck.sock'}"
    ended.set()
    thread.join(10)
    listener.close()


@pytest.mark.timeout(30)
def test_an_answer_has_a_deadline_as_a_whole(stuck: str) -> None:
    endpoint = _chosen({"DOCKER_HOST": stuck})
    with pytest.raises(Unreachable, match="did not answer in time") as told:
        _ = EngineHttp(endpoint, timeout=0.3).version
    assert told.value.exit_code == 69


def version(text: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(text), text)


@pytest.mark.parametrize(
    "answer",
    [
        OK,
        version(b'{"ApiVersion": null}'),
        version(b'{"ApiVersion": "x.y"}'),
        version(b"[]"),
        version(b'{"ApiVersion": "1"}'),
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_what_is_no_engine_is_said_to_be_none(server: Server, answer: bytes) -> None:
    server.answers = [answer]
    endpoint = _chosen({"DOCKER_HOST": server.url})
    with pytest.raises(Unreachable, match="no Docker Engine answers at unix://"):
        _ = EngineHttp(endpoint).version


def _chosen(environment: dict[str, str]):  # type: ignore[no-untyped-def]
    return choose_endpoint(
        host=None, context=None, playbook_host=None, playbook_context=None, environment=environment
    )  # fmt: skip


@pytest.mark.parametrize("settings", ["{}", '{"currentContext": ""}', '{"currentContext": "default"}', None])
def test_no_context_is_the_default_socket(tmp_path: Path, settings: str | None) -> None:
    if settings is not None:
        (tmp_path / "config.json").write_text(settings, encoding="utf-8")
    assert _chosen({"DOCKER_CONFIG": str(tmp_path)}).url == "unix:///var/run/docker.sock"


def test_a_current_context_that_is_not_there_is_told(tmp_path: Path) -> None:
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text('{"currentContext": "gone-for-good"}', encoding="utf-8")
    with pytest.raises(UsageError, match="there is no Docker context 'gone-for-good'"):
        _chosen({"HOME": str(tmp_path)})


@pytest.mark.parametrize("settings", ["{", "[]", '"x"'])
def test_docker_settings_that_can_not_be_read_are_told(tmp_path: Path, settings: str) -> None:
    (tmp_path / "config.json").write_text(settings, encoding="utf-8")
    with pytest.raises(Unreachable, match=r"context can not be read from .*config\.json"):
        _chosen({"DOCKER_CONFIG": str(tmp_path)})


@pytest.mark.parametrize("said", ["SSH-2.0-OpenSSH_9.2", "220 mail.example.org ESMTP", "hello"])
def test_what_is_no_engine_is_told_by_what_it_says(server: Server, said: str) -> None:
    server.answers = [f"{said}\r\n".encode()]
    with pytest.raises(Unreachable) as told:
        _ = EngineHttp(_chosen({"DOCKER_HOST": server.url})).version
    assert f"is no Docker Engine: it begins with '{said}'" in told.value.message
    assert told.value.hint
