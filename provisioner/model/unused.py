"""What the files declare and an apply does not make: here, so that reading a document loads no more of the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from provisioner.model.span import Span


@dataclass(frozen=True, slots=True)
class Undeployed:
    """What the files declare and an apply does not make: nothing uses it, or only services of inactive profiles do.

    `name` is its name on the engine, empty for a service. `profiles` are those that would start a service.
    """

    section: str
    key: str
    name: str
    span: Span
    external: bool = False
    protect: bool = False
    unprotect: bool = False
    profiles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unused:
    """A declared object that no service names, also none of an inactive profile; it is not made."""

    section: str
    key: str
    span: Span
