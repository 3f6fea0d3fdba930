"""`plan`: what an apply would do, and why. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioner.app.load import load_playbook
from provisioner.app.materials import Materials, gather, require_comparable
from provisioner.app.wiring import open_engine
from provisioner.errors import PlaybookInvalid
from provisioner.ledger.revisions import last_revision
from provisioner.platforms.containers import lower
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
    """A plan with what it was made from."""

    plan: Plan
    playbook: Playbook
    materials: Materials


def make_plan(request: Request, policy: Policy, scale: Mapping[str, int]) -> Plan:
    """The plan for a request, against the live engine."""
    playbook = load_playbook(request, targets=policy.targets, scale=scale)
    return prepare(request, playbook, open_engine(request, playbook.engine), policy).plan


def prepare(request: Request, playbook: Playbook, engine: EngineReader, policy: Policy) -> Prepared:
    """Look at everything once, compare, and order what is to be done.

    Raises PlaybookInvalid for what containers can not do: replicas that share a host port.
    """
    impossible = contradictions(playbook, "containers")
    if impossible:
        raise PlaybookInvalid(impossible)
    materials = gather(request, playbook, engine)
    desired = lower(playbook, materials.inputs)
    observed = observe(engine, desired)
    require_comparable(observed, materials)
    changes = diff(desired, observed, last_revision(engine, playbook))
    return Prepared(plan(playbook.title, changes, desired, observed, policy), playbook, materials)
