"""`why`: everything that leads to the next action on an object, or what is wrong with it now. Reads only."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.app.collect_without_values import CollectWithoutValues
from provisioner.app.condition import Condition, HealthResult, condition_of, health_results, last_words, with_purpose
from provisioner.app.evidence import mask_of, unknown_secrets
from provisioner.app.load import load_playbook
from provisioner.app.plan import prepare
from provisioner.app.wiring import open_engine
from provisioner.document.findings import nearest
from provisioner.errors import ProvisionError, UsageError
from provisioner.model.address import Address
from provisioner.model.adoption import is_adopted
from provisioner.model.change import Action
from provisioner.model.dataclass import dataclass
from provisioner.model.plan import Policy
from provisioner.playbook.select import with_kinds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from provisioner.app.prepared import Prepared
    from provisioner.app.published import PublishedPort
    from provisioner.app.request import Request
    from provisioner.ledger.records import Failed
    from provisioner.model.adoption import Adopted
    from provisioner.model.change import Change
    from provisioner.model.plan import Plan
    from provisioner.model.span import Problem, Span
    from provisioner.model.state import Observed
    from provisioner.ports import EngineReader
    from provisioner.reconcile.task_words import Words

LOG_LINES = 10
ABSENT = Condition("absent", trouble="it is not there")


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An object that this one waits for, or that needs it. `condition` is what is waited for, empty for being there."""

    address: Address
    condition: str
    state: Condition


