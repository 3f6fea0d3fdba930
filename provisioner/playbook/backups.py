"""Bind what a playbook says of backups: of a service's dump, of a volume, of the whole environment."""

from __future__ import annotations

import os
import re
import shlex
from typing import TYPE_CHECKING, cast

from provisioner.document.findings import nearest
from provisioner.model.backup import RISKS, BackupPolicy, Keep, ServiceBackup, VolumeBackup
from provisioner.playbook.fields import Fields, Problems, plain_text

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from provisioner.model.backup import Consistency, Risk
    from provisioner.model.node import Node
    from provisioner.model.playbook import Service

_CONSISTENCIES = ("pause", "stop", "none")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):")
_S3 = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^?#]*)?")
_RECIPIENT = re.compile(r"age1[a-z0-9]{58}")


def bind_service_backup(fields: Fields) -> ServiceBackup | None:
    """`services.*.backup`; None where there is none, or where it does not say how to dump."""
    section = fields.mapping("backup")
    if section is None:
        return None
    section.only("command", "restore", "replaces", "mask")
    if section.child("command") is None:
        section.problems.add("has no 'command'", section.node.span, section.path, "say what dumps the data to stdout")
        return None
    if (mask := section.child("mask")) is not None:
        section.problems.add(
            "nothing runs this yet: there is no `provision clone`", mask.span, section.at("mask"), "leave it out"
        )
    return ServiceBackup(
        command=_words(section, "command"),
        restore=_words(section, "restore"),
        replaces=tuple(plain_text(item) for item in section.items("replaces")),
        mask=_words(section, "mask"),
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
    places = tuple(
        place for index, item in enumerate(section.items("to")) if (place := _place(item, index, directory, problems))
    )
    before = tuple(cast("Risk", plain_text(item)) for item in section.items("before"))
    for index, item in enumerate(section.items("before")):
        if plain_text(item) not in RISKS:
            problems.expected(" | ".join(RISKS), item, f"backup.before.{index}")
    if (node := section.child("before")) is not None:
        problems.add(
            "no snapshot is taken before an apply yet", node.span, "backup.before",
            "leave it out, and run `provision backup` before the apply",
        )  # fmt: skip
    recipients = tuple(plain_text(item) for item in section.items("recipients"))
    for index, item in enumerate(section.items("recipients")):
        if not _RECIPIENT.fullmatch(plain_text(item)):
            hint = "age-keygen prints it as «Public key»; the secret key stays where you restore"
            problems.add("expected a public age key (age1…)", item.span, f"backup.recipients.{index}", hint)
    if not places:
        problems.add("has no 'to'", section.node.span, "backup", "name a folder, or s3://BUCKET/PREFIX")
    keep = section.mapping("keep")
    return BackupPolicy(places, _keep(keep), recipients, before)


def require_volumes(services: Mapping[str, Service], volumes: Collection[str], problems: Problems) -> None:
    """A problem for every volume that a dump stands for and that nobody declares."""
    for service in services.values():
        for key in service.backup.replaces if service.backup else ():
            if key not in volumes:
                path = f"services.{service.name}.backup.replaces"
                span = service.backup.span if service.backup else None
                problems.add(f"no volume is declared as '{key}'", span, path, nearest(key, volumes))


def _keep(section: Fields | None) -> Keep:
    if section is None:
        return Keep()
    section.only("last", "daily", "weekly", "monthly")
    return Keep(**{name: section.whole(name) or 0 for name in ("last", "daily", "weekly", "monthly")})


def _place(item: Node, index: int, directory: str, problems: Problems) -> str:
    """Where archives go, with a folder absolute; empty where nobody can write there."""
    text, path = plain_text(item), f"backup.to.{index}"
    scheme = _SCHEME.match(text)
    if not text:
        problems.expected("a folder, or s3://BUCKET/PREFIX", item, path)
        return ""
    if scheme is None:
        return os.path.normpath(os.path.join(directory, os.path.expanduser(text)))  # noqa: PTH111, PTH118
    if scheme[1] == "s3":
        if _S3.fullmatch(text):
            return text.rstrip("/")
        problems.add(
            "expected s3://BUCKET/PREFIX", item.span, path, "a bucket's name has small letters, digits, . and -"
        )
        return ""
    problems.add(
        f"archives can not be written to '{scheme[1]}:'", item.span, path, "name a folder, or s3://BUCKET/PREFIX"
    )
    return ""


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
