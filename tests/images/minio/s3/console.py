"""The console beside the S3 server: a page, and the requests behind its login and its buckets."""

from __future__ import annotations

import json
import secrets
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from s3.words import BUCKET, date

if TYPE_CHECKING:
    from s3.store import Store


class Console(BaseHTTPRequestHandler):
    """The console's page and, under /api/v1, what it uses to log in, to list buckets and to make one."""

    protocol_version = "HTTP/1.1"
    store: Store
    keys: dict[str, str]
    sessions: set[str]

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/api/v1/buckets":
            if self.is_logged_in():
                found = [{"name": name, "creation_date": date(created)} for name, created in self.store.buckets()]
                self.answer(200, {"buckets": found, "total": len(found)})
        elif path.startswith("/api/"):
            self.answer(404, {"message": "the stand-in does not have this"})
        else:
            page = b"<!doctype html><title>MinIO Console (stand-in)</title><h1>MinIO Console (stand-in)</h1>\n"
            self.send(200, page, {"Content-Type": "text/html"})

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            asked = json.loads(content)
        except ValueError:
            asked = {}
        path = urlsplit(self.path).path
        if path == "/api/v1/login":
            self.log_in(asked)
        elif path == "/api/v1/buckets":
            if self.is_logged_in():
                self.make_bucket(str(asked.get("name")))
        else:
            self.answer(404, {"message": "the stand-in does not have this"})

    def log_in(self, asked: dict[str, str]) -> None:
        if self.keys.get(str(asked.get("accessKey"))) != asked.get("secretKey"):
            self.answer(401, {"message": "invalid login"})
            return
        token = secrets.token_urlsafe(32)
        self.sessions.add(token)
        self.send(204, b"", {"Set-Cookie": f"token={token}; Path=/; HttpOnly; SameSite=Lax"})

    def is_logged_in(self) -> bool:
        token = SimpleCookie(self.headers.get("Cookie") or "").get("token")
        if token is not None and token.value in self.sessions:
            return True
        self.answer(403, {"message": "invalid session"})
        return False

    def make_bucket(self, name: str) -> None:
        if not BUCKET.match(name):
            self.answer(400, {"message": "The specified bucket is not valid."})
        elif not self.store.create_bucket(name):
            self.answer(409, {"message": "Your previous request to create the named bucket succeeded."})
        else:
            self.answer(200, {"bucketName": name})

    def answer(self, status: int, document: dict[str, object]) -> None:
        self.send(status, json.dumps(document).encode(), {"Content-Type": "application/json"})

    def send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Quiet, as minio is."""
