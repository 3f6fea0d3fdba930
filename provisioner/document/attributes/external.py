"""`external` of volumes, networks, secrets and configs: declared elsewhere, only named here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.document.quantities import to_boolean
from provisioner.document.shape import BOOLEAN, MAPPING, STRING, Place, Shape, mapping, scalar

if TYPE_CHECKING:
    from provisioner.model.node import Node

EXTERNAL = Shape((BOOLEAN, STRING, MAPPING), "true, or a mapping with its name", to_boolean, format="boolean")


def canonical_external(node: Node, place: Place) -> Node:
    """The old form `external: {name: x}` as `external: true` and `name: x`."""
    external = node.get("external")
    if external is None:
        return node
    entries = dict(node.mapping)
    if external.is_mapping:
        name = external.get("name")
        if name is not None and entries.setdefault("name", name).value != name.value:
            place.wrong("'name' and 'external.name' are different", name.span, "keep `name:`, and `external: true`")
        entries["external"] = scalar(True, external)
    return mapping(entries, node)
