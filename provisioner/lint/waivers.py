"""Waivers take accepted findings away; one that takes nothing away is itself a finding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.document.findings import nearest
from provisioner.lint.rule import Match, Rule
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from provisioner.lint.rule import LintFacts
    from provisioner.model.finding import Finding
    from provisioner.model.playbook import Playbook, Waiver


def _after_the_others(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    """Nothing: whether a waiver is used shows only when all other rules are through."""
    return ()


UNUSED = Rule(
    id="P901",
    severity=Severity.WARNING,
    title="Waiver that waives nothing",
    reason="What it accepted is gone. Left in place, it would hide the same mistake when it is made again.",
    fix="remove it",
    check=_after_the_others,
)

UNKNOWN = Rule(
    id="P902",
    severity=Severity.ERROR,
    title="Waiver of a rule that does not exist",
    reason="It waives nothing, though somebody meant it to.",
    fix="name a rule that `provision lint` prints",
    check=_after_the_others,
)

RULES = (UNUSED, UNKNOWN)


def apply_waivers(findings: Sequence[Finding], playbook: Playbook, known: Collection[str]) -> list[Finding]:
    """The findings that are left, with one for each waiver that is of no use.

    Services that no active profile starts were not looked at: what may be about one of them is not judged.
    """
    waivers, inactive = playbook.waivers, playbook.inactive
    left = [finding for finding in findings if not any(_covers(waiver, finding) for waiver in waivers)]
    for index, waiver in enumerate(waivers):
        path = f"lint.ignore.{index}"
        if waiver.rule not in known:
            hint = nearest(waiver.rule, known) or UNKNOWN.fix
            left.append(UNKNOWN.finding(Match(f"no rule is named '{waiver.rule}'", waiver.span, path, fix=hint)))
        elif waiver.service in inactive or (waiver.service is None and inactive):
            continue
        elif not any(_covers(waiver, finding) for finding in findings):
            where = f" at service '{waiver.service}'" if waiver.service else ""
            left.append(UNUSED.finding(Match(f"{waiver.rule} finds nothing{where}", waiver.span, path)))
    return left


def _covers(waiver: Waiver, finding: Finding) -> bool:
    return waiver.rule == finding.rule and waiver.service in (None, finding.service)
