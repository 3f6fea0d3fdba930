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

_SCHEMES = ("unix://", "tcp://", "ssh://", "http://", "https://", "npipe://")


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
    _require_an_address(url, source)
    _require_a_way(url, source)
    tls = None
    if environment.get("DOCKER_TLS_VERIFY") and url.startswith("tcp://"):
        folder = environment.get("DOCKER_CERT_PATH") or f"{environment.get('HOME', '')}/.docker"
        tls = _tls(folder)
    return Endpoint(url, source, tls)


def _tls(folder: str) -> Any:
    """The certificates of a folder, as DOCKER_CERT_PATH names it."""
    from docker.errors import DockerException
    from docker.tls import TLSConfig

    try:
        return TLSConfig(
            client_cert=(f"{folder}/cert.pem", f"{folder}/key.pem"), ca_cert=f"{folder}/ca.pem", verify=True
        )
    except DockerException as error:
        raise UsageError(
            f"DOCKER_TLS_VERIFY is set, and {folder} has not the certificates ca.pem, cert.pem and key.pem",
            hint="name their folder with DOCKER_CERT_PATH, or unset DOCKER_TLS_VERIFY",
            detail=str(error),
        ) from error


def _require_an_address(url: str, source: str) -> None:
    """UsageError for what is no address of an engine, without what may be a password."""
    try:
        parts = urlsplit(url)
        port, password = parts.port, parts.password
    except ValueError:
        port, password = 0, None
    if password is not None and not url.startswith("ssh://"):
        raise UsageError(
            f"{source}: an engine's address has no place for a password",
            hint="write tcp://HOST:PORT, with TLS (DOCKER_TLS_VERIFY, DOCKER_CERT_PATH) to say who you are",
        )
    over_network = url.startswith(("tcp://", "http://", "https://"))
    wrong_place = over_network and (port == 0 or not parts.hostname)
    if wrong_place or not url.startswith(_SCHEMES) or not url.isprintable():
        raise UsageError(
            f"{source}: {url!r} is not an engine address", hint="use unix://PATH, tcp://HOST:PORT or ssh://USER@HOST"
        )


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
    _require_an_address(context.host, f"the Docker context {name!r}")
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
        if not isinstance(settings, dict):
            raise ValueError("an object in braces expected")
        name = settings.get("currentContext") or ""
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        raise Unreachable(
            f"the current Docker context can not be read from {path}: {error}",
            hint="mend that file, or name an engine with --host or --context",
        ) from error
    return "" if name == "default" else str(name)
