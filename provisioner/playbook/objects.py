"""Bind networks, volumes, configs and secrets: their names on the engine, and which of them are protected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.model.node import Node
from provisioner.model.playbook import Declared
from provisioner.playbook.backups import bind_volume_backup
from provisioner.playbook.fields import Fields, Problems

if TYPE_CHECKING:
    from collections.abc import Mapping


def bind_objects(section: Node | None, family: str, project: str, problems: Problems) -> Mapping[str, Declared]:
    """The declared objects of one top-level section (`volumes`, …) by key, in file order."""
    if section is None or section.value is None:
        return {}
    if not section.is_mapping:
        problems.expected("a mapping", section, family)
        return {}
    objects = {}
    for key, item in section.mapping.items():
        path = f"{family}.{key}"
        if not (item.is_mapping or item.value is None):
            problems.expected("a mapping", item, path)
            continue
        body = item if item.is_mapping else Node({}, item.span)
        fields = Fields(body, path, problems)
        name = fields.text("name")
        protect = fields.boolean("protect") if family == "volumes" else None
        objects[key] = Declared(
            key=key,
            name=name or f"{project}_{key}",
            body=body,
            external=fields.boolean("external") or False,
            protect=protect is True,
            unprotect=protect is False,
            backup=bind_volume_backup(fields) if family == "volumes" else None,
        )
    return objects
