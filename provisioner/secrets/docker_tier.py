"""The tier `docker`: a secret that already exists, as a file when provision itself runs in a container that was given
it, or as a Docker secret on the Swarm, which can be mounted and never read.
"""

from __future__ import annotations

import os
from dataclasses import field
from typing import TYPE_CHECKING, Any

from provisioner.errors import SecretUnavailable
from provisioner.kinds.values import moment
from provisioner.model.dataclass import dataclass
from provisioner.model.secret import LARGEST_SECRET, Found, Held, Missing, Resolution, SecretRef, SecretValue
from provisioner.secrets.tier_context import Tier

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from provisioner.ports import EngineReader


@dataclass(slots=True)
class DockerTier:
    """`mounted` is the folder of a container's own secrets; `engine` None leaves the Swarm out."""

    mounted: Path
    engine: EngineReader | None
    tier: str = field(default="docker", init=False)
    remote: bool = field(default=False, init=False)

    def fetch(self, refs: Sequence[SecretRef]) -> Mapping[SecretRef, Resolution]:
        """A mounted file wins over the Swarm, since it has the value. The Swarm is asked once, by exact names."""
        answers: dict[SecretRef, Resolution] = {}
        for ref in refs:
            value = None if ref.external else self._file(ref)
            if value is not None:
                answers[ref] = Found(value, "", self.tier)
        left = [ref for ref in refs if ref not in answers]
        held, where = self._swarm() if left else ({}, "")
        for ref in left:
            name = next((name for name in ref.names if name in held), None)
            names = " or ".join(ref.names)
            answers[ref] = held[name] if name else Missing((f"docker: no secret {names} {where}",))
        return answers

    def warnings(self) -> Sequence[str]:
        return ()

    def _file(self, ref: SecretRef) -> SecretValue | None:
        path = self.mounted / ref.key
        try:
            with path.open("rb") as stream:
                return SecretValue(stream.read(LARGEST_SECRET + 1))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            why = os.strerror(error.errno or 0)
        raise SecretUnavailable(f"secret {ref.key}: {path} can not be read: {why}")

    def _swarm(self) -> tuple[Mapping[str, Held], str]:
        """The Swarm's secrets by name, and where was looked, for the messages."""
        if self.engine is None:
            return {}, f"under {self.mounted}"
        if not self.engine.facts().swarm_manager:
            return {}, f"under {self.mounted}, and the engine is not a Swarm manager"
        secrets = [_held_by_engine(body) for body in self.engine.list("secret", {})]
        return {held.name: held for held in secrets}, f"under {self.mounted} or on the Swarm"


def _held_by_engine(body: Mapping[str, Any]) -> Held:
    """A secret of the Engine API; its id is its version, since its data never changes."""
    spec = body.get("Spec")
    name = spec.get("Name") if isinstance(spec, dict) else None
    return Held(str(name or ""), version=str(body.get("ID") or ""), created=_seconds(str(body.get("CreatedAt") or "")))


def _seconds(text: str) -> float | None:
    """An engine's time in whole Unix seconds."""
    instant = moment(text)
    return float(int(instant.timestamp())) if instant else None


SOURCE = Tier("docker", lambda context: DockerTier(context.mounted, context.engine))
