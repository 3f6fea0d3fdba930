"""The user's name for a declared object; the key of every mapping between rooms."""

from __future__ import annotations

import re

from provisioner.model.dataclass import dataclass

# Keys of services, networks and volumes may begin with any of these, as in Compose.
_FORM = re.compile(r"(?P<kind>[a-z]+)\.(?P<name>[A-Za-z0-9_.-]+?)(?:\[(?P<index>[0-9]+)\])?")
_NAME = re.compile(r"(?P<name>[A-Za-z0-9_][A-Za-z0-9_-]*)(?:\[(?P<index>[0-9]+)\])?")


@dataclass(frozen=True, slots=True)
class Address:
    """`service.api`, or `service.api[2]` for one replica (counted from 1). Without a kind: the only object `api`."""

    kind: str
    name: str
    index: int = 0

    def __str__(self) -> str:
        name = f"{self.kind}.{self.name}" if self.kind else self.name
        return f"{name}[{self.index}]" if self.index else name

    def __lt__(self, other: Address) -> bool:
        return (self.kind, self.name, self.index) < (other.kind, other.name, other.index)

    @property
    def whole(self) -> Address:
        """The address without its replica index."""
        return Address(self.kind, self.name)

    @property
    def listed(self) -> str:
        """`secrets/x` for `secret.x`: how records on the engine and JSON for programs name a config or secret."""
        return f"{self.kind}s/{self.name}"

    @classmethod
    def from_listed(cls, text: str) -> Address:
        """The address that `listed` wrote."""
        kind, _, name = text.partition("/")
        return cls(kind.removesuffix("s"), name)

    @classmethod
    def parse(cls, text: str) -> Address | None:
        """The address that `text` spells, or None."""
        match = _FORM.fullmatch(text)
        return cls(match["kind"], match["name"], int(match["index"] or 0)) if match else None

    @classmethod
    def parse_name(cls, text: str) -> Address | None:
        """`api` or `api[2]` as an address without a kind, or None."""
        match = _NAME.fullmatch(text)
        return cls("", match["name"], int(match["index"] or 0)) if match else None
