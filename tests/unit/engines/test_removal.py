"""Removing: gone is what the engine no longer shows, whatever it answered; an overlay stays on a node for a while."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from provisioner.engines import docker_api, engine_http, removal
from provisioner.engines.connect import Endpoint
from provisioner.errors import EngineRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

IDENTITY = "a" * 64
KINDS = ("container", "network", "volume", "service", "config", "secret", "image")


class Engine(ThreadingHTTPServer):
    """Answers to removals with `statuses`, the last one for good, and shows the object for so many further looks.

    With `looks` None it shows it until a removal was answered with less than 300.
    """

    statuses: list[int]
    looks: int | None = 0
    scope = "local"
    deleted = False
    removals = 0

    def shows(self) -> bool:
        if self.looks is None:
            return not self.deleted
        self.looks -= 1
        return self.looks >= 0


class Handler(BaseHTTPRequestHandler):
    server: Engine

    def do_GET(self) -> None:
        if self.path == "/version":
            self._answer(200, {"ApiVersion": "1.41", "Version": "20.10.24"})
        elif self.server.shows():
            on_it = {"1": {"Name": "shop_web.1.x"}}
            self._answer(200, {"Id": IDENTITY, "Name": "shop_back", "Scope": self.server.scope, "Containers": on_it})
        else:
            self._answer(404, {"message": "not found"})

    def do_DELETE(self) -> None:
        self.server.removals += 1
        status = self.server.statuses.pop(0) if len(self.server.statuses) > 1 else self.server.statuses[0]
        self.server.deleted = status < 300
        self._answer(status, {"message": f"network {IDENTITY} not found"})

    def _answer(self, status: int, body: Any) -> None:
        content = b"" if status == 204 else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setattr(engine_http, "_CHANGE_PAUSE", 0.01)
    with Engine(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield running
        running.shutdown()


def engine(server: Engine) -> docker_api.DockerEngine:
    return docker_api.connect(Endpoint(f"tcp://127.0.0.1:{server.server_port}", "test"))


@pytest.mark.parametrize("status", [204, 404, 500])
def test_what_is_gone_for_the_manager_is_waited_for_on_the_node(server: Engine, status: int) -> None:
    # Managers of engine 20.10 say with a 500 that a network is not found.
    server.statuses, server.looks, server.scope = [status], 6, "swarm"
    engine(server).remove("network", IDENTITY)
    assert server.looks == -1


def test_a_node_that_does_not_let_go_is_an_error_that_says_what_is_on_it(
    server: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removal, "_RELEASE", 0.5)
    server.statuses, server.looks, server.scope = [404], 1000, "swarm"
    with pytest.raises(EngineRefused, match=r"shop_back .* still on this node .* shop_web\.1\.x on it"):
        engine(server).remove("network", IDENTITY)


@pytest.mark.parametrize("kind", KINDS)
def test_not_found_is_read_back_and_asked_again(server: Engine, kind: str) -> None:
    server.statuses, server.looks = [404, 204], None
    engine(server).remove(kind, IDENTITY)
    assert (server.deleted, server.removals) == (True, 2)


@pytest.mark.parametrize("kind", KINDS)
def test_not_found_of_what_is_shown_to_the_end_is_an_error(server: Engine, kind: str) -> None:
    server.statuses, server.looks = [404], None
    with pytest.raises(EngineRefused, match=f"says that the {kind} {IDENTITY} is not there, and goes on showing it"):
        engine(server).remove(kind, IDENTITY)
    assert server.removals <= 3


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_there_counts_as_removed(server: Engine, kind: str) -> None:
    server.statuses, server.looks = [404], 0
    engine(server).remove(kind, IDENTITY)
    assert server.removals == 1


def test_a_forced_removal_is_read_back_too(server: Engine) -> None:
    server.statuses, server.looks = [404, 204], None
    engine(server).force_remove(IDENTITY)
    assert server.deleted
    server.statuses, server.deleted = [404], False
    with pytest.raises(EngineRefused, match="goes on showing it"):
        engine(server).force_remove(IDENTITY)
