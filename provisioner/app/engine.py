"""`engine init`: make an engine a Swarm of one node. Done before is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.app.load import load_playbook
from provisioner.app.wiring import open_engine
from provisioner.errors import EngineRefused, ProvisionError, Reason
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from provisioner.app.request import Request
    from provisioner.engines.docker_api import DockerEngine

LOOPBACK = "127.0.0.1"
_PORT = 2377


@dataclass(frozen=True, slots=True)
class Swarm:
    """The Swarm that the engine is in now. `made` is whether this run made it; `address` is where managers listen."""

    engine: str
    made: bool
    node: str
    address: str
    nodes: int
    ipvs: bool | None


def init_swarm(request: Request, advertise: str | None) -> Swarm:
    """Make the engine a manager, unless it is one. Without `advertise` no other machine can reach or join the Swarm.

    ProvisionError for an engine that is a worker of another Swarm, or whose Swarm is locked or broken.
    """
    choice = load_playbook(request, allow_unset=True).engine if request.files else None
    engine = open_engine(request, choice, manages=False)
    state = engine.info().get("Swarm") or {}
    made = False
    if not state.get("ControlAvailable"):
        _require_free(str(state.get("LocalNodeState") or "inactive"), str(state.get("Error") or ""))
        _init(engine, advertise)
        made = True
    now = engine.info().get("Swarm") or {}
    if not now.get("ControlAvailable"):
        raise ProvisionError("the engine said that it made a Swarm, and is no manager of one", hint="docker info")
    facts = engine.facts()
    return Swarm(
        engine=f"{facts.engine_name} (engine {facts.engine_version})",
        made=made,
        node=str(now.get("NodeID") or ""),
        address=str(now.get("NodeAddr") or ""),
        nodes=int(now.get("Nodes") or 0),
        ipvs=facts.ipvs,
    )


def _require_free(state: str, error: str) -> None:
    if state == "inactive":
        return
    said = {
        "active": "is a worker of another Swarm",
        "locked": "is in a Swarm that is locked",
        "pending": "is joining a Swarm and has not arrived",
        "error": f"is in a Swarm that does not work: {error or 'no reason was given'}",
    }.get(state, f"is in a Swarm in the state {state}")
    hint = (
        "docker swarm unlock" if state == "locked" else "name a manager with --host or --context, or leave that Swarm"
    )
    raise ProvisionError(f"this engine {said}", hint=hint)


def _init(engine: DockerEngine, advertise: str | None) -> None:
    try:
        if advertise:
            engine.init_swarm(advertise, f"0.0.0.0:{_PORT}")
        else:
            engine.init_swarm(LOOPBACK, f"{LOOPBACK}:{_PORT}")
    except EngineRefused as error:
        if error.reason is not Reason.IN_SWARM:
            raise
