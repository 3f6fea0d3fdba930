"""What an engine itself needs: the same containers by bare requests over its socket, some at a time."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

# More at a time are not faster on two cores.
AT_ONCE = 4
_NONE, _CONFLICT = 404, 409


class _Socket(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(self._path)


class Floor:
    """The containers, the network and the volumes of a Compose file, by bare requests to a socket (`unix://`)."""

    def __init__(self, url: str, project: str, declared: Mapping[str, Any]) -> None:
        self._path = url.removeprefix("unix://")
        self._project = project
        self._services = declared["services"]
        self._volumes = [f"{project}_{name}" for name in declared["volumes"]]
        self._network = f"{project}_default"
        self._local = threading.local()

    def make(self) -> None:
        """Create and start everything."""
        labels = {"benchmark": self._project}
        self._ask("POST", "/networks/create", {"Name": self._network, "Labels": labels, "CheckDuplicate": True})
        self._each(lambda name: self._ask("POST", "/volumes/create", {"Name": name, "Labels": labels}), self._volumes)
        self._each(self._make_one, self._services)

    def _make_one(self, name: str) -> None:
        service = self._services[name]
        body = {
            "Image": service["image"],
            "Cmd": service["command"],
            "Env": [f"{key}={value}" for key, value in service["environment"].items()],
            "Labels": {"benchmark": self._project},
            "HostConfig": {
                "Init": True,
                "RestartPolicy": {"Name": "unless-stopped"},
                "NetworkMode": self._network,
                "Binds": [f"{self._project}_{one}" for one in service.get("volumes", ())],
            },
        }
        made = self._ask("POST", f"/containers/create?name={self._project}-{name}-1", body)
        self._ask("POST", f"/containers/{made['Id']}/start")

    def look(self) -> None:
        """List everything, and inspect each container."""
        self._each(lambda one: self._ask("GET", f"/containers/{one['Id']}/json"), self._listed())
        self._ask("GET", "/networks")
        self._ask("GET", "/volumes")

    def remove(self) -> None:
        """Remove everything, without asking processes to end."""
        self._each(lambda one: self._ask("DELETE", f"/containers/{one['Id']}?force=1&v=1"), self._listed())
        self._ask("DELETE", f"/networks/{self._network}")
        self._each(lambda name: self._ask("DELETE", f"/volumes/{name}"), self._volumes)

    def _listed(self) -> list[dict[str, Any]]:
        wanted = quote(json.dumps({"label": [f"benchmark={self._project}"]}))
        listed: list[dict[str, Any]] = self._ask("GET", f"/containers/json?all=1&filters={wanted}")
        return listed

    def _each(self, work: Callable[[Any], object], things: Iterable[Any]) -> None:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(work, things))

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        connection = getattr(self._local, "connection", None) or _Socket(self._path)
        self._local.connection = connection
        headers = {"Content-Type": "application/json"} if body is not None else {}
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status >= http.client.BAD_REQUEST and answer.status != _NONE:
            raise RuntimeError(f"{method} {path}: {answer.status} {content.decode(errors='replace')}")
        return json.loads(content) if content else None
