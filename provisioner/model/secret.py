"""Secret values, and what a tier answered when it was asked for one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn


class SecretValue:
    """Bytes that can not be printed, pickled, copied or turned into JSON by accident."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value

    def reveal(self) -> bytes:
        """The value itself; called only where it leaves for the engine, a store or a template."""
        return self._value

    def __repr__(self) -> str:
        return "(sensitive)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "(sensitive)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretValue) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret value can not be pickled or copied")


@dataclass(frozen=True, slots=True)
class Found:
    """A tier gave the value. `fingerprint` is keyed (HMAC-SHA-256, hex), `version` the tier's own."""

    value: SecretValue
    fingerprint: str
    tier: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """The engine holds it under `name`; it can be mounted, never read."""

    name: str
    tier: str = "docker"
    version: str = ""


@dataclass(frozen=True, slots=True)
class Missing:
    """No tier has it. `tried` says, in order, where it was looked for and what was found there."""

    tried: tuple[str, ...]


Resolution = Found | Held | Missing
