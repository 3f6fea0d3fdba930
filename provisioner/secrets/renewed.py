"""Tiers with new values in the place of those that `.env.local` has: a rotation is planned before it is kept."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from provisioner.model.dataclass import dataclass
from provisioner.model.secret import Found, Resolution, SecretRef, SecretValue
from provisioner.secrets.chain import LOCAL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioner.ports import SecretSource


@dataclass(frozen=True, slots=True)
class Renewed:
    """A source whose answers for some secrets are the new values."""

    source: SecretSource
    values: Mapping[str, SecretValue] = field(repr=False)

    @property
    def tier(self) -> str:
        return self.source.tier

    @property
    def remote(self) -> bool:
        return self.source.remote

    def fetch(self, refs: Sequence[SecretRef]) -> Mapping[SecretRef, Resolution]:
        others = [ref for ref in refs if ref.key not in self.values]
        answers = dict(self.source.fetch(others)) if others else {}
        return {ref: answers[ref] if ref in answers else self._new(ref) for ref in refs}

    def warnings(self) -> Sequence[str]:
        return self.source.warnings()

    def _new(self, ref: SecretRef) -> Resolution:
        return Found(self.values[ref.key], "", self.tier)


def renewed(sources: Sequence[SecretSource], values: Mapping[str, SecretValue]) -> tuple[SecretSource, ...]:
    """The sources, with `values` by secret in the place of what `.env.local` has."""
    return tuple(Renewed(source, values) if source.tier == LOCAL else source for source in sources)
