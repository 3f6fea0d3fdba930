"""An answer whose headers and first bytes come at once: a busy machine reads both together."""

from __future__ import annotations

import contextlib
import json
import socketserver
import struct
import threading
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from provisioner.engines.connect import Endpoint
from provisioner.engines.docker_api import connect
from provisioner.errors import StepFailed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SAID = b"1234\n"


class Handler(socketserver.StreamRequestHandler):
    # What each look at the command says of its end; the last one is said from then on.
    codes: ClassVar[list[int | None]] = [0]

    def handle(self) -> None:
        while line := self.rfile.readline():
            length = 0
            while (header := self.rfile.readline().strip()) != b"":
                name, _, value = header.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            self.rfile.read(length)
            if b"/start " in line:
                frame = struct.pack(">BxxxL", 1, len(SAID)) + SAID
                self.wfile.write(
                    b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
                    b"Content-Type: application/vnd.docker.raw-stream\r\n\r\n" + frame
                )
                return
            code = self.codes.pop(0) if len(self.codes) > 1 else self.codes[0]
            answer: dict[str, Any] = {"ApiVersion": "1.41", "Version": "20.10", "Id": "e" * 64, "ExitCode": code}
            body = json.dumps(answer).encode()
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True


@pytest.fixture(params=["unix", "tcp"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    server: Any
    if request.param == "unix":
        server = UnixServer(str(tmp_path / "engine.sock"), Handler)
        address = f"unix://{tmp_path}/engine.sock"
    else:
        server = TcpServer(("127.0.0.1", 0), Handler)
        address = f"tcp://127.0.0.1:{server.server_address[1]}"
    with contextlib.closing(contextlib.ExitStack()) as stack:
        stack.callback(server.server_close)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        stack.callback(server.shutdown)
        yield address


@pytest.mark.parametrize("seconds", [None, 5.0])
def test_a_quick_command_is_heard(url: str, seconds: float | None) -> None:
    assert connect(Endpoint(url, "test")).execute("c" * 64, ["id", "-u"], seconds=seconds) == (0, SAID, b"")


@pytest.mark.parametrize("seconds", [None, 5.0])
def test_an_end_of_which_the_engine_hears_late_is_waited_for(
    url: str, seconds: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first answer is that to the command's being made.
    monkeypatch.setattr(Handler, "codes", [None, None, None, 3])
    engine = connect(Endpoint(url, "test"))
    assert engine.execute("c" * 64, ["id"], seconds=seconds) == (3, SAID, b"")


@pytest.mark.parametrize("seconds", [None, 5.0])
def test_a_command_whose_end_is_not_known_has_not_ended_well(
    url: str, seconds: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Handler, "codes", [None])
    engine = connect(Endpoint(url, "test"))
    with pytest.raises(StepFailed, match="its output stopped before it did"):
        engine.execute("c" * 64, ["id"], seconds=seconds)
    with pytest.raises(StepFailed, match="its output stopped before it did"):
        list(engine.run_streamed("c" * 64, ["dump"]))


def test_the_first_of_a_dump_is_in_it(url: str) -> None:
    assert b"".join(connect(Endpoint(url, "test")).run_streamed("c" * 64, ["dump"])) == SAID
