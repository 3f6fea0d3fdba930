"""P204: a health check with a program that the image does not bring."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from provisioner.lint.bodies import health_test
from provisioner.lint.images import reference
from provisioner.lint.rule import Rule, at
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.playbook import Playbook, Service

# Official images whose small variants bring neither, unless a Dockerfile adds them.
_WITHOUT_CURL = ("-slim", "-alpine", "alpine", "slim", "distroless")


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    for service in playbook.services.values():
        tools = {"curl", "wget"} & set(re.findall(r"\b(curl|wget)\b", " ".join(health_test(service))))
        for tool in sorted(tools):
            base = _base_without(service, tool, facts)
            if base:
                message = f"it calls {tool}, which '{base}' does not bring"
                yield at(service, "healthcheck", "test", message=message)


def _base_without(service: Service, tool: str, facts: LintFacts) -> str:
    """The small image that lacks the tool; empty where it may be there."""
    if service.builds:
        dockerfile = facts.dockerfiles.get(service.name)
        if dockerfile is None or re.search(rf"\b{tool}\b", dockerfile.runs) or not dockerfile.bases:
            return ""
        base = dockerfile.bases[-1][0]
    else:
        base = service.image
    parts = reference(base)
    small = parts.tag.endswith(_WITHOUT_CURL) or re.search(r"-alpine[0-9.]+$", parts.tag) is not None
    busybox = "alpine" in parts.tag or parts.name in ("busybox", "alpine")
    lacks = small and not (tool == "wget" and busybox)
    # These add curl to their small variants.
    return base if lacks and parts.name not in ("nginx", "httpd", "php", "traefik") else ""


RULE = Rule(
    id="P204",
    severity=Severity.WARNING,
    title="Health check with a missing program",
    reason="The check fails because its program is not there, and a healthy service never becomes healthy.",
    fix="use what the image has (python -c with urllib, busybox wget), or add the program in the Dockerfile",
    check=check,
)
