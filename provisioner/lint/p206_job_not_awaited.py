"""P206: a service that starts while the one-shot it needs still runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.lint.edits import Await
from provisioner.lint.rule import Rule, at, file_of
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.playbook import Playbook


_COMPLETED = "service_completed_successfully"


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    for service in playbook.services.values():
        for dependency in service.depends_on:
            job = playbook.services[dependency.service]
            if job.job is not None and dependency.condition != _COMPLETED:
                message = f"it starts while '{job.name}' still runs, and also when '{job.name}' fails"
                edit = Await(file_of(service, "depends_on", job.name), service.name, job.name, _COMPLETED)
                yield at(service, "depends_on", job.name, message=message, edits=(edit,))


RULE = Rule(
    id="P206",
    severity=Severity.WARNING,
    title="One-shot whose end is not awaited",
    reason="A migration that has only started has not migrated anything.",
    fix="write depends_on with condition: service_completed_successfully",
    check=check,
)
