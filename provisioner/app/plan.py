"""`plan`: what an apply would do, and why. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioner.app.load import load_playbook
from provisioner.app.materials import Materials, gather, require_comparable
from provisioner.app.wiring import open_engine
from provisioner.errors import PlaybookInvalid
from provisioner.ledger.revisions import Revision, desired_of, last_revision
from provisioner.platforms.choice import Mode, check, choose_mode, lower
from provisioner.playbook.crossref import contradictions
from provisioner.reconcile.diff import diff
from provisioner.reconcile.observe import observe
from provisioner.reconcile.planning import plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.app.request import Request
    from provisioner.model.plan import Plan, Policy
    from provisioner.model.playbook import Playbook
    from provisioner.ports import EngineReader


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan with what it was made from; `last` is what was applied last, as far as that is known."""

    plan: Plan
    playbook: Playbook
    materials: Materials
    mode: Mode
    last: Revision | None = None


def make_plan(request: Request, policy: Policy, scale: Mapping[str, int]) -> Plan:
    """The plan for a request, against the live engine."""
    playbook = load_playbook(request, targets=policy.targets, scale=scale)
    return prepare(request, playbook, open_engine(request, playbook.engine), policy).plan


def prepare(request: Request, playbook: Playbook, engine: EngineReader, policy: Policy) -> Prepared:
    """Look at everything once, compare, and order what is to be done.

    Raises PlaybookInvalid for what the mode can not do, such as replicas on one host port.
    """
    mode = choose_mode(playbook, swarm_manager=engine.facts().swarm_manager)
    impossible = contradictions(playbook, mode)
    if impossible:
        raise PlaybookInvalid(impossible)
    notes = check(playbook, mode)
    materials = gather(request, playbook, engine, mode)
    desired = lower(playbook, materials.inputs, mode)
    last = last_revision(engine, playbook.project)
    observed = observe(engine, desired, last.containers if last else {})
    require_comparable(observed, materials)
    changes = diff(desired, observed, desired_of(last, playbook.project) if last else None)
    ordered = plan(playbook.title, changes, desired, observed, policy, notes=notes)
    return Prepared(ordered, playbook, materials, mode, last)
