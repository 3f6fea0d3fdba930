"""Requests to an engine and what their answers mean: deadlines, retries of reads, and which errors may pass.

Knows HTTP and the Engine API's manner of failing, no object of it. No redirect is followed.
"""

from __future__ import annotations

import http.client
import json
import re
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from provisioner.engines.transport import TRANSPORT, ClientTransport, PlainTransport
from provisioner.errors import EngineConflict, EngineRefused, Reason, Unreachable
from provisioner.kinds.refusals import refused
from provisioner.reconcile.retry import retried

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from docker.api.client import APIClient

    from provisioner.engines.connect import Endpoint
    from provisioner.engines.ssh import SshTunnel
    from provisioner.engines.transport import Reply, Transport
    from provisioner.model.edges import EngineJson
    from provisioner.reconcile.retry import Answer

# Seconds until a request that gets no answer is given up.
READ_TIMEOUT = 60.0
WRITE_TIMEOUT = 180.0
# Seconds without a byte after which a stream that tells of progress is given up.
SILENCE = 600.0
# Seconds before a read, or a change whose outcome was looked at, is asked for again.
_READ_PAUSE, _CHANGE_PAUSE = 0.3, 0.45
# Each connection through ssh is a process here and one on the other side.
_READS_THROUGH_SSH = 1
# What a proxy that lets only some requests through says to the others.
_OF_PROXIES = (403, 405)
# That of its API, as an engine says it.
_VERSION = re.compile(r"\d+\.\d+")


