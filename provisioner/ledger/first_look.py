"""The beginning of a look at an engine: what every plan needs is asked for at once, while the rest is loaded."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from provisioner.kinds.ownership import PROJECT
from provisioner.ledger.container_store import ContainerRecords
from provisioner.reconcile.one_look import OneLook, ask_ahead

if TYPE_CHECKING:
    from provisioner.ports import EngineReader


def begin_look(engine: EngineReader, project: str, *, ledger: bool = True) -> OneLook:
    """A look at what the engine says of itself, the ledger unless that is known, and what the project owns."""
    look = OneLook(engine)
    owned = (partial(look.list, kind, {PROJECT: project}) for kind in ("container", "network", "volume"))
    kept = (lambda: list(ContainerRecords(look, project).entries()),) if ledger else ()
    ask_ahead(look.facts, *kept, *owned)
    return look
