"""Apply every rule to a playbook, and the playbook's waivers to what they find."""

from __future__ import annotations

import pkgutil
import re
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

import provisioner.lint
from provisioner.lint.rule import LintFacts, Rule
from provisioner.lint.waivers import RULES as WAIVER_RULES
from provisioner.lint.waivers import apply_waivers

if TYPE_CHECKING:
    from provisioner.model.finding import Finding
    from provisioner.model.playbook import Playbook

_MODULE = re.compile(r"p[0-9]{3}_[a-z0-9_]+")


@cache
def rules() -> tuple[Rule, ...]:
    """Every rule, in the order of their ids."""
    names = (module.name for module in pkgutil.iter_modules(provisioner.lint.__path__))
    modules = [import_module(f"provisioner.lint.{name}") for name in names if _MODULE.fullmatch(name)]
    return tuple(sorted((*(module.RULE for module in modules), *WAIVER_RULES), key=lambda rule: rule.id))


def lint(playbook: Playbook, facts: LintFacts | None = None) -> tuple[Finding, ...]:
    """The findings that no waiver covers, in the order of their places. Without facts, the playbook alone is judged."""
    known = facts or LintFacts()
    findings = [rule.finding(match) for rule in rules() for match in rule.check(playbook, known)]
    remaining = apply_waivers(findings, playbook, {rule.id for rule in rules()})
    return tuple(sorted(set(remaining), key=lambda finding: finding.sort_key))
