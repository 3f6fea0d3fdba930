"""Which engine to talk to: command line, playbook, DOCKER_HOST, then the current Docker context."""

from __future__ import annotations

import ipaddress
import json
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from provisioner.engines.contexts import context_names, docker_folder, read_context
from provisioner.errors import Unreachable, UsageError
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

# Windows has named pipes, and Python no Unix sockets there.
_HAS_SOCKETS = hasattr(socket, "AF_UNIX")
DEFAULT_HOST = "unix:///var/run/docker.sock" if _HAS_SOCKETS else "npipe:////./pipe/docker_engine"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an engine answers. `tls` is docker-py's TLSConfig, or None; `source` says who chose it."""

    url: str
    source: str
    tls: Any = None

    @property
    def is_exposed(self) -> bool:
        """Whether requests go unencrypted over a network: plain TCP to another machine than this one."""
        if self.tls is not None or not self.url.startswith(("tcp://", "http://")):
            return False
        return not _is_loopback(urlsplit(self.url).hostname or "localhost")

    @property
    def tar_headers(self) -> Mapping[str, str]:
        """With what the files of a folder are asked for.

        An engine compresses them where it may (gzip), which takes several times as long as they take through a socket
        of this machine: so only those may be that go over a network.
        """
        here = self.url.startswith(("unix://", "npipe://"))
        return {"Accept-Encoding": "identity"} if here else {}


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def choose_endpoint(
    *,
    host: str | None,
    context: str | None,
    playbook_host: str | None,
    playbook_context: str | None,
    environment: Mapping[str, str],
) -> Endpoint:
    """The endpoint to use. A host and a context given at once are an error, as one of them would be ignored."""
    if host and context:
        raise UsageError("--host and --context name two engines", hint="give only one of them")
    if host:
        return _at(host, "--host", environment)
    if context:
        return _from_context(context, "--context", environment)
    if playbook_host:
        return _at(playbook_host, "engine.host", environment)
    if playbook_context:
        return _from_context(playbook_context, "engine.context", environment)
    if environment.get("DOCKER_HOST"):
        return _at(environment["DOCKER_HOST"], "DOCKER_HOST", environment)
    if environment.get("DOCKER_CONTEXT"):
        return _from_context(environment["DOCKER_CONTEXT"], "DOCKER_CONTEXT", environment)
    current = _current_context(environment)
    return _from_context(current, f"context {current}", environment) if current else Endpoint(DEFAULT_HOST, "default")


def _at(url: str, source: str, environment: Mapping[str, str]) -> Endpoint:
    if not url.startswith(("unix://", "tcp://", "ssh://", "http://", "https://", "npipe://")):
        raise UsageError(
            f"{source}: {url!r} is not an engine address", hint="use unix://PATH, tcp://HOST:PORT or ssh://USER@HOST"
        )
    _require_a_way(url, source)
    tls = None
    if environment.get("DOCKER_TLS_VERIFY") and url.startswith("tcp://"):
        from docker.tls import TLSConfig

        folder = environment.get("DOCKER_CERT_PATH") or f"{environment.get('HOME', '')}/.docker"
        tls = TLSConfig(
            client_cert=(f"{folder}/cert.pem", f"{folder}/key.pem"), ca_cert=f"{folder}/ca.pem", verify=True
        )
    return Endpoint(url, source, tls)


def _from_context(name: str, source: str, environment: Mapping[str, str]) -> Endpoint:
    if name == "default":
        return Endpoint(DEFAULT_HOST, source)
    try:
        context = read_context(name, environment)
    except (OSError, ValueError) as error:
        raise UsageError(f"the Docker context {name!r} can not be read: {error}") from error
    if context is None:
        hint = f"known contexts: {', '.join(context_names(environment))}"
        raise UsageError(f"{source}: there is no Docker context {name!r}", hint=hint)
    _require_a_way(context.host, source)
    return Endpoint(context.host, f"context {name}", context.tls)


def _require_a_way(url: str, source: str) -> None:
    """Refuse an address that this system has no sockets for: ssh is led through one of its own."""
    if not _HAS_SOCKETS and url.startswith(("unix://", "ssh://")):
        raise UsageError(
            f"{source}: {url} is reached through a Unix socket, and Python has none on this system",
            hint="use npipe:// or tcp:// with TLS, or run provision in WSL 2",
        )


def _current_context(environment: Mapping[str, str]) -> str:
    """The context that `docker context use` chose; empty for none. Read here, as docker-py is slow to import."""
    path = docker_folder(environment) / "config.json"
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
        name = settings.get("currentContext") or ""
    except FileNotFoundError:
        return ""
    except (OSError, ValueError, AttributeError) as error:
        raise Unreachable(f"the current Docker context can not be read from {path}: {error}") from error
    return "" if name == "default" else str(name)
