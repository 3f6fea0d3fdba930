"""A small HTTP server: an application is a function from a Request to a Response."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, slots=True)
class Request:
    """`query` holds the last value of every parameter."""

    method: str
    path: str
    query: dict[str, str]
    query_text: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body; raise ValueError when it is not JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Response:
    """`content` is text, sent as HTML or plain text, or a document, sent as JSON."""

    status: int
    content: Any = ""
    headers: dict[str, str] = field(default_factory=dict)


Application = Callable[[Request], Response]


def serve(port: int, application: Application) -> None:
    """Answer requests until the process ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, parts.path, dict(parse_qsl(parts.query)), parts.query, headers, body)
            try:
                response = application(request)
            except ValueError as error:
                response = Response(400, {"message": f"bad request: {error}"})
            except Exception as error:  # one request's fault must not look like a dead server
                response = Response(500, {"message": f"{type(error).__name__}: {error}"})
            self.send(response)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = answer  # noqa: N815 (the names that the base class calls)

        def send(self, response: Response) -> None:
            is_text = isinstance(response.content, str)
            data = response.content.encode() if is_text else json.dumps(response.content, default=str).encode()
            kind = "application/json"
            if is_text:
                kind = "text/html; charset=utf-8" if response.content.startswith("<") else "text/plain; charset=utf-8"
            self.send_response(response.status)
            for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **response.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

    server = ThreadingHTTPServer(("", port), Handler)
    server.daemon_threads = True
    server.serve_forever()
