"""P503: production logs that grow until the disk is full."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.lint.bodies import text
from provisioner.lint.edits import Put
from provisioner.lint.rule import Rule, at, file_of, is_production
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.lint.edits import TextEdit
    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.playbook import Playbook, Service


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    if not is_production(playbook):
        return
    for service in playbook.services.values():
        driver = text(service.body.get("logging", "driver"))
        # Without a driver the daemon decides, and nobody here knows its options.
        if driver == "json-file" and service.body.get("logging", "options", "max-size") is None:
            message = "json-file without max-size keeps every line for ever"
            yield at(service, "logging", message=message, edits=_edits(service))


def _edits(service: Service) -> tuple[TextEdit, ...]:
    at = ("services", service.name, "logging")
    options = service.body.get("logging", "options")
    if options is None:
        return (Put(file_of(service, "logging"), at, "options", '{max-size: 10m, max-file: "3"}'),)
    file = file_of(service, "logging", "options")
    edits = [Put(file, (*at, "options"), "max-size", "10m")]
    if options.get("max-file") is None:
        edits.append(Put(file, (*at, "options"), "max-file", '"3"'))
    return tuple(edits)


RULE = Rule(
    id="P503",
    severity=Severity.WARNING,
    title="Logs without a limit in production",
    reason="A full disk stops everything on the host, databases first.",
    fix='set logging.options: {max-size: 10m, max-file: "3"}, or the driver local',
    check=check,
)
