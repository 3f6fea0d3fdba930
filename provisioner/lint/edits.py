"""What can be changed in a playbook's text so that a rule holds; what it is in characters is the business of fix.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from provisioner.model.span import Span


@dataclass(frozen=True, slots=True)
class Put:
    """`key: text` in the mapping at `path` of a file, in the place of an old value or beside the others."""

    file: str
    path: tuple[str, ...]
    key: str
    text: str


@dataclass(frozen=True, slots=True)
class Drop:
    """The entry or item at `path` of a file is gone, and what held nothing else."""

    file: str
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DropWaiver:
    """The waiver that stands at a place is gone."""

    span: Span


@dataclass(frozen=True, slots=True)
class Swap:
    """`new` for the one `old` in the text at a place."""

    span: Span
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Await:
    """`service` starts when `dependency` is in `condition`; the other dependencies stay as they are."""

    file: str
    service: str
    dependency: str
    condition: str


TextEdit = Put | Drop | DropWaiver | Swap | Await
