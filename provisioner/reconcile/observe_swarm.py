"""The Swarm part of a look at the engine: services, and the versions of configs and secrets. Reads only."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.kinds import service, swarm_file
from provisioner.kinds.context import DecodeContext
from provisioner.kinds.fields import get_path
from provisioner.kinds.ownership import ONE_OFF, PROJECT, owned_address
from provisioner.model.state import Observed, Runtime
from provisioner.reconcile.swarm_tasks import (
    RESTARTING,
    Tasks,
    has_young,
    keeps_ending,
    not_converged_reason,
    state_of,
    stranded,
    tasks_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioner.model.address import Address
    from provisioner.model.edges import EngineJson
    from provisioner.model.state import DesiredState
    from provisioner.ports import EngineReader
_FILES = ("config", "secret")
_ENDED = ("complete", "shutdown", "failed", "rejected", "orphaned", "remove")


def observe_swarm(
    engine: EngineReader, desired: DesiredState, networks: Mapping[str, str], now: str
) -> tuple[list[Observed], list[Observed]]:
    """The project's services, configs and secrets as they stand, and the earlier versions of the latter.

    `networks` gives the playbook's key of a network by its id. `now` is the engine's time.
    """
    labels = {PROJECT: desired.project}
    raw_files = {kind: engine.list(kind, labels) for kind in _FILES}
    # Services of others may use our configs and secrets, too.
    everybodys = engine.list("service", {})
    raw_services = [raw for raw in everybodys if _address(desired.project, raw) and not _is_one_off(raw)]
    files = _versions(engine, desired, raw_files)
    context = DecodeContext(networks=_networks(engine, desired, raw_services, networks), files=files)
    tasks = _by_service(engine, labels) if raw_services else {}
    nodes = engine.list("node", {}) if raw_services else ()
    services = [_service(engine, desired, raw, context, tasks.get(raw["ID"], ()), nodes, now) for raw in raw_services]
    current, superseded = _current(desired, raw_files, everybodys)
    return [*services, *current], superseded


def _is_one_off(raw: EngineJson) -> bool:
    """Whether a service was made for one command (`run`), and is none of the playbook's."""
    return ONE_OFF in (raw["Spec"].get("Labels") or {})


def _address(project: str, raw: EngineJson) -> Address | None:
    return owned_address(raw["Spec"].get("Labels"), raw["Spec"]["Name"], project)


def _networks(
    engine: EngineReader, desired: DesiredState, services: Sequence[EngineJson], own: Mapping[str, str]
) -> dict[str, str]:
    """The playbook's key of each network that a service is on, by its id; of others, their name on the engine."""
    external = {r.name: a.name for a, r in desired.resources.items() if a.kind == "network" and r.external}
    keys = dict(own)
    targets = {
        attachment["Target"] for raw in services for attachment in get_path(raw, "Spec.TaskTemplate.Networks") or []
    }
    for identity in sorted(targets - own.keys()):
        existing = engine.inspect("network", identity)
        if existing is not None:
            keys[identity] = external.get(existing["Name"], str(existing["Name"]))
    return keys


def _versions(
    engine: EngineReader, desired: DesiredState, raw_files: Mapping[str, Sequence[EngineJson]]
) -> dict[str, tuple[str, str]]:
    """The playbook's key and the version of each config and secret, by its id; external ones among them."""
    versions: dict[str, tuple[str, str]] = {}
    for raws in raw_files.values():
        for raw in raws:
            if address := _address(desired.project, raw):
                versions[raw["ID"]] = (address.name, str(swarm_file.decode(dict(raw))["version"]))
    for resource in desired.resources.values():
        if resource.external and resource.kind in _FILES:
            existing = engine.inspect(resource.kind, resource.name)
            if existing is not None:
                versions[existing["ID"]] = (resource.address.name, str(resource.file_spec["version"]))
    return versions


def _by_service(engine: EngineReader, labels: Mapping[str, str]) -> dict[str, list[EngineJson]]:
    """The tasks that are to run, of all services at once, by their service's id."""
    tasks: dict[str, list[EngineJson]] = {}
    for task in engine.list("task", labels):
        tasks.setdefault(str(task["ServiceID"]), []).append(task)
    return tasks


