"""The names of networks and volumes that were adopted or moved: the ledger has them, where the file has others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.app.adopted_names import names_of_adopted
from provisioner.app.load import load_playbook
from provisioner.app.wiring import open_engine
from provisioner.errors import Unreachable
from provisioner.ledger.adoptions import read_adoptions

if TYPE_CHECKING:
    from provisioner.app.request import Request
    from provisioner.model.address import Address


def kept_names(request: Request) -> dict[Address, str] | None:
    """The names of adopted and moved objects of an environment by their address; None where no engine can be asked."""
    playbook = load_playbook(request, allow_unset=True)
    try:
        engine = open_engine(request, playbook.engine)
        manager = engine.facts().swarm_manager
    except Unreachable:
        return None
    _, adopted = read_adoptions(engine, playbook.project, manager=manager)
    return names_of_adopted(adopted)
