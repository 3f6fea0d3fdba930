"""Findings in the forms that services read, for every command that has some."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.model.finding import Finding

# Where lines of a playbook are annotated.
ANNOTATIONS = ("github", "gitlab")


def findings_output(findings: Sequence[Finding], form: str, title: str = "") -> str:
    """Findings as `json`, `github`, `gitlab`, `sarif` or `junit`, ending with a newline where there is anything."""
    match form:
        case "github":
            from provisioner.render.findings_github import findings_github

            return findings_github(findings)
        case "junit":
            from provisioner.render.junit import findings_junit

            return findings_junit(findings, title)
        case "gitlab":
            from provisioner.render.findings_gitlab import findings_gitlab

            document: object = findings_gitlab(findings)
        case "sarif":
            from provisioner.render.findings_sarif import findings_sarif

            document = findings_sarif(findings)
        case _:
            from provisioner.render.findings_json import findings_json

            document = findings_json(findings)
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
