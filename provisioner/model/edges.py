"""The edges of the model, where shapes are somebody else's; what lies between them has shapes of its own.

An engine's JSON is read and written by the field tables of `provisioner/kinds/` alone; who looks at more of it names
what it takes. A canonical body has been checked against Compose's schema by then.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# What an engine answers (an inspection, an entry of a list, a Swarm object's spec): read, and never changed.
EngineJson = Mapping[str, Any]
# A body for the Engine API while it is written, or an inspection that its kind decodes.
EngineBody = dict[str, Any]
# What a playbook says of one object, canonical, as plain values; the way back to a file writes such bodies too.
ComposeBody = dict[str, Any]
# A whole playbook, canonical, as plain values: what a revision keeps.
PlainDocument = Mapping[str, Any]
# What a builder is told: Compose's `build` with the names of images for services, and the platforms.
BuildRecipe = Mapping[str, Any]
