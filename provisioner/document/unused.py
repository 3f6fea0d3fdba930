"""What nothing in a document refers to: told, and left out as Compose leaves it out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.document.shape import mapping
from provisioner.model.node import items_of, mapping_of
from provisioner.model.secret import REFERENCE
from provisioner.model.unused import Unused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.model.node import Node


def unused(root: Node, inactive: Mapping[str, Node]) -> tuple[Unused, ...]:
    """What `prune` leaves out, but for what a service that rests would use."""
    services = mapping({**mapping_of(root.get("services")), **inactive}, root)
    kept = prune(mapping({**root.mapping, "services": services}, root))
    left_out = []
    for section in ("networks", "volumes", "configs", "secrets"):
        node = root.get(section)
        left = mapping_of(kept.get(section))
        for key, item in mapping_of(node).items():
            if key not in left:
                left_out.append(Unused(section, key, node.key_spans.get(key, item.span) if node else item.span))
    return tuple(left_out)


def prune(root: Node) -> Node:
    """The tree without networks, volumes, configs, secrets and models that nothing uses, as Compose leaves them out."""
    used: dict[str, set[str]] = {key: set() for key in ("networks", "volumes", "configs", "secrets", "models")}
    for service in mapping_of(root.get("services")).values():
        used["networks"].update(mapping_of(service.get("networks")))
        used["models"].update(mapping_of(service.get("models")))
        for mount in items_of(service.get("volumes")):
            source = mount.get("source")
            if source is not None and mount.get("type") is not None and mount.mapping["type"].value == "volume":
                used["volumes"].add(str(source.value))
        for section, use in (
            ("secrets", service.get("secrets")),
            ("configs", service.get("configs")),
            ("secrets", service.get("build", "secrets")),
        ):
            used[section].update(str(item.mapping["source"].value) for item in items_of(use) if item.get("source"))
        for item in mapping_of(service.get("environment")).values():
            secret = item.get("secret")
            if secret is not None:
                used["secrets"].add(str(secret.value))
    _templates(root, used["secrets"])
    entries: dict[str, Node] = {}
    for key, item in root.mapping.items():
        if key not in used or not item.is_mapping:
            entries[key] = item
            continue
        kept = {name: value for name, value in item.mapping.items() if name in used[key]}
        if kept:
            entries[key] = mapping(kept, item)
    return mapping(entries, root)


def _templates(root: Node, used: set[str]) -> None:
    """Adds the secrets that the templates of used secrets are built from."""
    secrets = mapping_of(root.get("secrets"))
    waiting = list(used)
    while waiting:
        item = secrets.get(waiting.pop())
        template = item.get("template") if item is not None else None
        for name in REFERENCE.findall(str(template.value)) if template is not None else ():
            if name not in used:
                used.add(name)
                waiting.append(name)
