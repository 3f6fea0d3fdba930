"""Secret values, the declaration of a secret, and what a tier answered when it was asked for one.

A value can be revealed, never printed. Knows nothing of where values come from.
"""

from __future__ import annotations

import re
from dataclasses import field
from typing import TYPE_CHECKING, Literal, NoReturn

from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from provisioner.model.span import Span

# Swarm takes 1 to 511,999 bytes; the same bounds hold on a plain engine, so that a playbook works on both.
LARGEST_SECRET = 500 * 1024 - 1

# A secret within the template of another.
REFERENCE = re.compile(r"\$\{secret:(?P<name>[^}]*)\}")

Charset = Literal["alphanumeric", "hex", "base64url"]


class SecretValue:
    """Bytes that can not be printed, pickled, copied or turned into JSON by accident."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value

    def reveal(self) -> bytes:
        """The value itself; called only where it leaves for the engine, a store or a template."""
        return self._value

    @property
    def size(self) -> int:
        """Bytes, which a message may name."""
        return len(self._value)

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

    def __getstate__(self) -> NoReturn:
        raise TypeError("a secret value can not be pickled or copied")


@dataclass(frozen=True, slots=True)
class Generate:
    """Make the value when no tier has it: `length` characters of the set."""

    length: int = 32
    charset: Charset = "alphanumeric"


@dataclass(frozen=True, slots=True)
class SecretRef:
    """One declared secret and where it may come from.

    `key` is its name in the playbook, `names` the exact names it may have as a Docker secret, `env` its name in
    `.env.local`, `aws` an id or ARN with an optional `?stage=` or `?version=` and `#` JSON key.
    `sources` are the tiers it may come from, in order; `forbidden` the ones the playbook leaves out on purpose.
    `asks_aws` is true when the playbook itself names AWS, so that an AWS that is not set up is an error.
    `template`, `file` (an absolute path) and `environment` (a variable's name) are set for those forms.
    """

    key: str
    names: tuple[str, ...]
    env: str
    aws: str
    sources: tuple[str, ...]
    forbidden: tuple[str, ...] = ()
    asks_aws: bool = False
    generate: Generate | None = None
    template: str | None = None
    file: str | None = None
    environment: str | None = None
    external: bool = False
    allow_env: bool = False
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A tier gave the value. `version` is the tier's own, `created` its time (Unix seconds) where the tier tells, and
    `place` where in the tier it lies, such as a file's name, for people.

    `fingerprint` is keyed (HMAC-SHA-256) and empty when there is no key: then it can not be compared.
    """

    value: SecretValue
    fingerprint: str
    tier: str
    version: str = ""
    created: float | None = None
    place: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Held:
    """The engine holds it under `name`; it can be mounted, never read."""

    name: str
    tier: str = "docker"
    version: str = ""
    created: float | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """No tier has it. `tried` says, in order, where it was looked for and what was found there, `remedies` what would
    put it there, the likeliest first.
    """

    tried: tuple[str, ...]
    remedies: tuple[str, ...] = field(default=(), compare=False)


Resolution = Found | Held | Missing
