"""Compose's own form `environment: NAME`, as a tier of its own: a variable of the process, byte for byte."""

from __future__ import annotations

import os
from dataclasses import field
from typing import TYPE_CHECKING

from provisioner.model.dataclass import dataclass
from provisioner.model.secret import Found, Missing, Resolution, SecretRef, SecretValue
from provisioner.secrets.tier_context import Tier

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(slots=True)
class EnvironmentForm:
    """The variables by name; an unset one is `Missing`."""

    variables: Mapping[str, str] = field(repr=False)
    tier: str = field(default="environment", init=False)
    remote: bool = field(default=False, init=False)

    def fetch(self, refs: Sequence[SecretRef]) -> Mapping[SecretRef, Resolution]:
        return {ref: self._value(ref.environment or "") for ref in refs}

    def warnings(self) -> Sequence[str]:
        return ()

    def _value(self, name: str) -> Resolution:
        if name not in self.variables:
            return Missing((f"environment: {name} is not set",))
        # Python decodes what is not UTF-8 so that this gives the very bytes back.
        return Found(SecretValue(os.fsencode(self.variables[name])), "", self.tier)


SOURCE = Tier("environment", lambda context: EnvironmentForm(context.variables))
