"""Pushes an image to its registry: progress, and the digest that the registry has for it afterwards."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING
from urllib.parse import quote

from docker.utils import parse_repository_tag

from provisioner.engines.images import credentials
from provisioner.errors import EngineRefused

if TYPE_CHECKING:
    from collections.abc import Callable

    from provisioner.engines.engine_http import EngineHttp

# The engine insists on the header, also where nothing is known.
_NOBODY = {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps({}).encode()).decode()}


def push(wire: EngineHttp, reference: str, progress: Callable[[str], None]) -> str:
    """Push an image; returns its digest in the registry, empty where the engine does not tell. Raises EngineRefused."""
    name, tag = parse_repository_tag(reference)
    digest = ""
    stream = wire.stream(
        f"/images/{quote(name, safe='/:')}/push", {"tag": tag or "latest"}, credentials(wire, reference) or _NOBODY
    )
    for entry in stream:
        if "error" in entry or "errorDetail" in entry:
            detail = entry.get("errorDetail") or {}
            raise EngineRefused(
                f"image {reference} can not be pushed: {entry.get('error') or detail.get('message')}",
                hint="name a registry that takes it in `image:`, and `docker login` where it wants to know who you are",
            )
        aux = entry.get("aux") if isinstance(entry.get("aux"), dict) else {}
        digest = str(aux.get("Digest") or digest)
        text = str(entry.get("status") or "").strip()
        if text:
            progress(f"{entry['id']}: {text}" if entry.get("id") else text)
    return digest
