"""`status`: every declared object as it is on the engine now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from provisioner.app.comparable import Comparable
from provisioner.app.load import load_playbook
from provisioner.app.owned import require_services, running_ids
from provisioner.app.plan import prepare
from provisioner.app.wiring import open_engine
from provisioner.kinds.values import moment
from provisioner.model.change import Action, Change
from provisioner.model.plan import Policy
from provisioner.reconcile.finished import FINISHED, has_finished
from provisioner.reconcile.retained import retained_objects
from provisioner.reconcile.swarm_tasks import tasks_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioner.app.request import Request
    from provisioner.model.address import Address
    from provisioner.model.state import Observed, Resource, Stranger
    from provisioner.ports import EngineReader
    from provisioner.reconcile.retained import Retained


@dataclass(frozen=True, slots=True)
class StatusRow:
    """One object. `drift`: it differs from what is declared; `since` is how long it has been so, for people."""

    address: Address
    state: str
    health: str
    image: str
    drift: bool | None
    since: str
    detail: str


@dataclass(frozen=True, slots=True)
class StatusTable:
    title: str
    rows: tuple[StatusRow, ...]


def identifiers(request: Request, services: Sequence[str] = ()) -> tuple[str, ...]:
    """The ids of the running containers of the named services, or of all."""
    playbook = load_playbook(request, allow_unset=True)
    return running_ids(open_engine(request, playbook.engine), playbook, services)


def status(request: Request, services: Sequence[str] = ()) -> StatusTable:
    """The table for a request, of all objects or of the named services. Asks the engine once; changes nothing."""
    playbook = load_playbook(request, allow_unset=True)
    require_services(playbook, services)
    engine = open_engine(request, playbook.engine)
    gathering = Comparable()
    plan = prepare(request, playbook, engine, Policy(), gathering, feasible=False).plan
    # The removal of an earlier version of a config or secret says nothing of the one that is declared.
    changes = {c.address: c for c in plan.details if c.desired or c.address not in plan.desired.resources}
    desired, observed = plan.desired.resources, plan.observed.resources
    addresses = sorted({*desired, *observed})
    retained = retained_objects(playbook)
    foreign = {one.address: one for one in plan.observed.strangers}
    rows = [_row(a, desired.get(a), observed.get(a), changes.get(a), retained) for a in addresses]
    rows = [_foreign(row, foreign.get(row.address)) for row in rows]
    rows = [_uncompared(row, gathering.reasons) for row in rows]
    rows = [_with_tasks(row, observed.get(row.address), engine) for row in rows]
    shown = [row for row in rows if not services or (row.address.kind == "service" and row.address.name in services)]
    return StatusTable(playbook.title, tuple(shown))


def _foreign(row: StatusRow, stranger: Stranger | None) -> StatusRow:
    """The row of an object in whose place another one stands."""
    return replace(row, state="foreign", detail=f"belongs to {stranger.owner}") if stranger else row


def _row(
    address: Address, wanted: Resource | None, found: Observed | None, change: Change | None, retained: Retained
) -> StatusRow:
    image = str(wanted.spec["image"]) if wanted and wanted.kind == "container" else wanted.name if wanted else ""
    if found is None:
        return StatusRow(address, "absent", "", image, True, "", "not created yet")
    state, since, detail = "present", _ago(found.created), ""
    health = ""
    if found.runtime is not None:
        image = str(found.spec["image"])
        state, health = found.runtime.status, found.runtime.health
        ended = state in ("exited", "dead")
        since = _ago(found.runtime.finished_at if ended else found.runtime.started_at)
        if ended:
            state = f"exited ({found.runtime.exit_code})"
            if wanted is not None and found.runtime.exit_code == 0:
                exposes = bool(found.spec.get("expose"))
                finished = has_finished(found.runtime, wanted.may_finish, exposes=exposes)
                state = "completed" if wanted.job else FINISHED if finished else state
        if found.runtime.oom_killed:
            detail = "killed for want of memory"
    if wanted is None:
        inactive = retained.reason(found)
        return StatusRow(address, state, health, image, not inactive, since, inactive or "no longer declared")
    differs = change is not None and change.action is not Action.UNCHANGED
    if differs and change is not None:
        detail = detail or change.reason
    return StatusRow(address, state, health, image, differs, since, detail)


def _uncompared(row: StatusRow, reasons: Mapping[str, str]) -> StatusRow:
    """A secret of which nobody here can tell whether the engine has the value of today."""
    why = reasons.get(row.address.name) if row.address.kind == "secret" else None
    return replace(row, drift=None, detail=f"can not compare: {why}") if why and row.state != "absent" else row


def _with_tasks(row: StatusRow, found: Observed | None, engine: EngineReader) -> StatusRow:
    """A Swarm service's row says how many of its tasks run, counted from the tasks themselves."""
    if found is None or found.kind != "service" or found.runtime is not None:
        return row
    tasks = tasks_of({"Spec": found.base}, engine.tasks(found.id, current=True))
    trouble = tasks.pending or (tasks.errors[-1] if tasks.errors and tasks.running < tasks.wanted else "")
    return replace(
        row,
        state=f"{tasks.running}/{tasks.wanted} running",
        image=str(found.spec["image"]),
        detail=row.detail or trouble,
    )


def _ago(text: str) -> str:
    """How long ago an RFC 3339 time was, in one unit; empty for none."""
    then = moment(text)
    if then is None or then.year < 2000:
        return ""
    seconds = max(0, int((datetime.now(UTC) - then).total_seconds()))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
