"""Findings in the forms that services read, for every command that has some."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.model.finding import Finding
    from provisioner.model.span import Span

# Where lines of a playbook are annotated.
ANNOTATIONS = ("github", "gitlab")
# The variables by which GitHub and GitLab say where the checkout is.
_CHECKOUTS = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")


def findings_output(findings: Sequence[Finding], form: str, title: str = "") -> str:
    """Findings as `json`, `github`, `gitlab`, `sarif` or `junit`, ending with a newline where there is anything.

    Services look for a file from the top of the repository, wherever the command was called.
    """
    if form != "json":
        findings = [_in_repository(finding) for finding in findings]
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


def _in_repository(finding: Finding) -> Finding:
    return replace(finding, span=in_repository(finding.span)) if finding.span else finding


def in_repository(span: Span) -> Span:
    """A place whose file is named from the top of the checkout, or from this folder where it is in none."""
    here = Path.cwd()
    checkouts = [Path(folder) for folder in map(os.environ.get, _CHECKOUTS) if folder]
    checkouts += [folder for folder in (here, *here.parents) if (folder / ".git").exists()]
    file = Path(os.path.normpath(here / span.file))
    top = next((folder for folder in checkouts if file.is_relative_to(folder)), here)
    return replace(span, file=file.relative_to(top).as_posix()) if file.is_relative_to(top) else span
