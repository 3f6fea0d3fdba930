"""An HTTP request from this machine and what must hold of its answer. Uses no proxy; knows no engine."""

from __future__ import annotations

import base64
import http.client
import json
import re
import ssl
import time
from typing import TYPE_CHECKING
from urllib.parse import unquote, urljoin, urlsplit

from provisioner.model.dataclass import dataclass
from provisioner.verify.json_subset import difference
from provisioner.verify.kind import Attempt, Kind, shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from urllib.parse import SplitResult

    from provisioner.model.node import JSON
    from provisioner.model.playbook import Check
    from provisioner.verify.kind import CheckContext

TIMEOUT = 5.0
_LARGEST = 16 * 1024 * 1024
_MOST_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)


def attempt(check: Check, world: CheckContext) -> Attempt:
    """Send the request once. Without `status` any 2xx is right; redirects are answers unless `follow` is set.

    `timeout` (5 s) is for the whole exchange, redirects included.
    """
    request = _Request.of(check.arguments)
    try:
        answer = _exchange(request)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Attempt(False, f"{request.method} {_public(request.url)}: {_reason(error)}")
    wrong = _wrong(check.arguments, answer)
    if wrong:
        return Attempt(False, f"{request.method} {_public(answer.url)}: {wrong}")
    return Attempt(True, f"{answer.status} {answer.reason}".strip())


CHECK = Kind("http", attempt)


@dataclass(frozen=True, slots=True)
class _Answer:
    url: str
    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class _Request:
    url: str
    method: str
    headers: Mapping[str, str]
    body: bytes | None
    follow: bool
    insecure: bool
    timeout: float

    @classmethod
    def of(cls, arguments: Mapping[str, JSON]) -> _Request:
        given = arguments.get("headers")
        headers = {name: str(value) for name, value in given.items()} if isinstance(given, dict) else {}
        names = {name.lower() for name in headers}
        body, content = None, arguments.get("body")
        if isinstance(content, str):
            body = content.encode()
        elif "body" in arguments:
            body = json.dumps(content).encode()
            if "content-type" not in names:
                headers["Content-Type"] = "application/json"
        method = str(arguments.get("method") or ("GET" if body is None else "POST")).upper()
        timeout = arguments.get("timeout", TIMEOUT)
        return cls(
            url=str(arguments["url"]),
            method=method,
            headers={"User-Agent": "provision", "Accept": "*/*", "Connection": "close", **headers},
            body=body,
            follow=arguments.get("follow") is True,
            insecure=arguments.get("insecure") is True,
            timeout=float(timeout) if isinstance(timeout, (int, float)) else TIMEOUT,
        )


def _exchange(request: _Request) -> _Answer:
    deadline = time.monotonic() + request.timeout
    url, method, body, headers = request.url, request.method, request.body, dict(request.headers)
    for _ in range(_MOST_REDIRECTS + 1):
        answer = _send(url, method, headers, body, request.insecure, deadline)
        target = answer.headers.get("location")
        if not request.follow or answer.status not in _REDIRECTS or not target:
            return answer
        before, url = urlsplit(url), urljoin(url, target)
        after = urlsplit(url)
        if after.scheme not in ("http", "https"):
            raise ValueError(f"redirected to {after.scheme}:, which is not followed")
        if (before.scheme, before.hostname, before.port) != (after.scheme, after.hostname, after.port):
            headers = {
                name: value for name, value in headers.items() if name.lower() not in ("authorization", "cookie")
            }
        if answer.status in (301, 302, 303) and method not in ("GET", "HEAD"):
            method, body = "GET", None
            headers = {name: value for name, value in headers.items() if name.lower() != "content-type"}
    raise ValueError(f"more than {_MOST_REDIRECTS} redirects")


def _send(
    url: str, method: str, headers: Mapping[str, str], body: bytes | None, insecure: bool, deadline: float
) -> _Answer:
    parts = urlsplit(url)
    connection = _connection(parts, insecure, deadline)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(method, path, body=body, headers={**_credentials(parts), **headers})
        response = connection.getresponse()
        chunks, size = [], 0
        while True:
            if connection.sock is not None:
                connection.sock.settimeout(_seconds_left(deadline))
            chunk = response.read1(65536)
            if not chunk:
                break
            chunks.append(chunk)
            size += len(chunk)
            if size > _LARGEST:
                raise ValueError(f"the answer is larger than {_LARGEST // 1024 // 1024} MiB")
            _seconds_left(deadline)
        names = {name.lower(): value for name, value in response.getheaders()}
        return _Answer(url, response.status, response.reason, names, b"".join(chunks))
    finally:
        connection.close()


def _connection(parts: SplitResult, insecure: bool, deadline: float) -> http.client.HTTPConnection:
    host, timeout = parts.hostname or "", _seconds_left(deadline)
    if parts.scheme == "http":
        return http.client.HTTPConnection(host, parts.port, timeout=timeout)
    context = ssl.create_default_context()
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, parts.port, timeout=timeout, context=context)


def _credentials(parts: SplitResult) -> dict[str, str]:
    if parts.username is None:
        return {}
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def _seconds_left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _public(url: str) -> str:
    """The URL without a user's name and password."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no complete answer in time"
    if isinstance(error, http.client.RemoteDisconnected):
        return "the connection was closed without an answer"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted: {error.verify_message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _wrong(arguments: Mapping[str, JSON], answer: _Answer) -> str | None:
    """What of the answer is not as expected; None when all is."""
    statuses = arguments.get("status")
    right = answer.status in statuses if isinstance(statuses, list) else 200 <= answer.status < 300
    if not right:
        expected = " or ".join(str(status) for status in statuses) if isinstance(statuses, list) else "2xx"
        said = f": {shown(answer.text)}" if answer.body else ""
        return f"status {answer.status}, expected {expected}{said}"
    headers = arguments.get("response_headers")
    for name, wanted in headers.items() if isinstance(headers, dict) else ():
        actual = answer.headers.get(name.lower())
        if actual != wanted:
            return (
                f"header {name} is {shown(actual) if actual is not None else 'missing'}, expected {shown(str(wanted))}"
            )
    return _wrong_body(arguments, answer)


def _wrong_body(arguments: Mapping[str, JSON], answer: _Answer) -> str | None:
    texts = arguments.get("contains")
    for text in texts if isinstance(texts, list) else ():
        if str(text) not in answer.text:
            return f"the body does not contain {shown(str(text))}: {shown(answer.text)}"
    pattern = arguments.get("matches")
    if pattern is not None and not re.search(str(pattern), answer.text):
        return f"{shown(str(pattern))} does not match the body: {shown(answer.text)}"
    if "json" in arguments:
        try:
            actual = json.loads(answer.body)
        except ValueError:
            return f"the body is not JSON: {shown(answer.text)}"
        return difference(arguments["json"], actual)
    return None
