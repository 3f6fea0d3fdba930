"""What GitHub and GitLab are to a job: a server on loopback that keeps its comments, and the expressions they know."""

from __future__ import annotations

import json
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from tests.engine.environment import service as quick
from tests.quick_check import passing_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


def service(**more: Any) -> dict[str, Any]:
    """A quick service in which lint finds no error."""
    return quick(healthcheck=passing_once("test -e /bin/sh"), **more)


@dataclass
class Forge:
    """The comments of one pull request, number 7, and whether it is merged. `me` is who the token belongs to."""

    me: str
    token: str
    comments: list[dict[str, Any]] = field(default_factory=list)
    merged: bool = False
    may_write: bool = True
    address: str = ""

    def say(self, author: str, body: str) -> dict[str, Any]:
        """A comment by somebody."""
        comment = {
            "id": len(self.comments) + 1, "body": body, "user": {"login": author}, "author": {"id": author},
        }  # fmt: skip
        self.comments.append(comment)
        return comment

    def answer(self, method: str, path: str, document: Any) -> tuple[int, Any]:
        """The status and the document with which one request is answered."""
        if method in ("POST", "PATCH", "PUT") and not self.may_write:
            return 403, {"message": "Resource not accessible by integration"}
        page = 1 if "page=" not in path else int(re.findall(r"[&?]page=(\d+)", path)[0])
        number = re.search(r"/(?:comments|notes)/(\d+)$", path)
        match method, path.partition("?")[0].rpartition("/")[2]:
            case "GET", "user":
                return 200, {"id": self.me}
            case "GET", "pulls":
                return 200, [{"number": 7, "merged_at": "2026-01-01T00:00:00Z" if self.merged else None}]
            case "GET", "merge_requests":
                return 200, [{"iid": 7, "state": "merged" if self.merged else "opened"}]
            case "GET", "comments" | "notes" if "/7/" in path:
                # GitLab has the newest first, GitHub the oldest.
                listed = self.comments if path.startswith("/repos/") else self.comments[::-1]
                return 200, listed[(page - 1) * 2 : page * 2]
            case "POST", "comments" | "notes" if "/7/" in path:
                return 201, self.say(self.me, document["body"])
            case "PATCH" | "PUT", _ if number:
                comment = self.comments[int(number[1]) - 1]
                comment["body"] = document["body"]
                return 200, comment
        return 404, {"message": f"Not Found: {method} {path}"}


@contextmanager
def serving(forge: Forge) -> Iterator[Forge]:
    """The forge as an HTTP server, which lets nobody in without its token."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            document = json.loads(self.rfile.read(length) or b"null")
            given = {self.headers.get("Authorization", ""), self.headers.get("PRIVATE-TOKEN", "")}
            status, said = (
                forge.answer(self.command, self.path, document)
                if {f"Bearer {forge.token}", forge.token} & given
                else (401, {"message": "Bad credentials"})
            )
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = do_PUT = _answer  # noqa: N815 - http.server calls them so

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        forge.address = f"http://127.0.0.1:{server.server_port}"
        try:
            yield forge
        finally:
            server.shutdown()


def interpolated(text: str, value: Callable[[str], str]) -> str:
    """A text with each `${{ … }}` replaced; of `A || B` the first that is not empty counts."""
    return re.sub(r"\$\{\{(.*?)\}\}", lambda match: _first(match[1], value), text)


def _first(expression: str, value: Callable[[str], str]) -> str:
    return next((found for one in expression.split("||") if (found := value(one.strip()))), "")


def holds(condition: str, value: Callable[[str], str]) -> bool:
    """Whether `NAME == 'text'` or `NAME != 'text'` holds."""
    match = re.fullmatch(r"(\S+) (==|!=) '([^']*)'", condition)
    assert match, f"not a condition that is understood here: {condition}"
    return (value(match[1]) == match[3]) is (match[2] == "==")


def pairs(text: str) -> Mapping[str, str]:
    """The `name=value` lines of a file such as GITHUB_OUTPUT."""
    return dict(line.split("=", 1) for line in text.splitlines())
