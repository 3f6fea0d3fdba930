"""Whether what was approved for adoption is still there as it was seen. Reads only.

Another whole look would take as long as the first. The engine is asked for one list of each kind instead, however much
is adopted; only where a person was asked in between is each container inspected too, for what no list tells.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from provisioner.app.plan_digest import name_differences
from provisioner.errors import PlanStale
from provisioner.model.dataclass import dataclass
from provisioner.reconcile.adoption import RELABELLED, identity, is_same_volume

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioner.model.adoption import Adopted
    from provisioner.model.edges import EngineJson
    from provisioner.ports import EngineReader
    from provisioner.reconcile.adoption import Candidate
_WORKERS = 8


@dataclass(frozen=True, slots=True)
class Lists:
    """What an engine lists, by kind and id."""

    objects: Mapping[tuple[str, str], EngineJson]

    @property
    def containers(self) -> Sequence[EngineJson]:
        """Every container, as the engine lists it."""
        return [raw for (kind, _), raw in self.objects.items() if kind == "container"]

    def state(self, adopted: Adopted) -> Any:
        """What can change of an object that stays the same one; None where it is gone, or another has its name."""
        raw = self.objects.get((adopted.kind, adopted.id))
        if raw is None or (adopted.kind == "volume" and not is_same_volume(adopted, raw)):
            return None
        if adopted.kind in RELABELLED:
            return raw["Spec"]
        if adopted.kind != "container":
            # An engine changes nothing of a network or volume.
            return raw.get("Labels") or {}
        networks = (raw.get("NetworkSettings") or {}).get("Networks") or {}
        joined = {name: entry.get("NetworkID") for name, entry in networks.items()}
        return [sorted(raw.get("Names") or ()), raw["State"] in ("running", "restarting"), joined]


def lists(engine: EngineReader) -> Lists:
    """One list of each kind that can be adopted but images, which come with their containers."""
    objects: dict[tuple[str, str], EngineJson] = {("container", str(raw["Id"])): raw for raw in engine.containers()}
    for kind in ("network", "volume", *(RELABELLED if engine.facts().swarm_manager else ())):
        objects |= {(kind, identity(kind, raw)): raw for raw in engine.list(kind, {})}
    return Lists(objects)


def standing(engine: EngineReader, records: Sequence[Adopted], listed: Lists) -> tuple[Adopted, ...]:
    """Those of the records whose objects are still there."""
    images = [record for record in records if record.kind == "image" and engine.inspect("image", record.id) is not None]
    return tuple(record for record in records if record in images or listed.state(record) is not None)


def require_standing(then: Lists, now: Lists, adopts: Sequence[Adopted]) -> None:
    """PlanStale where an object is gone, was made anew, or is not as it was."""
    objects = [adopted for adopted in adopts if adopted.kind != "image"]
    _require_same(*({adopted.address: seen.state(adopted) for adopted in objects} for seen in (then, now)))


def require_unchanged(engine: EngineReader, candidates: Sequence[Candidate]) -> None:
    """PlanStale where a container is not what it was when it was inspected: its limits, say, or its aliases."""
    containers = [candidate for candidate in candidates if candidate.resource.kind == "container"]
    with ThreadPoolExecutor(_WORKERS) as pool:
        now = list(
            pool.map(engine.inspect, ["container"] * len(containers), [candidate.id for candidate in containers])
        )
    addresses = [str(candidate.resource.address) for candidate in containers]
    then = {address: _settings(candidate.raw) for address, candidate in zip(addresses, containers, strict=True)}
    _require_same(then, {address: _settings(raw) for address, raw in zip(addresses, now, strict=True)})


def _settings(raw: EngineJson | None) -> Any:
    """What a hand can change of a container, without what changes by itself."""
    if raw is None:
        return None
    attached = (raw.get("NetworkSettings") or {}).get("Networks") or {}
    joined = {
        name: [sorted(endpoint.get("Aliases") or ()), endpoint.get("IPAMConfig")] for name, endpoint in attached.items()
    }
    return [raw["Name"], raw["HostConfig"], joined, bool(raw["State"].get("Paused"))]


def _require_same(then: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    states = {address: state for address, state in now.items() if state is not None}
    if moved := name_differences("on the engine: ", then, states):
        raise PlanStale(
            f"something changed between the plan and the adoption: {'; '.join(moved)}",
            hint="nothing was adopted; look at the new plan and adopt again",
        )
