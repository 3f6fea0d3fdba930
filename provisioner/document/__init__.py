"""Text to one canonical tree with positions: Compose's syntax and what the playbook language adds to it.

It knows nothing of Docker's API; `read` is the way in, `PHASES` says what happens in which order.
"""

from __future__ import annotations

from provisioner.document.pipeline import PHASES, Phase, canonical, read
from provisioner.document.sources import Document, Sources, VariableUse

__all__ = ["PHASES", "Document", "Phase", "Sources", "VariableUse", "canonical", "read"]
