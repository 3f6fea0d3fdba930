"""HTTP checks against a real server on loopback."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from provisioner.model.playbook import Check
from provisioner.model.span import Span
from provisioner.verify.http import attempt


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        answers = {
            "/health": (200, {"Content-Type": "application/json"}, b'{"database": "ok", "n": 1}'),
            "/text": (200, {"X-Kind": "plain"}, "héllo wörld".encode()),
            "/missing": (404, {}, b"no such page"),
            "/moved": (302, {"Location": "/health"}, b""),
            "/loop": (302, {"Location": "/loop"}, b""),
            "/away": (302, {"Location": "file:///etc/passwd"}, b""),
        }
        if self.path == "/slow":
            time.sleep(1)
        if self.path == "/rude":
            return
        if self.path == "/echo":
            self.answer(200, {}, json.dumps(dict(self.headers)).encode())
            return
        self.answer(*answers.get(self.path, (200, {}, b"")))

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        said = {"method": "POST", "body": body.decode(), "type": self.headers.get("Content-Type")}
        self.answer(201, {}, json.dumps(said).encode())

    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_address[1]}"
        http.shutdown()
        thread.join()


def ask(url, **arguments):
    return attempt(Check("c", "http", {"url": url, **arguments}, 0.0, Span("p.yml")), None)


@pytest.mark.parametrize(
    ("path", "expectations"),
    [
        ("/health", {}),
        ("/health", {"status": [200], "json": {"database": "ok"}}),
        ("/text", {"contains": ["héllo", "wörld"], "matches": "^h.llo", "response_headers": {"x-kind": "plain"}}),
        ("/missing", {"status": [404, 410]}),
        ("/moved", {"status": [302]}),
        ("/moved", {"follow": True, "json": {"n": 1}}),
        ("", {"status": [200]}),
    ],
)
def test_an_answer_as_expected(server, path, expectations):
    result = ask(server + path, **expectations)
    assert result.ok, result.message


@pytest.mark.parametrize(
    ("path", "expectations", "message"),
    [
        ("/missing", {}, "status 404, expected 2xx: 'no such page'"),
        ("/missing", {"status": [200, 204]}, "status 404, expected 200 or 204: 'no such page'"),
        ("/moved", {}, "status 302, expected 2xx"),
        ("/health", {"json": {"database": "down"}}, 'json database is "ok", expected "down"'),
        ("/text", {"json": {}}, "the body is not JSON: 'héllo wörld'"),
        ("/text", {"contains": ["bye"]}, "the body does not contain 'bye': 'héllo wörld'"),
        ("/text", {"matches": "^wörld"}, "'^wörld' does not match the body: 'héllo wörld'"),
        ("/text", {"response_headers": {"X-Kind": "rich"}}, "header X-Kind is 'plain', expected 'rich'"),
        ("/text", {"response_headers": {"X-None": "a"}}, "header X-None is missing, expected 'a'"),
        ("/slow", {"timeout": 0.2}, "no complete answer in time"),
        ("/rude", {}, "the connection was closed without an answer"),
        ("/loop", {"follow": True}, "more than 5 redirects"),
        ("/away", {"follow": True}, "redirected to file:, which is not followed"),
    ],
)
def test_an_answer_that_is_wrong_says_how(server, path, expectations, message):
    result = ask(server + path, **expectations)
    assert not result.ok
    assert result.message == f"GET {server}{path}: {message}"


def test_a_body_is_posted_as_it_is(server):
    assert ask(
        server, body="a=1", headers={"Content-Type": "text/plain"}, json={"body": "a=1", "type": "text/plain"}
    ).ok


def test_a_body_that_is_data_is_posted_as_json(server):
    result = ask(server, body={"a": [1]}, status=[201], json={"body": '{"a": [1]}', "type": "application/json"})
    assert result.ok, result.message


def test_nobody_listening_is_a_failed_check(unused_port):
    result = ask(f"http://127.0.0.1:{unused_port}/")
    assert (result.ok, result.message) == (False, f"GET http://127.0.0.1:{unused_port}/: connection refused")


def test_a_password_in_the_url_is_sent_and_never_shown(server):
    url = server.replace("//", "//user:canary@")
    assert ask(url + "/echo", json={"Authorization": "Basic dXNlcjpjYW5hcnk="}).ok
    wrong = ask(url + "/missing")
    assert not wrong.ok
    assert "canary" not in wrong.message


def test_proxies_of_the_environment_are_not_asked(server, monkeypatch, unused_port):
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{unused_port}")
    assert ask(server + "/health").ok


def test_an_answer_that_drips_ends_with_the_timeout():
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip():
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
                for _ in range(1000):
                    connection.sendall(b"x")
                    time.sleep(0.05)

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        before = time.monotonic()
        result = ask(f"http://127.0.0.1:{listener.getsockname()[1]}/", timeout=0.4)
        assert time.monotonic() - before < 20
        assert not result.ok
        assert result.message.endswith("no complete answer in time")
        thread.join()