def _service(
    engine: EngineReader, desired: DesiredState, raw: EngineJson, context: DecodeContext, tasks: Sequence[EngineJson],
    nodes: Sequence[EngineJson], now: str,
) -> Observed:  # fmt: skip
    address = _address(desired.project, raw)
    assert address is not None
    is_job = str(service.decode_mode(raw)).endswith("-job")
    wanted = desired.resources.get(address)
    may_finish = wanted is not None and bool(wanted.may_finish)
    lacks = "" if is_job else not_converged_reason(raw, tasks_of(raw, tasks, nodes))
    ended = None
    if lacks and not service.restarts_always(raw):
        current = tasks_of(raw, engine.tasks(raw["ID"], current=True), nodes)
        ended = _end(current, may_finish=may_finish)
        lacks = "" if ended else not_converged_reason(raw, current, may_finish=may_finish)
    if not lacks and not ended and not is_job and has_young(tasks, now):
        lacks = RESTARTING if keeps_ending(engine.tasks(raw["ID"], current=True), now) else ""
    everything = engine.tasks(raw["ID"]) if is_job or ended else ()
    return Observed(
        address=address,
        kind="service",
        id=raw["ID"],
        name=raw["Spec"]["Name"],
        spec=service.decode(dict(raw), context),
        created=raw.get("CreatedAt") or "",
        runtime=_dated(_job_state(raw, everything, nodes) if is_job else ended, everything),
        version=int(raw["Version"]["Index"]),
        base=raw["Spec"],
        not_converged_reason=lacks,
        paused=str((raw.get("UpdateStatus") or {}).get("State") or "") == "paused",
    )


def _end(tasks: Tasks, *, may_finish: bool) -> Runtime | None:
    """How the tasks of a service ended that its restart policy starts no more; None while one runs, or may yet."""
    if tasks.live or not tasks.over or tasks.lost:
        return None
    well = tasks.finished >= tasks.wanted if may_finish else not tasks.errors
    return Runtime(status="exited", exit_code=0 if well else tasks.exit_code or 1)


def _dated(ended: Runtime | None, tasks: Sequence[EngineJson]) -> Runtime | None:
    """How tasks ended with when the last of them did, or since when one runs."""
    if ended is None:
        return None
    states = ("running",) if ended.status == "running" else _ENDED
    times = (str(task["Status"].get("Timestamp") or "") for task in tasks if state_of(task) in states)
    last = max(times, default="")
    return replace(ended, started_at=last) if ended.status == "running" else replace(ended, finished_at=last)


def _job_state(raw: EngineJson, tasks: Sequence[EngineJson], nodes: Sequence[EngineJson]) -> Runtime:
    """A job's state in a container's words: running, or exited with the code of its last task; or lost with a node."""
    counts = tasks_of(raw, tasks, nodes)
    if counts.complete >= counts.wanted:
        return Runtime(status="exited")
    if stranded(counts):
        return Runtime(status="lost with its node")
    ordered = sorted(tasks, key=lambda task: str(task.get("UpdatedAt")))
    if ordered and all(state_of(task) in _ENDED for task in ordered):
        code = get_path(ordered[-1], "Status.ContainerStatus.ExitCode") or 1
        return Runtime(status="exited", exit_code=int(code))
    return Runtime(status="running")


def _current(
    desired: DesiredState, raw_files: Mapping[str, Sequence[EngineJson]], services: Sequence[EngineJson]
) -> tuple[list[Observed], list[Observed]]:
    """For each config and secret the version that is wanted, or else the newest; the others are superseded."""
    users: dict[str, list[str]] = {}
    for raw in services:
        for spec in (raw["Spec"], raw.get("PreviousSpec") or {}):
            for identity in service.file_ids(spec):
                users.setdefault(identity, []).append(raw["ID"])
    current: dict[Address, Observed] = {}
    superseded: list[Observed] = []
    for kind, raws in raw_files.items():
        for raw in sorted(raws, key=lambda raw: swarm_file.age(dict(raw)), reverse=True):
            address = _address(desired.project, raw)
            if address is None:
                continue
            seen = Observed(
                address=address,
                kind=kind,
                id=raw["ID"],
                name=raw["Spec"]["Name"],
                spec=swarm_file.decode(dict(raw)),
                created=raw.get("CreatedAt") or "",
                users=tuple(sorted(set(users.get(raw["ID"], ())))),
                version=int(raw["Version"]["Index"]),
                base=raw["Spec"],
            )
            wanted = desired.resources.get(address)
            if address not in current:
                current[address] = seen
            elif wanted is not None and (
                wanted.name == seen.name or wanted.file_spec.get("version") == seen.file_spec["version"]
            ):
                superseded.append(current[address])
                current[address] = seen
            else:
                superseded.append(seen)
    return list(current.values()), superseded