@dataclass(frozen=True, slots=True)
class Part:
    """One object on the engine: a replica of a service, or the whole of anything else.

    `words` are its last lines, those of each task of a Swarm by itself, `health` the last results of its health check;
    `withheld` says why they are not shown.
    `adopted` is its record where another tool made it.
    """

    address: Address
    id: str
    name: str
    image: str
    condition: Condition
    health: tuple[HealthResult, ...] = ()
    words: tuple[Words, ...] = ()
    withheld: str = ""
    adopted: Adopted | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything about one address. `change` is None where the next apply leaves the object as it is.

    `failure` is the last apply in which it failed, with its last words then.
    """

    title: str
    address: Address
    span: Span | None
    parts: tuple[Part, ...]
    ports: tuple[PublishedPort, ...]
    changes: tuple[Change, ...]
    problems: tuple[Problem, ...]
    waits_for: tuple[Neighbour, ...]
    needed_by: tuple[Neighbour, ...]
    failure: Failed | None
    plan: Plan

    @property
    def well(self) -> bool:
        """Whether the object is there and does what it is for."""
        return not any(part.condition.trouble for part in self.parts)


def why(request: Request, text: str) -> Explanation:
    """What there is to know about an address such as `service.api`, `service.api[2]`, or a name that is unique."""
    playbook = load_playbook(request, allow_unset=True)
    engine = open_engine(request, playbook.engine)
    prepared = prepare(request, playbook, engine, Policy(), CollectWithoutValues(), feasible=False)
    plan = prepared.plan
    address = _address(text, prepared)
    addresses = [
        part_address
        for part_address in sorted({*plan.desired.resources, *plan.observed.resources})
        if _is_part(part_address, address)
    ]
    ports = prepared.platform.published_ports(engine, playbook.project)
    span = next((r.span for a in addresses if (r := plan.desired.resources.get(a)) and r.span), None)
    changes = tuple(
        c for c in (plan.details if address.index else plan.changes)
        if _is_part(c.address, address) and c.action is not Action.UNCHANGED
    )  # fmt: skip
    return Explanation(
        title=playbook.title,
        address=address,
        span=span,
        parts=tuple(_part(part_address, prepared, engine) for part_address in addresses),
        ports=tuple(port for port in ports if _is_part(port.address, address)),
        changes=changes,
        problems=tuple(p for p in (*plan.refusals, *plan.notes) if p.path == str(address.whole)),
        waits_for=tuple(_waits_for(addresses, prepared, engine)),
        needed_by=tuple(_needed_by(addresses, prepared, engine)),
        failure=_last_failure(prepared, addresses),
        plan=plan,
    )


def _address(text: str, prepared: Prepared) -> Address:
    """The address that is meant. UsageError, naming what is near, where nothing is called so."""
    address = Address.parse(text) or Address.parse_name(text)
    known = {*prepared.plan.desired.resources, *prepared.plan.observed.resources}
    if address is None:
        raise UsageError(f"'{text}' is not an address", hint="write KIND.NAME: service.api, volume.pgdata")
    if not address.kind:
        address = with_kinds(prepared.playbook, (address,), option="")[0]
    if not any(_is_part(other, address) for other in known):
        names = sorted({str(other) for other in known} | {str(other.whole) for other in known})
        near = nearest(str(address), names)
        raise UsageError(f"there is no {address}", hint=near or f"there are: {', '.join(names)}")
    return address


def _is_part(address: Address, of: Address) -> bool:
    return address == of or (not of.index and address.whole == of)


def _part(address: Address, prepared: Prepared, engine: EngineReader) -> Part:
    plan = prepared.plan
    wanted, existing = plan.desired.resources.get(address), plan.observed.resources.get(address)
    image = str(wanted.workload_spec["image"]) if wanted and wanted.kind in ("container", "service") else ""
    foreign = next(
        (foreign_object for foreign_object in plan.observed.foreign if foreign_object.address == address), None
    )
    if existing is None:
        trouble = f"an object of that name belongs to {foreign.owner}" if foreign else ABSENT.trouble
        return Part(address, "", wanted.name if wanted else "", image, replace(ABSENT, trouble=trouble))
    condition = with_purpose(condition_of(existing, wanted, engine), address, existing, prepared)
    record = next(
        (adopted for adopted in prepared.ledger.adopted if (adopted.kind, adopted.id) == (existing.kind, existing.id)),
        None,
    )
    adopted = record if record is not None and is_adopted(record) else None
    if existing.kind not in ("container", "service"):
        return Part(address, existing.id, existing.name, "", condition, adopted=adopted)
    part = Part(address, existing.id, existing.name, str(existing.workload_spec["image"]), condition, adopted=adopted)
    return _with_words(part, existing, prepared, engine)


def _with_words(part: Part, existing: Observed, prepared: Prepared, engine: EngineReader) -> Part:
    """The part with what the object said last, without values of secrets."""
    unknown = unknown_secrets(part.address.name, prepared.playbook, prepared.materials)
    if unknown:
        names = ", ".join(unknown)
        return replace(part, withheld=f"the values of its secrets ({names}) are not known here, and it may print them")
    mask = mask_of(part.address, prepared.plan, prepared.materials)
    health: tuple[HealthResult, ...] = ()
    words: tuple[Words, ...] = ()
    with suppress(ProvisionError):
        health = health_results(engine, existing)
        words = last_words(engine, existing, LOG_LINES)
    return replace(
        part,
        health=tuple(replace(result, output=mask(result.output)) for result in health),
        words=tuple(replace(word, lines=tuple(mask(line) for line in word.lines)) for word in words),
        condition=replace(part.condition, trouble=mask(part.condition.trouble)),
    )


def _waits_for(addresses: list[Address], prepared: Prepared, engine: EngineReader) -> Iterator[Neighbour]:
    plan = prepared.plan
    needs = (need for address in addresses if (wanted := plan.desired.resources.get(address)) for need in wanted.needs)
    for address, condition in dict.fromkeys((need.address, str(need.condition or "")) for need in needs):
        yield Neighbour(address, condition, _state(address, prepared, engine))


def _needed_by(addresses: list[Address], prepared: Prepared, engine: EngineReader) -> Iterator[Neighbour]:
    plan = prepared.plan
    mine: Mapping[Address, None] = dict.fromkeys((*addresses, *(address.whole for address in addresses)))
    for address, wanted in sorted(plan.desired.resources.items()):
        conditions = [str(need.condition or "") for need in wanted.needs if need.address in mine]
        if conditions and address not in mine:
            yield Neighbour(address, conditions[0], _state(address, prepared, engine))


def _state(address: Address, prepared: Prepared, engine: EngineReader) -> Condition:
    plan = prepared.plan
    existing, wanted = plan.observed.resources.get(address), plan.desired.resources.get(address)
    if existing is None:
        return ABSENT
    return with_purpose(condition_of(existing, wanted, engine), address, existing, prepared)


def _last_failure(prepared: Prepared, addresses: list[Address]) -> Failed | None:
    names = {str(address) for address in addresses} | {str(address.whole) for address in addresses}
    failures = reversed(prepared.ledger.failures)
    return next((failure for failure in failures if any(place in names for place, _ in failure.failures)), None)
