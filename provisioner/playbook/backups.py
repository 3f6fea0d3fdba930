"""Bind what a playbook says of backups: of a service's dump, of a volume, of the whole environment."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING, cast

from provisioner.model.backup import BackupPolicy, Keep, ServiceBackup, VolumeBackup
from provisioner.playbook.fields import Fields, Problems, plain_text

if TYPE_CHECKING:
    from provisioner.model.backup import Consistency, Risk
    from provisioner.model.node import Node

_CONSISTENCIES = ("pause", "stop", "none")


def bind_service_backup(fields: Fields) -> ServiceBackup | None:
    """`services.*.backup`; None where there is none, or where it does not say how to dump."""
    section = fields.mapping("backup")
    if section is None:
        return None
    section.only("command", "restore", "replaces")
    if section.child("command") is None:
        section.problems.add("has no 'command'", section.node.span, section.path, "say what dumps the data to stdout")
        return None
    return ServiceBackup(
        command=_words(section, "command"),
        restore=_words(section, "restore"),
        replaces=tuple(plain_text(item) for item in section.items("replaces")),
        span=section.node.span,
    )


def bind_volume_backup(fields: Fields) -> VolumeBackup | None:
    """`volumes.*.backup`; None where there is none."""
    section = fields.mapping("backup")
    if section is None:
        return None
    section.only("enabled", "consistency")
    consistency = section.choice("consistency", _CONSISTENCIES) or "pause"
    return VolumeBackup(section.boolean("enabled") is not False, cast("Consistency", consistency))


def bind_backup(root: Node, directory: str, problems: Problems) -> BackupPolicy:
    """The environment's `backup`; folders are absolute, from `directory`."""
    section = Fields(root, "", problems).mapping("backup")
    if section is None:
        return BackupPolicy()
    section.only("to", "keep", "recipients", "before")
    return BackupPolicy(
        to=tuple(_place(plain_text(item), directory) for item in section.items("to")),
        keep=_keep(section.mapping("keep")),
        recipients=tuple(plain_text(item) for item in section.items("recipients")),
        before=tuple(cast("Risk", plain_text(item)) for item in section.items("before")),
    )


def _keep(section: Fields | None) -> Keep:
    if section is None:
        return Keep()
    section.only("last", "daily", "weekly", "monthly")
    return Keep(**{name: section.whole(name) or 0 for name in ("last", "daily", "weekly", "monthly")})


def _place(text: str, directory: str) -> str:
    """Where archives go, with a folder absolute."""
    if text.startswith("s3://"):
        return text.rstrip("/")
    return os.path.normpath(os.path.join(directory, os.path.expanduser(text)))  # noqa: PTH111, PTH118


def _words(section: Fields, key: str) -> tuple[str, ...]:
    """The words of a command, from a list or, as in Compose, from a line split like a shell does."""
    node = section.child(key)
    if node is None:
        return ()
    path = section.at(key)
    if node.is_sequence and node.items and not any(item.is_mapping or item.is_sequence for item in node.items):
        return tuple(plain_text(item) for item in node.items)
    if isinstance(node.value, str):
        try:
            words = tuple(shlex.split(node.value))
        except ValueError as error:
            section.problems.add(f"can not be split into words: {error}", node.span, path, "close the quotation")
            return ()
        if words:
            return words
    section.problems.expected("a command: a list of words or a line", node, path)
    return ()
