"""A Secrets Manager that answers as told: for what no honest one does on request."""

from __future__ import annotations

import base64
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass
class Answer:
    """One HTTP answer. `body` bytes are sent as they are; `seconds` pass before it, `drip` between its bytes."""

    body: Any
    status: int = 200
    seconds: float = 0.0
    drip: float = 0.0
    cut: bool = False


@dataclass
class FaultyServer:
    url: str
    answers: Callable[[str, dict[str, Any]], Answer]
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def operations(self) -> list[str]:
        return [operation for operation, _ in self.asked]


def error(code: str, message: str = "", status: int = 400) -> Answer:
    return Answer({"__type": code, "message": message}, status)


def entry(name: str, value: str | bytes, version: str = "v" * 32) -> dict[str, Any]:
    """One entry of `SecretValues`."""
    body = {"ARN": f"arn:aws:secretsmanager:eu-west-1:123456789012:secret:{name}-AbCdEf", "Name": name}
    kind = {"SecretString": value} if isinstance(value, str) else {"SecretBinary": base64.b64encode(value).decode()}
    return {**body, "VersionId": version, "CreatedDate": 1700000000.0, **kind}


@contextmanager
def faulty_server(answers: Callable[[str, dict[str, Any]], Answer]) -> Iterator[FaultyServer]:
    """Serve on loopback; `answers` gets the operation's name and the request's JSON."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            operation = self.headers["X-Amz-Target"].partition(".")[2]
            server.asked.append((operation, request))
            answer = server.answers(operation, request)
            server.ended.wait(answer.seconds)
            body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            try:
                self.send_response(answer.status)
                self.send_header("Content-Type", "application/x-amz-json-1.1")
                self.send_header("Content-Length", str(len(body) + (100 if answer.cut else 0)))
                self.end_headers()
                for part in [body[i : i + 1] for i in range(len(body))] if answer.drip else [body]:
                    self.wfile.write(part)
                    if server.ended.wait(answer.drip):
                        break
            except OSError:
                pass
            if answer.cut:
                self.close_connection = True

        def log_message(self, *arguments: object) -> None: ...

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener.daemon_threads = True
    server = FaultyServer(f"http://127.0.0.1:{listener.server_port}", answers)
    thread = threading.Thread(target=listener.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.ended.set()
        listener.shutdown()
        listener.server_close()
        thread.join()
