"""`external` of volumes, networks, secrets and configs: declared elsewhere, only named here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.document.quantities import to_boolean
from provisioner.document.shape import BOOLEAN, MAPPING, STRING, Place, Shape, mapping, scalar

if TYPE_CHECKING:
    from provisioner.model.node import Node

EXTERNAL = Shape((BOOLEAN, STRING, MAPPING), "true, or a mapping with its name", to_boolean, format="boolean")
_SIDE_BY_SIDE = frozenset(("external", "name", "protect"))


def settle_external(node: Node, place: Place) -> Node:
    """The old form `external: {name: x}` as `external: true` and `name: x`; what else stands beside it is told.

    As in Compose that is wrong for a volume, and means nothing for anything else.
    """
    external = node.get("external")
    if external is None:
        return node
    entries = dict(node.mapping)
    if external.is_mapping:
        name = external.get("name")
        if name is not None and entries.setdefault("name", name).value != name.value:
            place.wrong("'name' and 'external.name' are different", name.span, "keep `name:`, and `external: true`")
        entries["external"] = scalar(True, external)
    if entries["external"].value is True:
        for key in sorted(entries.keys() - _SIDE_BY_SIDE):
            if not key.startswith("x-") and entries[key].value:
                tell = place.wrong if place.path[0] == "volumes" else place.ignored
                tell(
                    f"'{key}' beside 'external': what is external is not made here",
                    node.key_spans.get(key, node.span),
                    "remove one of them",
                )
    return mapping(entries, node)
