"""A service under load: a server that ends well when it is told to, and a client that asks for it by its name."""

from __future__ import annotations

import contextlib
import json
import time
from typing import TYPE_CHECKING, Any

from tests.engine.environment import Environment, service
from tests.quick_check import passing_once

if TYPE_CHECKING:
    from collections.abc import Iterator

# Answers with a file's content. Told to end, it serves who is connected already, as any server should: the engine's
# name service goes on to name a container until it has ended.
_SERVE = """
import http.server, pathlib, select, signal, sys, threading
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = pathlib.Path(sys.argv[1]).read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments):
        pass
class Server(http.server.ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 128
server = Server(("", 8080), Answer)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever(0.05)
while select.select([server.socket], [], [], 0)[0]:
    server.handle_request()
server.server_close()
"""

_ASK = """
import collections, json, threading, time, urllib.request
seen, failed = collections.Counter(), []
def ask():
    while True:
        try:
            seen[urllib.request.urlopen("http://web:8080/", timeout=20).read().decode()] += 1
        except Exception as error:
            failed.append(repr(error))
        time.sleep(0.02)
for _ in range(4):
    threading.Thread(target=ask, daemon=True).start()
while True:
    time.sleep(0.1)
    print(json.dumps({"seen": seen, "failed": failed}), flush=True)
"""

_IS_UP = "python -c \"import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/')\""


def server(file: str, **more: Any) -> dict[str, Any]:
    """Answers every request on port 8080 with the content of `file`, and is replaced start-first."""
    check = {**passing_once(_IS_UP), "retries": 100}
    fields = {"healthcheck": check, "update": {"order": "start-first"}, "stop_signal": "SIGTERM", **more}
    return service(image="python:3.12-slim", command=["python", "-c", _SERVE, file], **fields)


class Client:
    """Four askers of `http://web:8080/` that never stop."""

    def __init__(self, container: Any) -> None:
        self._container = container

    def heard(self) -> tuple[dict[str, int], list[str]]:
        """How often each answer was heard, and the requests that failed."""
        lines = self._container.logs(tail=1).splitlines()
        said = json.loads(lines[-1]) if lines else {"seen": {}, "failed": []}
        return said["seen"], said["failed"]

    def wait_for(self, answer: str) -> None:
        """Until it was heard a few times more."""
        before = self.heard()[0].get(answer, 0)
        for _ in range(300):
            if self.heard()[0].get(answer, 0) > before + 8:
                return
            time.sleep(0.1)
        raise AssertionError(f"{answer!r} was not heard: {self.heard()}")

    def require_no_failure(self) -> None:
        seen, failed = self.heard()
        assert failed == [], f"{len(failed)} of {sum(seen.values()) + len(failed)}"


@contextlib.contextmanager
def asking(environment: Environment) -> Iterator[Client]:
    """A client on the environment's network, which is none of its own."""
    container = environment.engine.containers.run(
        "python:3.12-slim", ["python", "-c", _ASK], name=f"{environment.project}client", detach=True, init=True,
        network=f"{environment.project}_default",
    )  # fmt: skip
    try:
        yield Client(container)
    finally:
        container.remove(force=True, v=True)
