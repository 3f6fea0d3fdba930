"""Text to one canonical tree with positions: Compose's syntax and what the playbook language adds to it.

It knows nothing of Docker's API; `read` is the way in, `PHASES` says what happens in which order.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from provisioner.document.pipeline import PHASES, Phase, canonical, read
    from provisioner.document.sources import Document, Sources, VariableUse

__all__ = ["PHASES", "Document", "Phase", "Sources", "VariableUse", "canonical", "read"]

_HOMES = {"Document": "sources", "Sources": "sources", "VariableUse": "sources"}


def __getattr__(name: str) -> Any:
    """A public name from its module. Reading has a parser and a row for each key: who reads nothing loads neither."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'pipeline')}"), name)
