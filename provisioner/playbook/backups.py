"""Bind what a playbook says of backups: of a service's dump, of a volume, of the whole environment."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, cast

from provisioner.model.backup import BackupPolicy, Keep, ServiceBackup, VolumeBackup
from provisioner.playbook.fields import count_of, flag_of, text_of, texts_of

if TYPE_CHECKING:
    from provisioner.model.backup import Consistency, Risk
    from provisioner.model.node import Node

# How repositories of restic begin that are not on this machine: sftp:, s3:, rest:https://…
_ELSEWHERE = re.compile(r"[a-z0-9]+:")


def bind_service_backup(body: Node) -> ServiceBackup | None:
    """`services.*.backup`; None where there is none."""
    section = body.get("backup")
    if section is None:
        return None
    return ServiceBackup(
        command=texts_of(section, "command"),
        restore=texts_of(section, "restore"),
        replaces=texts_of(section, "replaces"),
        span=section.span,
        mask=texts_of(section, "mask"),
    )


def bind_volume_backup(body: Node) -> VolumeBackup | None:
    """`volumes.*.backup`; None where there is none."""
    section = body.get("backup")
    if section is None:
        return None
    consistency = text_of(section, "consistency") or "pause"
    return VolumeBackup(flag_of(section, "enabled") is not False, cast("Consistency", consistency))


def bind_backup(root: Node, directory: str) -> BackupPolicy:
    """The environment's `backup`; folders are absolute, from `directory`."""
    section = root.get("backup")
    return BackupPolicy(
        to=tuple(_place(text, directory) for text in texts_of(section, "to")),
        keep=Keep(**{name: count_of(section, "keep", name) or 0 for name in ("last", "daily", "weekly", "monthly")}),
        recipients=texts_of(section, "recipients"),
        before=cast("tuple[Risk, ...]", texts_of(section, "before")),
    )


def _place(text: str, directory: str) -> str:
    """Where archives go, with a folder absolute."""
    if text.startswith("s3://"):
        return text.rstrip("/")
    prefix, repository = ("restic:", text.removeprefix("restic:")) if text.startswith("restic:") else ("", text)
    if prefix and (not repository or _ELSEWHERE.match(repository)):
        return text
    return prefix + os.path.normpath(os.path.join(directory, os.path.expanduser(repository)))  # noqa: PTH111, PTH118
