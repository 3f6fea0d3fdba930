"""P306: production runs code from a folder of the host instead of the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.lint.bodies import mounts, text
from provisioner.lint.rule import Rule, at, is_production
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.playbook import Playbook


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    if not is_production(playbook):
        return
    for service in playbook.services.values():
        context = text(service.body.get("build", "context")).rstrip("/")
        for mount in mounts(service):
            if context.startswith("/") and mount.kind == "bind" and _holds_code(mount.source.rstrip("/"), context):
                message = f"'{mount.source}' on the host hides what the image has in {mount.target}"
                yield at(service, "volumes", str(mount.index), message=message)


def _holds_code(source: str, context: str) -> bool:
    """The build context itself, what is above it, or a folder of it; single files are configuration."""
    if source == context or context.startswith(source + "/"):
        return True
    return source.startswith(context + "/") and "." not in source.rpartition("/")[2].lstrip(".")


RULE = Rule(
    id="P306",
    severity=Severity.WARNING,
    title="Source code mounted in production",
    reason="What runs is what lies on that host now, not the image that was tested. A rollback does not bring it back.",
    fix="leave the mount to the development overlay (volumes: !override [] in production)",
    check=check,
)
