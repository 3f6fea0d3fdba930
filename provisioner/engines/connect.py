"""Which engine to talk to: command line, playbook, DOCKER_HOST, then the current Docker context."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provisioner.errors import Unreachable, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_HOST = "unix:///var/run/docker.sock"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an engine answers. `tls` is docker-py's TLSConfig, or None; `source` says who chose it."""

    url: str
    source: str
    tls: Any = None


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
        return _from_context(context, "--context")
    if playbook_host:
        return _at(playbook_host, "engine.host", environment)
    if playbook_context:
        return _from_context(playbook_context, "engine.context")
    if environment.get("DOCKER_HOST"):
        return _at(environment["DOCKER_HOST"], "DOCKER_HOST", environment)
    if environment.get("DOCKER_CONTEXT"):
        return _from_context(environment["DOCKER_CONTEXT"], "DOCKER_CONTEXT")
    current = _current_context(environment)
    return _from_context(current, f"context {current}") if current else Endpoint(DEFAULT_HOST, "default")


def _at(url: str, source: str, environment: Mapping[str, str]) -> Endpoint:
    if not url.startswith(("unix://", "tcp://", "ssh://", "http://", "https://", "npipe://")):
        raise UsageError(
            f"{source}: {url!r} is not an engine address", hint="use unix://PATH, tcp://HOST:PORT or ssh://USER@HOST"
        )
    tls = None
    if environment.get("DOCKER_TLS_VERIFY") and url.startswith("tcp://"):
        from docker.tls import TLSConfig

        folder = environment.get("DOCKER_CERT_PATH") or f"{environment.get('HOME', '')}/.docker"
        tls = TLSConfig(
            client_cert=(f"{folder}/cert.pem", f"{folder}/key.pem"), ca_cert=f"{folder}/ca.pem", verify=True
        )
    return Endpoint(url, source, tls)


def _from_context(name: str, source: str) -> Endpoint:
    if name == "default":
        return Endpoint(DEFAULT_HOST, source)
    from docker.context import ContextAPI
    from docker.errors import DockerException

    try:
        context = ContextAPI.get_context(name)
    except (DockerException, OSError, ValueError) as error:
        raise UsageError(f"the Docker context {name!r} can not be read: {error}") from error
    if context is None:
        known = ", ".join(sorted(known.Name for known in ContextAPI.contexts()))
        raise UsageError(f"{source}: there is no Docker context {name!r}", hint=f"known contexts: {known}")
    return Endpoint(context.Host, f"context {name}", context.TLSConfig)


def _current_context(environment: Mapping[str, str]) -> str:
    """The context that `docker context use` chose; empty for none. Read here, as docker-py is slow to import."""
    folder = environment.get("DOCKER_CONFIG") or f"{environment.get('HOME', '')}/.docker"
    path = Path(folder) / "config.json"
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
        name = settings.get("currentContext") or ""
    except FileNotFoundError:
        return ""
    except (OSError, ValueError, AttributeError) as error:
        raise Unreachable(f"the current Docker context can not be read from {path}: {error}") from error
    return "" if name == "default" else str(name)
