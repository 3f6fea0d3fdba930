"""The variables that `${…}` sees: tiers in order of precedence, where each value came from, and where it was used."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from provisioner.document.sources import VariableUse
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from provisioner.model.span import Span

COMMAND_LINE, SHELL, DEFAULT, UNSET = "command line", "shell", "default", "unset"


@dataclass(frozen=True, slots=True)
class Variable:
    """A value and its origin, such as "env file .env:3"."""

    value: str
    origin: str


Tier = dict[str, Variable]


def tier(values: Mapping[str, str], origin: str) -> Tier:
    """A tier whose values all come from one place."""
    return {name: Variable(value, origin) for name, value in values.items()}


@dataclass(slots=True)
class Uses:
    """Which variables were used where, over all files."""

    at: dict[str, dict[Span, None]] = field(default_factory=dict)
    candidates: dict[str, tuple[Variable, ...]] = field(default_factory=dict)
    defaulted: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Scope:
    """Tiers, best first. An included file has a scope of its own: its includer's, and its own env file below that."""

    tiers: tuple[Tier, ...]

    def below(self, *more: Tier) -> Scope:
        """This scope with tiers of lower precedence."""
        return Scope((*self.tiers, *more))

    def candidates(self, name: str) -> tuple[Variable, ...]:
        """Every value of `name`, the one that holds first."""
        return tuple(tier[name] for tier in self.tiers if name in tier)

    def value(self, name: str) -> str | None:
        for tier in self.tiers:
            if name in tier:
                return tier[name].value
        return None


def report(uses: Uses, declared: Iterable[tuple[str, tuple[Variable, ...]]]) -> tuple[VariableUse, ...]:
    """What `config --explain` tells of each variable, sorted by name: the used ones, and the declared ones."""
    by_name = dict(declared) | uses.candidates
    used = []
    for name in sorted(by_name.keys() | uses.at.keys()):
        candidates = by_name.get(name, ())
        spans = tuple(uses.at.get(name, ()))
        if candidates:
            best, *rest = candidates
            used.append(VariableUse(name, best.value, best.origin, tuple(item.origin for item in rest), spans))
        else:
            used.append(VariableUse(name, None, DEFAULT if name in uses.defaulted else UNSET, (), spans))
    return tuple(used)
