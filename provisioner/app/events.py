"""`events`: what happens to the objects of an environment. An engine that goes away is waited for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from provisioner.app.health_execs import HealthExecs
from provisioner.app.service_work import load_with
from provisioner.app.wiring import open_engine
from provisioner.errors import ProvisionError, Unreachable
from provisioner.kinds.ownership import ADDRESS, ONE_OFF, PROJECT
from provisioner.model.address import Address
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from provisioner.app.request import Request
    from provisioner.model.edges import EngineJson
    from provisioner.model.playbook import Playbook

_AGAIN = 1.0
_SWARM_NAME = "com.docker.swarm.service.name"


@dataclass(frozen=True, slots=True)
class EngineEvent:
    """One event; `at` is Unix seconds, `attributes` what the engine says of the object, without our labels."""

    at: float
    kind: str
    action: str
    id: str
    address: Address
    attributes: Mapping[str, str]


def events(
    request: Request,
    services: Sequence[str],
    *,
    since: str | None,
    until: str | None,
    lost: Callable[[str], object],
    checks: bool = True,
) -> Iterator[EngineEvent]:
    """The events of the containers and services of an environment as they happen; ends with `until`.

    Without `checks` the commands of health checks are left out. `lost` is told when the engine does not answer, and
    when it does again: nothing that it keeps is missed.
    """
    playbook = load_with(request, services)
    engine = open_engine(request, playbook.engine)
    filters: Mapping[str, Sequence[str]] = {"label": [f"{PROJECT}={playbook.project}"]}
    if engine.facts().swarm_manager:
        # Tasks and services do not carry their labels in events: they are told by their names.
        filters = {"type": ["container", "service"]}
    last, health = since, HealthExecs()
    while True:
        try:
            for raw in engine.events(filters, since=last, until=until):
                last = _unix(int(raw["timeNano"]) + 1)
                event = _event(raw, playbook)
                if event is None or (not checks and health.has(raw, engine)):
                    continue
                if not services or event.address.name in services:
                    yield event
            if until is not None:
                return
            raise Unreachable("the engine has ended the stream of events")
        except Unreachable as error:
            last = last or str(int(time.time()))
            lost(f"the engine does not answer ({error.message}); it is asked again")
        while True:
            time.sleep(_AGAIN)
            try:
                engine = open_engine(request, playbook.engine)
            except ProvisionError:
                continue
            lost("the engine answers again")
            break


def _unix(nanoseconds: int) -> str:
    """A time as the engine takes it: Unix seconds with nine digits after the point."""
    return f"{nanoseconds // 10**9}.{nanoseconds % 10**9:09d}"


def _event(raw: EngineJson, playbook: Playbook) -> EngineEvent | None:
    """An event of one of the environment's services; None for another's, and for what `run` made."""
    actor = raw.get("Actor") or {}
    attributes = {str(key): str(value) for key, value in (actor.get("Attributes") or {}).items()}
    if ONE_OFF in attributes:
        return None
    address = Address.parse(attributes.get(ADDRESS, "")) if attributes.get(PROJECT) == playbook.project else None
    if address is None:
        named = attributes.get("name" if raw.get("Type") == "service" else _SWARM_NAME, "")
        service = named.removeprefix(f"{playbook.project}_")
        # Another environment's name may begin with this one's.
        if service == named or service not in playbook.services:
            return None
        address = Address("service", service)
    if address.kind != "service":
        return None
    shown = {key: value for key, value in attributes.items() if not key.startswith(("provisioner.", "com.docker."))}
    return EngineEvent(
        int(raw["timeNano"]) / 10**9, str(raw.get("Type")), str(raw.get("Action")), str(actor.get("ID") or ""), address,
        shown,
    )  # fmt: skip
