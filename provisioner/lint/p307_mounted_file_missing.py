"""P307: a bind mount whose source is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.lint.bodies import mounts
from provisioner.lint.rule import Rule, at
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.playbook import Playbook


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    for service in playbook.services.values():
        for mount in mounts(service):
            if mount.kind == "bind" and mount.source in facts.modified and facts.modified[mount.source] is None:
                message = (
                    f"'{mount.source}' does not exist: the engine makes an empty folder of that name, owned by root"
                )
                yield at(service, "volumes", str(mount.index), message=message)


RULE = Rule(
    id="P307",
    severity=Severity.WARNING,
    title="Mounted file that does not exist",
    reason="A missing configuration file becomes an empty folder, and the service fails with a puzzling error.",
    fix="correct the path, or create the file",
    check=check,
)
