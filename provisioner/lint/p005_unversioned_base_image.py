"""P005: a Dockerfile that stands on an image without a version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.lint.images import reference
from provisioner.lint.rule import Rule, at
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.playbook import Playbook


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    for name, dockerfile in facts.dockerfiles.items():
        contexts = playbook.services[name].body.get("build", "additional_contexts")
        named = contexts.mapping if contexts is not None and contexts.is_mapping else {}
        for base, line in dockerfile.bases:
            if base in named:
                continue
            parts = reference(base)
            # What a build argument decides is not known here.
            if base == "scratch" or "$" in base or parts.digest:
                continue
            if parts.tag in ("", "latest"):
                yield at(
                    playbook.services[name],
                    "build",
                    message=f"its Dockerfile stands on '{base}' (line {line}), which names no version",
                )


RULE = Rule(
    id="P005",
    severity=Severity.WARNING,
    title="Base image without a version",
    reason="The same Dockerfile builds something else next month.",
    fix="name a version after FROM, such as FROM python:3.12-slim",
    check=check,
)
