"""Docker's contexts, as its client keeps them: `contexts/meta/<digest of the name>/meta.json` in its folder.

Read here, as docker-py looks for them beside a `config.json` that need not be there.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

_ENDPOINT = "docker"


@dataclass(frozen=True, slots=True)
class DockerContext:
    """Where the engine of a context answers; `tls` is docker-py's TLSConfig, or None."""

    host: str
    tls: Any = None


def docker_folder(environment: Mapping[str, str]) -> Path:
    """The folder of Docker's client, which need not be there."""
    return Path(environment.get("DOCKER_CONFIG") or f"{environment.get('HOME', '')}/.docker")


def read_context(name: str, environment: Mapping[str, str]) -> DockerContext | None:
    """The context of this name; None when there is none. ValueError, OSError for one that can not be read."""
    folder, digest = docker_folder(environment) / "contexts", hashlib.sha256(name.encode()).hexdigest()
    try:
        content = json.loads((folder / "meta" / digest / "meta.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    endpoints = content.get("Endpoints") if isinstance(content, dict) else None
    endpoint = endpoints.get(_ENDPOINT) if isinstance(endpoints, dict) else None
    if not isinstance(endpoint, dict) or not endpoint.get("Host"):
        raise ValueError("it names no Docker endpoint")
    verify = not endpoint.get("SkipTLSVerify")
    return DockerContext(str(endpoint["Host"]), _tls(folder / "tls" / digest / _ENDPOINT, verify=verify))


def context_names(environment: Mapping[str, str]) -> list[str]:
    """The names of all contexts that can be read, `default` among them."""
    names = {"default"}
    for file in (docker_folder(environment) / "contexts" / "meta").glob("*/meta.json"):
        try:
            names.add(str(json.loads(file.read_text(encoding="utf-8"))["Name"]))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return sorted(names)


def _tls(folder: Path, *, verify: bool) -> Any:
    """The certificates that a context carries: the client's, the authority's, or both; None without any."""
    ca, cert, key = (folder / f"{name}.pem" for name in ("ca", "cert", "key"))
    pair = (str(cert), str(key)) if cert.is_file() and key.is_file() else None
    if pair is None and not ca.is_file():
        return None
    from docker.tls import TLSConfig

    return TLSConfig(client_cert=pair, ca_cert=str(ca) if ca.is_file() else None, verify=verify)