class EngineHttp:
    """The connection to one engine. `timeout` (seconds) shortens both deadlines."""

    def __init__(self, endpoint: Endpoint, timeout: float | None = None) -> None:
        self.endpoint = endpoint
        self._read_timeout = min(READ_TIMEOUT, timeout or READ_TIMEOUT)
        self._write_timeout = min(WRITE_TIMEOUT, timeout or WRITE_TIMEOUT)
        self.silence = min(SILENCE, timeout or SILENCE)

    @cached_property
    def version(self) -> EngineJson:
        """What the engine says of its versions (GET /version)."""
        try:
            reply = self._transport.request("GET", "/version", None, {}, self._read_timeout)
            answer = reply.json() if reply.status == 200 else None
            if isinstance(answer, dict) and _VERSION.fullmatch(str(answer.get("ApiVersion"))):
                return answer
        except ValueError as error:
            raise self._unreachable(error) from error
        except TRANSPORT as error:
            raise self._unreachable(error) from error
        if reply.status in _OF_PROXIES:
            raise answer_error(reply.status, reply.content, "GET /version")
        raise unreachable(self.endpoint, OSError(f"HTTP {reply.status} to GET /version, which is no Docker Engine's"))

    @property
    def api_version(self) -> str:
        return str(self.version["ApiVersion"])

    @property
    def api(self) -> tuple[int, int]:
        """The version as numbers, which can be compared."""
        major, _, minor = self.api_version.partition(".")
        return int(major), int(minor)

    @cached_property
    def client(self) -> APIClient:
        """docker-py's client, for what streams."""
        if isinstance(self._transport, ClientTransport):
            return self._transport.client
        return self._docker_py(self.api_version)

    @cached_property
    def local(self) -> Endpoint:
        """The endpoint as this machine can connect to it: for an engine behind ssh, the socket that leads there."""
        return replace(self.endpoint, url=f"unix://{self._tunnel.path}") if self._tunnel else self.endpoint

    @cached_property
    def _tunnel(self) -> SshTunnel | None:
        if not self.endpoint.url.startswith("ssh://"):
            return None
        from provisioner.engines.ssh import SshTunnel

        return SshTunnel(self.endpoint.url)

    @cached_property
    def _transport(self) -> Transport:
        url = self.local.url
        if self.endpoint.tls or not url.startswith(("unix://", "tcp://", "http://")):
            return ClientTransport(self._docker_py("auto"))
        return PlainTransport(url, _READS_THROUGH_SSH if self._tunnel else None)

    def _docker_py(self, version: str) -> APIClient:
        from docker.errors import DockerException

        from provisioner.engines.docker_py import Client

        try:
            return Client(
                base_url=self.local.url, version=version, tls=self.endpoint.tls or False, timeout=READ_TIMEOUT,
                num_pools=16,
            )  # fmt: skip
        except (DockerException, *TRANSPORT) as error:
            raise self._unreachable(error) from error

    def get(self, path: str, parameters: Mapping[str, str] | None = None) -> Any:
        """The answer to a read as plain values. What fails in passing is asked again."""

        def call() -> Any:
            reply = self.send("GET", path, parameters or {})
            try:
                return reply.json() if reply is not None else {}
            except ValueError as error:
                raise Unreachable(f"the engine's answer to {path} is cut or not JSON") from error

        return retried(call, _may_pass, pause=_READ_PAUSE)

    def ping(self) -> Mapping[str, str]:
        """The headers of the answer to /_ping, in which an engine says what it is."""
        reply = self.send("GET", "/_ping", {})
        return reply.headers if reply is not None else {}

    def post(
        self,
        path: str,
        body: Any = None,
        parameters: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The answer to a change, made once."""
        reply = self.send("POST", path, parameters or {}, body, headers=headers)
        if reply is None or not reply.content:
            return {}
        try:
            return reply.json()
        except ValueError as error:
            raise Unreachable(f"the engine's answer to {path} is cut") from error

    def send_then_verify(self, call: Callable[[], Answer], outcome: Callable[[], Answer | None]) -> Answer:
        """Make a change whose answer may be lost or say nothing certain; then `outcome` looks what became of it.

        It gives the answer where the change was made, and None where it was not: the change is then made again, at
        most twice. Nothing is made again without a look.
        """
        return retried(call, _uncertain, pause=_CHANGE_PAUSE, outcome=outcome)

    def send(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, str],
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        missing_is_fine: bool = False,
    ) -> Reply | None:
        """One request; None for a 404 that is fine. `body` is a tar archive, or what is sent as JSON.

        Raises Unreachable, EngineRefused.
        """
        data, kind = None, {}
        if isinstance(body, bytes):
            data, kind = body, {"Content-Type": "application/x-tar"}
        elif body is not None:
            data, kind = json.dumps(body).encode(), {"Content-Type": "application/json"}
        query = f"?{urlencode(parameters)}" if parameters else ""
        seconds = self._read_timeout if method == "GET" else self._write_timeout
        target = f"/v{self.api_version}{path}{query}"
        try:
            reply = self._transport.request(method, target, data, {**kind, **(headers or {})}, seconds)
        except TRANSPORT as error:
            raise self._unreachable(error) from error
        if reply.status == 404 and missing_is_fine:
            return None
        if reply.status >= 300 and reply.status != 304:
            raise answer_error(reply.status, reply.content, f"{method} {path}")
        return reply

    def stream(self, path: str, parameters: Mapping[str, str], headers: Mapping[str, str]) -> Iterator[Any]:
        """The objects that a POST answers with one by one. Raises Unreachable after a long silence, EngineRefused."""
        try:
            response = self.client.request(
                "POST",
                f"{self.client.base_url}/v{self.client.api_version}{path}",
                params=parameters,
                headers=dict(headers),
                timeout=self.silence,
                allow_redirects=False,
                stream=True,
            )
            with response:
                if response.status_code >= 300:
                    raise answer_error(response.status_code, response.content, f"POST {path}")
                for line in response.iter_lines():
                    if line:
                        yield json.loads(line)
        except (ValueError, *TRANSPORT) as error:
            raise self.classified(error) from error

    def classified(self, error: Exception) -> EngineRefused | Unreachable:
        """An error of docker-py or of the transport as one of ours."""
        from docker.errors import APIError

        if isinstance(error, APIError):
            response = error.response
            if response is not None and response.request is not None:
                path = re.sub(r"^/v[\d.]+(?=/)", "", urlsplit(response.request.url).path)
                return answer_error(response.status_code, response.content, f"{response.request.method} {path}")
            return refused(error.status_code or 500, str(error.explanation or error))
        return self._unreachable(error)

    def _unreachable(self, error: Exception) -> Unreachable:
        """No answer; of an engine behind ssh with what the other side said."""
        said = self._tunnel.last_words() if self._tunnel else ""
        if not said or self._tunnel is None:
            return unreachable(self.endpoint, error)
        from provisioner.engines.ssh import explain

        message, hint = explain(said, self._tunnel.target)
        return Unreachable(f"{message} ({self.endpoint.url}, {self.endpoint.source})", hint=hint, detail=said)


# What urllib3 says of an answer that ends too early.
_BROKEN_OFF = ("Connection broken", "ended prematurely", "IncompleteRead")


def unreachable(endpoint: Endpoint, error: Exception) -> Unreachable:
    """No answer from an engine, with what to do about it."""
    text = str(error)
    if any(said in text for said in _BROKEN_OFF):
        message = f"the Docker Engine at {endpoint.url} ({endpoint.source}) broke off its answer"
        return Unreachable(message, hint="try again; it may have been restarted meanwhile", detail=text)
    if isinstance(error, http.client.BadStatusLine) and not isinstance(error, http.client.RemoteDisconnected):
        return _no_engine(endpoint, text)
    if isinstance(error, TimeoutError) or "timed out" in text.lower():
        message = f"the Docker Engine at {endpoint.url} ({endpoint.source}) did not answer in time"
        hint = (
            "it may hang or have too much to do: see its log there, try again, or name another with --host or --context"
        )
        return Unreachable(message, hint=hint, detail=text)
    if "Permission denied" in text:
        hint = (
            "your user may not use the socket: add it to the group docker, or use sudo; "
            "a container needs --group-add with the number of the socket's group"
        )
    elif endpoint.url.startswith("ssh://"):
        hint = f"check that `ssh {endpoint.url.removeprefix('ssh://')} docker version` works"
    elif endpoint.url.startswith("unix://"):
        hint = "start the Docker Engine (systemctl start docker), or name another with --host or --context"
    else:
        hint = "check the address and that the engine listens there, or name another with --host or --context"
    return Unreachable(f"no Docker Engine answers at {endpoint.url} ({endpoint.source})", hint=hint, detail=text)


def _no_engine(endpoint: Endpoint, line: str) -> Unreachable:
    """Something answers, and its first `line` is none of HTTP."""
    hint = "check the address and the port"
    if endpoint.url.startswith("ssh://"):
        host = endpoint.url.removeprefix("ssh://")
        hint = f"`ssh {host} true` must print nothing: see what the shell's start files there (.bashrc) print"
    message = (
        f"what answers at {endpoint.url} ({endpoint.source}) is no Docker Engine: it begins with {line.strip()!r:.60}"
    )
    return Unreachable(message, hint=hint, detail=line)


def _may_pass(error: EngineRefused | Unreachable) -> bool:
    """Whether a read may be answered if it is asked again; an engine that is in no Swarm will not be in one soon."""
    return isinstance(error, Unreachable) or (error.status >= 500 and error.reason is not Reason.NO_SWARM)


def _uncertain(error: EngineRefused | Unreachable) -> bool:
    """Whether an error leaves open what became of the request. One with a hint is for people to mend."""
    if isinstance(error, Unreachable):
        return True
    return error.hint is None and (
        isinstance(error, EngineConflict) or error.status in (404, 409) or error.status >= 500
    )


def answer_error(status: int, content: bytes, request: str) -> EngineRefused:
    """The error that the answer to a request (`GET /info`) tells of."""
    text = content.decode(errors="replace").strip()
    try:
        return refused(status, str(json.loads(text)["message"]))
    except (ValueError, KeyError, TypeError):
        if status not in _OF_PROXIES:
            return refused(status, text[:500])
    # An engine's own refusals are JSON.
    return EngineRefused(
        f"a proxy before the engine does not let {request} through", status=status, reason=Reason.NOT_PERMITTED,
        hint="grant it there, where this command is to be used: docs/permissions.md says what each one needs",
        detail=text[:500],
    )  # fmt: skip
