"""What a tier may look at, and how a tier introduces itself. A tier is a module here with a constant `SOURCE`."""

from __future__ import annotations

from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from provisioner.model.secret import Held
    from provisioner.ports import EngineReader, SecretSource


@dataclass(frozen=True, slots=True)
class TierContext:
    """The world around one environment, handed to every tier.

    `directory` is the playbook's folder, `project` the prefix of its objects, `variables` the process environment,
    `environment` the environment's own name, empty where there is none.
    `held` has, per secret, what the engine already holds from an earlier apply with its source's version: an
    unchanged one is then not fetched. Leave out of it what is needed as a value (environment, templates).
    """

    directory: Path
    project: str
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    engine: EngineReader | None = None
    held: Mapping[str, Held] = field(default_factory=dict)
    mounted: Path = Path("/run/secrets")
    environment: str = ""


@dataclass(frozen=True, slots=True)
class Tier:
    """A tier's name under `sources` and how to open it."""

    name: str
    open: Callable[[TierContext], SecretSource]
