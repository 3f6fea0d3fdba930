"""What the files declare and an apply does not make: objects that nothing uses, and services of inactive profiles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.model.node import mapping_of
from provisioner.model.unused import Undeployed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from provisioner.model.node import Node
    from provisioner.model.span import Span

_SECTIONS = ("networks", "volumes", "configs", "secrets")


def find_undeployed(
    declared: Node, deployed: Node, inactive: Mapping[str, Node], project: str
) -> tuple[Undeployed, ...]:
    """The services of inactive profiles, and the objects of `declared` that `deployed` has no more.

    An inactive service without networks uses the network `default`, whether or not a file names that.
    """
    undeployed = list(_services(inactive))
    for section in _SECTIONS:
        node = declared.get(section)
        left = mapping_of(deployed.get(section))
        undeployed += [
            _undeployed(section, key, item, node.key_spans.get(key, item.span) if node else item.span, project)
            for key, item in mapping_of(node).items()
            if key not in left
        ]
    networks = {*mapping_of(declared.get("networks")), *mapping_of(deployed.get("networks"))}
    if "default" not in networks:
        for item in inactive.values():
            if not mapping_of(item.get("networks")) and item.get("network_mode") is None:
                undeployed.append(Undeployed("networks", "default", f"{project}_default", item.span))
                break
    return tuple(undeployed)


def _services(inactive: Mapping[str, Node]) -> Iterator[Undeployed]:
    for key, item in inactive.items():
        profiles = item.get("profiles")
        names = tuple(str(node.value) for node in profiles.items) if profiles is not None else ()
        yield Undeployed("services", key, "", item.span, profiles=names)


def _undeployed(section: str, key: str, item: Node, span: Span, project: str) -> Undeployed:
    name, external, protect = (_value(item, field) for field in ("name", "external", "protect"))
    is_external = external is True
    return Undeployed(
        section=section,
        key=key,
        name=str(name) if name else key if is_external else f"{project}_{key}",
        span=span,
        external=is_external,
        protect=protect is True,
        unprotect=protect is False,
    )


def _value(item: Node, key: str) -> object:
    node = item.get(key)
    return node.value if node is not None else None
