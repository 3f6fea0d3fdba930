"""`status`: every declared object as it is on the engine now, and whether it is well."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.app.collect_without_values import CollectWithoutValues
from provisioner.app.condition import Condition, condition_of, with_last_words, with_purpose
from provisioner.app.drift import meant
from provisioner.app.evidence import mask_of, unknown_secrets
from provisioner.app.load import load_playbook
from provisioner.app.owned import require_services
from provisioner.app.plan import prepare
from provisioner.app.wiring import open_engine
from provisioner.backup.previous_data import kept_data, read_record
from provisioner.model.change import Action, Change
from provisioner.model.dataclass import dataclass
from provisioner.model.plan import Policy
from provisioner.reconcile.retained import retained_objects

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioner.app.prepared import Prepared
    from provisioner.app.published import PublishedPort
    from provisioner.app.request import Request
    from provisioner.model.address import Address
    from provisioner.model.state import ForeignObject, Observed, Resource
    from provisioner.ports import EngineReader
    from provisioner.reconcile.retained import Retained

# The difference that a plan tells where an object is as declared and does not do what it should.
_STATE = "state"


@dataclass(frozen=True, slots=True)
class StatusRow:
    """One object. `drift`: it differs from what is declared, None where that can not be told.

    `trouble` says why it is not well, with its last words, and is empty where it is. `purpose` says who wants it to be
    so: stopped, paused, scaled. `detail` is what else there is to
    say. `since` is when it came to be in its state (RFC 3339); `exit_code` is None for what runs or never did.
    """

    address: Address
    state: str
    health: str
    image: str
    drift: bool | None
    since: str = ""
    detail: str = ""
    trouble: str = ""
    id: str = ""
    exit_code: int | None = None
    restarts: int = 0
    started_at: str = ""
    ports: tuple[PublishedPort, ...] = ()
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class StatusTable:
    """`restore` says that one did not come to its end, and what ends it; `kept` are the volumes with the data of before
    a restore."""

    title: str
    rows: tuple[StatusRow, ...]
    restore: str = ""
    kept: tuple[str, ...] = ()

    @property
    def well(self) -> bool:
        """Whether everything that is declared is there and does what it is for, or rests on purpose."""
        return not self.restore and not any(row.trouble for row in self.rows)


def status(request: Request, services: Sequence[str] = ()) -> StatusTable:
    """The table for a request, of all objects or of the named services. Asks the engine once; changes nothing."""
    playbook = load_playbook(request, allow_unset=True)
    require_services(playbook, services)
    engine = open_engine(request, playbook.engine)
    gathering = CollectWithoutValues()
    prepared = prepare(request, playbook, engine, Policy(), gathering, feasible=False)
    plan = prepared.plan
    # The removal of an earlier version of a config or secret says nothing of the one that is declared.
    changes = {c.address: c for c in plan.details if c.desired or c.address not in plan.desired.resources}
    desired, observed = plan.desired.resources, plan.observed.resources
    addresses = sorted({*desired, *observed})
    if services:
        addresses = [a for a in addresses if a.kind == "service" and a.name in services]
    retained = retained_objects(playbook)
    foreign = {foreign_object.address: foreign_object for foreign_object in plan.observed.foreign}
    rows = [_row(a, desired.get(a), observed.get(a), changes.get(a), retained) for a in addresses]
    rows = [_with_condition(row, prepared, engine, changes.get(row.address)) for row in rows]
    rows = [_foreign(row, foreign.get(row.address)) for row in rows]
    rows = [_uncompared(row, gathering.reasons) for row in rows]
    ports = prepared.platform.published_ports(engine, playbook.project)
    rows = [replace(row, ports=tuple(port for port in ports if port.address == row.address)) for row in rows]
    record = read_record(engine, playbook.project)
    kept = tuple(copy.name for copy in kept_data(engine, playbook.project))
    return StatusTable(playbook.title, tuple(rows), str(record.problem()) if record else "", kept)


def _foreign(row: StatusRow, foreign: ForeignObject | None) -> StatusRow:
    """The row of an object in whose place another one stands."""
    if foreign is None:
        return row
    said = f"belongs to {foreign.owner}"
    return replace(row, state="foreign", detail=said, trouble=said)


def _row(
    address: Address, wanted: Resource | None, existing: Observed | None, change: Change | None, retained: Retained
) -> StatusRow:
    """What is known of an object without asking how it is doing."""
    image = wanted.name if wanted else ""
    if wanted is not None and wanted.kind in ("container", "service"):
        image = str(wanted.workload_spec["image"])
    if existing is None:
        # An image that is to be pulled or built is no trouble: what needs it is.
        # What an earlier apply has made, the plan says what became of.
        said = change.reason if change is not None and change.drift else "not created yet"
        return StatusRow(
            address, "absent", "", image, True, detail=said, trouble="" if address.kind == "image" else said
        )  # fmt: skip
    if existing.kind in ("container", "service"):
        image = str(existing.workload_spec["image"])
    row = StatusRow(address, "present", "", image, False, id=existing.id)
    if wanted is None:
        inactive = retained.reason(existing)
        return replace(row, drift=not inactive, detail=inactive or "no longer declared")
    differs = change is not None and meant(change).action is not Action.UNCHANGED
    reason = change.reason if differs and change is not None else ""
    return replace(row, drift=differs, detail=reason)


def _with_condition(row: StatusRow, prepared: Prepared, engine: EngineReader, change: Change | None) -> StatusRow:
    """The row of an object that is there with how it is doing. What it says is quoted without values of secrets."""
    existing = prepared.plan.observed.resources.get(row.address)
    if existing is None:
        return row
    wanted = prepared.plan.desired.resources.get(row.address)
    condition = with_purpose(condition_of(existing, wanted, engine), row.address, existing, prepared)
    if not unknown_secrets(row.address.name, prepared.playbook, prepared.materials):
        mask = mask_of(row.address, prepared.plan, prepared.materials)
        condition = with_last_words(condition, existing, engine, mask)
    return replace(
        row, state=condition.state, health=condition.health, detail=_detail(row, condition, change),
        purpose=condition.purpose, since=condition.since,
        trouble=condition.trouble, exit_code=condition.exit_code,
        restarts=condition.restarts, started_at=condition.started_at,
    )  # fmt: skip


def _detail(row: StatusRow, condition: Condition, change: Change | None) -> str:
    """What is wrong or meant, and beside it what differs of what is declared; else what there is to remark."""
    said = [condition.trouble, condition.purpose]
    if not any(said):
        return row.detail or _remark(condition)
    rests = condition.purpose.startswith(("stopped", "paused"))
    if change is not None and not rests and any(difference.path != _STATE for difference in change.differences):
        said.insert(1, row.detail)
    return "; ".join(dict.fromkeys(filter(None, said)))


def _remark(condition: Condition) -> str:
    """What there is to say of an object that is well."""
    if not condition.restarts:
        return ""
    return f"restarted {'once' if condition.restarts == 1 else f'{condition.restarts} times'}"


def _uncompared(row: StatusRow, reasons: Mapping[str, str]) -> StatusRow:
    """A secret of which nobody here can tell whether the engine has the value of today."""
    why = reasons.get(row.address.name) if row.address.kind == "secret" else None
    return replace(row, drift=None, detail=f"can not compare: {why}") if why and row.state != "absent" else row
