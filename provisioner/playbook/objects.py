"""Bind networks, volumes, configs and secrets: their names on the engine, and which of them are protected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.model.node import Node
from provisioner.model.playbook import Declared
from provisioner.playbook.backups import bind_volume_backup
from provisioner.playbook.fields import flag_of, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping


def bind_objects(root: Node, family: str, project: str) -> Mapping[str, Declared]:
    """The declared objects of one top-level section (`volumes`, …) by key, in file order."""
    objects = {}
    section = root.get(family)
    for key, item in section.mapping.items() if section is not None else ():
        body = item if item.is_mapping else Node({}, item.span)
        protect = flag_of(body, "protect") if family == "volumes" else None
        objects[key] = Declared(
            key=key,
            name=text_of(body, "name") or f"{project}_{key}",
            body=body,
            external=flag_of(body, "external") or False,
            protect=protect is True,
            unprotect=protect is False,
            backup=bind_volume_backup(body) if family == "volumes" else None,
        )
    return objects
