"""Under which name what is copied arrives: the rules of `docker cp`, for both directions. Pure.

A source that ends with `/.` means what is in a folder; a target that is a folder is copied into; one that is not there
is the new name.
"""

from __future__ import annotations

import posixpath

from provisioner.errors import ProvisionError
from provisioner.model.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Source:
    """What is copied. `rebased` is the name it keeps where a link was followed to another one."""

    path: str
    is_folder: bool
    rebased: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """Where it goes, after links."""

    path: str
    exists: bool
    is_folder: bool


@dataclass(frozen=True, slots=True)
class Arrival:
    """The folder in which an archive is unpacked, and how its first name is changed; equal names change nothing."""

    folder: str
    before: str = ""
    after: str = ""

    def name(self, member: str) -> str:
        """The name of a member of the archive, or of what a hard link in it leads to."""
        if self.before == self.after:
            return member
        if member == self.before or member.startswith(f"{self.before}/"):
            return self.after + member[len(self.before) :]
        return f"{self.after}/{member}" if self.before == "." else member


def split(path: str) -> tuple[str, str]:
    """Folder and name; the name is `.` where the path means what is in a folder."""
    cleaned = posixpath.normpath(path)
    if path in (".", "") or path.endswith("/."):
        return cleaned, "."
    return posixpath.split(cleaned)


def arrival(source: Source, target: Target) -> Arrival:
    """ProvisionError where a folder would take the place of a file, or a folder that is named is not there."""
    name = source.rebased or split(source.path)[1]
    folder, wanted = split(target.path)
    if target.exists and target.is_folder:
        return Arrival(target.path, split(source.path)[1], name) if source.rebased else Arrival(target.path)
    if target.exists and source.is_folder:
        raise ProvisionError(f"{source.path} is a folder, and {target.path} is a file: it can not be copied there")
    if not target.exists and not source.is_folder and target.path.endswith(("/", "/.")):
        hint = "leave the slash at its end out, or make it first"
        raise ProvisionError(f"there is no folder {target.path}", hint=hint)
    return Arrival(folder, split(source.path)[1], wanted)
