"""Containers that live in the namespaces of others: of services, or of containers outside the environment. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.model.address import Address
from provisioner.model.change import Action, FieldChange, Impact
from provisioner.model.span import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from provisioner.model.change import Change
    from provisioner.model.edges import EngineJson
    from provisioner.model.state import DesiredState, Observed, ObservedState, Resource, Spec

KEYS = ("network_mode", "pid", "ipc")
# HostConfig of ContainerInspect, in the order of KEYS.
_IN_THE_API = ("NetworkMode", "PidMode", "IpcMode")
_CONTAINER = "container:"
# What a container loses with the restart of the one whose namespace it joined; the path of that difference. A process
# namespace is no such thing: who lives in it ends with it.
_LOST = {"network_mode": ("network", "its network"), "ipc": ("shared_memory", "its shared memory")}
LOST_PATHS = frozenset(path for path, _ in _LOST.values())


def left_behind(
    resources: Mapping[Address, Observed], leftovers: Iterable[Observed], hosts: Mapping[str, EngineJson]
) -> dict[Address, Observed]:
    """Those that live in the namespaces of a container that another has replaced: that is their service's no more.

    They can not be started again in there, so they have to be made anew. `hosts` gives the HostConfig of each
    container by its id.
    """
    replaced = {leftover.id for leftover in leftovers}
    affected: dict[Address, Observed] = {}
    for address, seen in resources.items():
        host = hosts.get(seen.id, {}) if seen.kind == "container" else {}
        modes = {key: str(host.get(name) or "") for key, name in zip(KEYS, _IN_THE_API, strict=True)}
        stale = {key: mode for key, mode in modes.items() if mode.removeprefix(_CONTAINER) in replaced}
        if stale:
            affected[address] = replace(seen, spec={**seen.spec, **stale})
    return affected


def outer_names(spec: Spec) -> set[str]:
    """The names of the containers in whose namespaces one is to live as `container:NAME`."""
    return {name for key in KEYS if (name := _container_in(str(spec[key])))}


def named_containers(desired: DesiredState) -> list[str]:
    """All such names of an environment, and those of the containers whose volumes others have."""
    containers = [resource for resource in desired.resources.values() if resource.kind == "container"]
    sources = (source for container in containers for source in container.container_spec["volumes_from"])
    mounted = {name for source in sources if (name := _container_in(source))}
    return sorted(mounted.union(*(outer_names(container.spec) for container in containers)))


def _container_in(source: str) -> str:
    """The name in `container:NAME`, which may have how its volumes are mounted behind it; else nothing."""
    return source.removeprefix(_CONTAINER).partition(":")[0] if source.startswith(_CONTAINER) else ""


def resolved(spec: Spec, state: ObservedState) -> Spec:
    """The spec with the id for each `container:NAME`, or with the service where the container is one of ours."""
    if not outer_names(spec):
        return spec
    services = {o.id: a.name for a, o in state.resources.items() if a.kind == "service" and o.kind == "container"}

    def resolve(mode: str | None) -> str | None:
        existing = state.outside.get(str(mode).removeprefix(_CONTAINER)) if mode else None
        if existing is None or not str(mode).startswith(_CONTAINER):
            return mode
        return f"service:{services[existing.id]}" if existing.id in services else f"{_CONTAINER}{existing.id}"

    return {**spec, **{key: resolve(spec[key]) for key in KEYS}}


def as_declared(difference: FieldChange, wanted: Resource) -> FieldChange:
    """A difference in a namespace with the name that the playbook gives it, and a short id of what it was."""
    if difference.path not in KEYS:
        return difference
    before = str(difference.before)
    short = before[: len(_CONTAINER) + 12] if before.startswith(_CONTAINER) else difference.before
    return replace(difference, before=short, after=wanted.spec[difference.path])


def made_anew(difference: FieldChange, wanted: Resource, before: Resource | None) -> str:
    """The name of the outer container that is another one now, though the playbook says the same; or nothing."""
    mode = wanted.spec.get(difference.path) if difference.path in KEYS else None
    if not str(mode).startswith(_CONTAINER) or not str(difference.before).startswith(_CONTAINER):
        return ""
    same = before is None or before.spec.get(difference.path) == mode
    return str(mode).removeprefix(_CONTAINER) if same else ""


def lives_in(resource: Resource | Observed) -> set[str]:
    """The services whose namespaces or mounts a container uses."""
    spec = resource.spec
    modes = [spec["network_mode"], spec["pid"], spec["ipc"], *spec["volumes_from"]]
    return {mode.split(":")[1] for mode in modes if mode and mode.startswith("service:")}


def containers_lived_in(state: ObservedState) -> dict[str, set[str]]:
    """The ids of our containers in whose namespaces others of ours live, by the id of each that does so."""
    everything = [seen for seen in (*state.resources.values(), *state.leftovers) if seen.kind == "container"]
    ours = {seen.id for seen in everything}
    replicas: dict[str, set[str]] = {}
    for address, seen in state.resources.items():
        if seen.kind == "container":
            replicas.setdefault(address.name, set()).add(seen.id)
    hosts_by_guest: dict[str, set[str]] = {}
    for seen in everything:
        modes = [str(seen.spec[key] or "") for key in KEYS]
        hosts = {mode.removeprefix(_CONTAINER) for mode in modes if mode.startswith(_CONTAINER)} & ours
        hosts |= {identity for name in lives_in(seen) for identity in replicas.get(name, ())}
        if hosts - {seen.id}:
            hosts_by_guest[seen.id] = hosts - {seen.id}
    return hosts_by_guest


def lost_namespaces(wanted: Resource, existing: Observed, state: ObservedState) -> Iterator[FieldChange]:
    """What a running container has lost with the restart of the one in whose namespaces it lives.

    Such a container keeps what it joined at its own start, which no longer is that of the other.
    """
    if existing.runtime is None or existing.runtime.status not in ("running", "paused"):
        return
    for key, (path, what) in _LOST.items():
        host = _host(existing.spec[key], state)
        if host is None or host.runtime is None or host.runtime.status != "running":
            continue
        if instant(host.runtime.started_at) > instant(existing.runtime.started_at):
            name = str(wanted.spec[key]).partition(":")[2]
            yield lost(path, f"{what} is gone with the restart of {name}")


def lost(path: str, reason: str) -> FieldChange:
    """That a container has to be joined again to what it shared with another."""
    return FieldChange(path, reason, "joined again", Impact.IN_PLACE)


def lost_with(wanted: Resource, services: Iterable[str]) -> list[FieldChange]:
    """What a container loses when containers of these services are restarted."""
    names = set(services)
    return [
        lost(path, f"{what} is gone with the restart of {name}")
        for key, (path, what) in _LOST.items()
        for scheme, _, name in [str(wanted.spec[key]).partition(":")]
        if scheme == "service" and name in names
    ]


def _host(mode: str | None, state: ObservedState) -> Observed | None:
    scheme, _, name = str(mode).partition(":")
    if scheme == "service":
        return state.resources.get(Address("service", name, 1))
    return next((seen for seen in state.outside.values() if seen.id == name), None) if scheme == "container" else None


def instant(moment: str) -> tuple[str, str]:
    """An RFC 3339 time in UTC in a form that can be compared: engines leave zeros at the end of a fraction out."""
    seconds, _, fraction = moment.rstrip("Z").partition(".")
    return seconds, fraction.ljust(9, "0")


def missing_containers(changes: Iterable[Change], observed: ObservedState) -> Iterator[Problem]:
    """Containers in whose namespaces others are to live, and that are not there; what goes needs none."""
    for change in changes:
        wanted = change.desired
        if wanted is None or wanted.kind != "container" or change.action is Action.DELETE:
            continue
        joined = [(key, str(wanted.spec[key])) for key in KEYS]
        joined += [("volumes_from", source) for source in wanted.container_spec["volumes_from"]]
        for key, source in joined:
            name = _container_in(source)
            if name and name not in observed.outside:
                yield Problem(
                    f"the container {name} of `{key}` does not exist", span=wanted.spans.get(key, change.span),
                    path=str(change.address.whole),
                    hint="start it first; for a service of this playbook write `service:NAME`",
                )  # fmt: skip
