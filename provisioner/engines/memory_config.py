"""How the engine in memory puts a container's configuration together, as a real one does at creation. Pure."""

from __future__ import annotations

from collections import ChainMap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provisioner.model.edges import EngineBody, EngineJson

_FROM_IMAGE = ("Entrypoint", "User", "WorkingDir", "StopSignal", "Healthcheck")


def configured(body: EngineJson, image: EngineJson) -> EngineBody:
    """A container's configuration: what it was created with over what its image gives."""
    config = {key: value for key, value in body.items() if key not in ("platform",)}
    if not config.get("Entrypoint"):
        config["Cmd"] = config.get("Cmd") or image.get("Cmd")
    for key in _FROM_IMAGE:
        if config.get(key) is None:
            config[key] = image.get(key)
    if body.get("Healthcheck"):
        # Each part of a check that is not set is the image's, also of one that is switched off.
        own = {key: value for key, value in body["Healthcheck"].items() if value}
        config["Healthcheck"] = {**(image.get("Healthcheck") or {}), **own}
    environment = ChainMap(*({e.partition("=")[0]: e for e in part.get("Env") or []} for part in (body, image)))
    config["Env"] = list(environment.values())
    for key in ("Labels", "ExposedPorts", "Volumes"):
        config[key] = {**(image.get(key) or {}), **(body.get(key) or {})}
    return config
