"""What one generated test of a field needs: a value, another value, and what is left when the key is removed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Body = dict[str, Any]
Version = tuple[int, int]


@dataclass(frozen=True)
class Sample:
    """One way in which a field can differ.

    `field` is the key of the field's row; `first` and `second` set it differently, `rest` is what the service (network,
    volume) has beside it in every state. `second` None: there is no other value than the one whose removal says the
    same (a flag). `changed` and `removed` are the paths of the differences where they are not just one below `field`.
    `top` are top-level keys of the playbook that it needs. `since` is the first API version that has it. `untried` says
    why no engine here can be asked to do it: then only the pure half is tested.
    """

    name: str
    field: str
    first: Body
    second: Body | None = None
    rest: Body = field(default_factory=dict)
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    top: Body = field(default_factory=dict)
    since: Version = (1, 41)
    untried: str = ""

    @property
    def states(self) -> tuple[Body, Body, Body]:
        """What is declared first, after the change, and after the removal."""
        return {**self.rest, **self.first}, {**self.rest, **(self.second or self.first)}, self.rest
