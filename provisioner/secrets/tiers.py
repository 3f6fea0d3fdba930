"""All tiers, found by scanning this folder for modules with a `SOURCE`: a new tier is one new file."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

from provisioner import secrets
from provisioner.secrets.tier_context import Tier, TierContext

if TYPE_CHECKING:
    from provisioner.ports import SecretSource


@cache
def all_tiers() -> tuple[Tier, ...]:
    """Every tier there is, by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(secrets.__path__) if module.name != "tiers")
    modules = (importlib.import_module(f"{secrets.__name__}.{name}") for name in names)
    sources = (getattr(module, "SOURCE", None) for module in modules)
    return tuple(sorted((tier for tier in sources if isinstance(tier, Tier)), key=lambda tier: tier.name))


def open_tiers(context: TierContext) -> tuple[SecretSource, ...]:
    """Every tier, opened; opening one asks nothing yet."""
    return tuple(tier.open(context) for tier in all_tiers())
