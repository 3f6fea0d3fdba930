"""P801: what is well formed and can not be carried out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.lint.rule import Match, Rule
from provisioner.model.finding import Severity
from provisioner.playbook.crossref import contradictions, mode_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.lint.rule import LintFacts
    from provisioner.model.playbook import Playbook


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    for problem in contradictions(playbook, mode_of(playbook)):
        section, _, rest = problem.path.partition(".")
        service = rest.partition(".")[0] if section == "services" else ""
        yield Match(problem.message, problem.span, problem.path, service, problem.hint or "")


RULE = Rule(
    id="P801",
    severity=Severity.ERROR,
    title="What can not be carried out",
    reason="Plan and apply refuse it, unless `--target` leaves it out.",
    fix="change one of the two",
    check=check,
)
