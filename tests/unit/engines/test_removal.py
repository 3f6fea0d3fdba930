"""Removing a network: what a manager has removed, and a node of its Swarm still shows for a while, or for good."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from provisioner.engines import docker_api
from provisioner.engines.connect import Endpoint
from provisioner.errors import EngineRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

NETWORK = {"Id": "a" * 64, "Name": "shop_back", "Containers": {"1": {"Name": "shop_web.1.x"}}}


class Manager(ThreadingHTTPServer):
    """Answers to a removal with `status`, and shows the network for so many further looks."""

    status = 204
    looks = 0


class Handler(BaseHTTPRequestHandler):
    server: Manager

    def do_GET(self) -> None:
        if self.path == "/version":
            self._answer(200, {"ApiVersion": "1.41", "Version": "20.10.24"})
        elif self.server.looks > 0:
            self.server.looks -= 1
            self._answer(200, NETWORK)
        else:
            self._answer(404, {"message": "network not found"})

    def do_DELETE(self) -> None:
        self._answer(self.server.status, {"message": f"network {NETWORK['Id']} not found"})

    def _answer(self, status: int, body: Any) -> None:
        content = b"" if status == 204 else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def manager() -> Iterator[Manager]:
    with Manager(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def engine(manager: Manager) -> docker_api.DockerEngine:
    return docker_api.connect(Endpoint(f"tcp://127.0.0.1:{manager.server_port}", "test"))


@pytest.mark.parametrize("status", [204, 404, 500])
def test_what_is_gone_for_the_manager_is_waited_for_on_the_node(manager: Manager, status: int) -> None:
    # Managers of engine 20.10 say with a 500 that a network is not found.
    manager.status, manager.looks = status, 3
    engine(manager).remove("network", NETWORK["Id"])
    assert manager.looks == 0


def test_a_node_that_does_not_let_go_is_an_error_that_says_what_is_on_it(
    manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker_api, "_RELEASE", 0.5)
    manager.looks = 1000
    with pytest.raises(EngineRefused, match=r"shop_back .* still on this node .* shop_web\.1\.x on it"):
        engine(manager).remove("network", NETWORK["Id"])
