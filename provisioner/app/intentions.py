"""What is stopped, paused or scaled on purpose, as plans, drift and status say it, and what ends it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.kinds.swarm_scheduling import NOWHERE
from provisioner.ledger.intentions import Intentions
from provisioner.ledger.records import record_intentions
from provisioner.ledger.revisions import playbook_of
from provisioner.model.change import Action
from provisioner.model.span import Problem
from provisioner.playbook.services import declared_replicas

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from provisioner.app.prepared import Prepared
    from provisioner.ledger.records import Ledger
    from provisioner.ledger.revisions import Revision
    from provisioner.model.address import Address
    from provisioner.model.change import Change
    from provisioner.model.plan import Plan
    from provisioner.model.playbook import Playbook
    from provisioner.model.state import Observed
    from provisioner.platforms.choice import Mode
    from provisioner.ports import EngineWriter


def with_kept_scale(playbook: Playbook, ledger: Ledger, asked: Collection[str]) -> Playbook:
    """The playbook with the numbers that `scale` kept, but for services whose number was `asked` for now.

    A file that declares another number than when a service was scaled is the newer word.
    """
    services = dict(playbook.services)
    for name, why in ledger.intentions.scaled.items():
        service = services.get(name)
        if service is not None and name not in asked and service.replicas == declared_replicas(service) == why.declared:
            services[name] = replace(service, replicas=why.replicas)
    return replace(playbook, services=services)


def as_scaled(revision: Revision, ledger: Ledger) -> Revision:
    """A revision as it would be with the numbers that `scale` kept after it."""
    if not ledger.intentions.scaled:
        return revision
    declared = playbook_of(revision, ledger.project).services
    kept = {
        name: why.replicas
        for name, why in ledger.intentions.scaled.items()
        if name in declared and declared_replicas(declared[name]) == why.declared
    }
    return replace(revision, scaled={**revision.scaled, **kept})


def with_intentions(ordered: Plan, playbook: Playbook, ledger: Ledger) -> Plan:
    """The plan that says of what somebody has stopped that it was on purpose, and of what was scaled how many run."""
    if ledger.intentions.same(Intentions()):
        return ordered
    return replace(
        ordered,
        changes=tuple(said_on_purpose(change, ledger) for change in ordered.changes),
        details=tuple(said_on_purpose(change, ledger) for change in ordered.details),
        notes=(*ordered.notes, *_scaled(playbook, ledger)),
    )


def said_on_purpose(change: Change, ledger: Ledger) -> Change:
    """The change with who stopped or paused the service and when, where that is why it does not run."""
    purpose = purpose_of(change.address, change.observed, ledger)
    if not purpose or change.action is Action.UNCHANGED:
        return change
    ends = "lets it go on" if purpose.startswith("paused") else "starts it"
    return replace(change, reason=f"{purpose}; an apply {ends}", drift=False)


def purpose_of(address: Address, existing: Observed | None, ledger: Ledger) -> str:
    """Since when and by whom a service is stopped or paused on purpose; empty where it runs, or nobody meant it."""
    if address.kind != "service" or existing is None:
        return ""
    stopped, paused = ledger.intentions.stopped.get(address.name), ledger.intentions.paused.get(address.name)
    if stopped is not None and is_still(existing):
        return f"stopped {stopped}"
    is_paused = existing.runtime is not None and existing.runtime.status == "paused"
    return f"paused {paused}" if paused is not None and is_paused else ""


def scaled_on_purpose(name: str, playbook: Playbook, ledger: Ledger) -> str:
    """How many of a service run on purpose in the place of what the file says; empty where the file's number holds."""
    why, service = ledger.intentions.scaled.get(name), playbook.services.get(name)
    if why is None or service is None or service.replicas != why.replicas or declared_replicas(service) != why.declared:
        return ""
    return f"{why.replicas} replicas {why}; the file says {why.declared}"


def is_still(existing: Observed) -> bool:
    """Whether nothing of a service runs."""
    if existing.runtime is not None:
        return existing.runtime.status in ("exited", "dead", "created")
    constraints = (existing.service_spec.get("placement") or {}).get("constraints") or ()
    return existing.kind == "service" and (existing.service_spec.get("replicas") == 0 or NOWHERE in constraints)


def _scaled(playbook: Playbook, ledger: Ledger) -> Iterator[Problem]:
    for name, why in sorted(ledger.intentions.scaled.items()):
        if said := scaled_on_purpose(name, playbook, ledger):
            yield Problem(
                f"it has {said}",
                path=f"service.{name}",
                hint=f"provision scale {name}={why.declared} goes back to the file",
            )


def forget_what_ended(after: Prepared, engine: EngineWriter) -> None:
    """Keep no longer that services rest which an apply has started, nor numbers that a file has overruled."""
    playbook, known = after.playbook, after.ledger.intentions
    names = set(playbook.services)
    scaled = {
        name: why
        for name, why in known.scaled.items()
        if name not in names or playbook.services[name].replicas == why.replicas
    }
    now = replace(known.without_stopped(names).without_paused(names), scaled=scaled)
    if not now.same(known):
        record_intentions(engine, playbook.project, after.platform.mode, now)


def forget_all(engine: EngineWriter, project: str, mode: Mode, ledger: Ledger) -> None:
    """Keep nothing of an environment that is gone."""
    if not ledger.intentions.same(Intentions()):
        record_intentions(engine, project, mode, Intentions(ledger.intentions.number))
