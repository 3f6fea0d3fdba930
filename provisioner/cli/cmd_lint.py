"""`provision lint`: common mistakes in a playbook."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provisioner.cli.command import WRITE, Command
from provisioner.cli.options import json_option, target_argument
from provisioner.errors import PlaybookInvalid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.app.lint import FixResult
    from provisioner.app.plays import PlayList
    from provisioner.app.request import Request
    from provisioner.cli.settings import Settings
    from provisioner.cli.streams import Stream
    from provisioner.model.finding import Finding


@click.command(
    "lint",
    cls=Command,
    purpose=WRITE,
    short_help="Find common mistakes, with their position and how to mend them.",
    examples=(
        ("provision lint telecom/dev", "for people"),
        ("provision lint telecom/dev --fix", "mend what can be mended safely, in the files"),
        ("provision lint --format github", "annotations in GitHub Actions"),
        ("provision lint --format sarif > lint.sarif", "for code scanning"),
        ("provision lint --format junit > lint.xml", "for every CI service"),
    ),
)
@target_argument
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github", "gitlab", "sarif", "junit"]),
    default="text",
    show_default=True,
    help="How findings are written.",
)
@click.option("--fix", is_flag=True, help="Mend what can be mended safely, in the files; comments stay.")
@json_option
@click.pass_obj
def command(settings: Settings, target: str | None, form: str, fix: bool, as_json: bool) -> int:
    """Find common mistakes in a playbook; exit 1 when one of them is an error. No engine is needed.

    A finding that is accepted is waived in the playbook, with a reason: lint: {ignore: [{rule, service, reason}]}.
    """
    plays = settings.plays(target)
    from provisioner.model.finding import Severity

    out = settings.out()
    form = "json" if as_json else form
    request = settings.request(target) if plays is None else None
    title = plays.title if plays is not None else target or ":".join(request.files if request else ())
    try:
        if plays is not None:
            findings = _findings_of_plays(settings, plays, fix=fix)
        else:
            findings = _findings(settings, request or settings.request(target), fix=fix)
    except PlaybookInvalid as error:
        if form != "text":
            from provisioner.app.lint import invalid

            out.write(_shown(invalid(error), form, out, title))
        raise
    out.write(_shown(findings, form, out, title))
    return 1 if any(finding.severity is Severity.ERROR for finding in findings) else 0


def _findings(settings: Settings, request: Request, *, fix: bool) -> Sequence[Finding]:
    """What is found, with `fix` after the mending."""
    if fix:
        from provisioner.app.lint import fix as fix_files

        fixed = fix_files(request)
        settings.err().write(_fix_summary(fixed))
        return fixed.findings
    from provisioner.app.lint import lint

    return lint(request)


def _findings_of_plays(settings: Settings, plays: PlayList, *, fix: bool) -> Sequence[Finding]:
    """What is found in all plays of a list, with `fix` after the mending."""
    from provisioner.app.lint_plays import fix_plays, lint_plays

    if fix:
        summaries = [_fix_summary(fixed) for fixed in fix_plays(plays) if fixed.done or fixed.left]
        settings.err().write("".join(summaries) or "nothing that can be fixed\n")
    return lint_plays(plays)


def _fix_summary(fixed: FixResult) -> str:
    lines = [f"fixed: {finding.span}: {finding.rule} {finding.path}: {finding.message}" for finding in fixed.done]
    lines += [f"not fixed: {finding.span}: {finding.rule} {finding.path}: {why}" for finding, why in fixed.left]
    lines += [f"wrote {file}" for file in fixed.files]
    return "".join(f"{line}\n" for line in lines or ["nothing that can be fixed"])


def _shown(findings: Sequence[Finding], form: str, out: Stream, title: str) -> str:
    if form != "text":
        from provisioner.cli.formats import findings_output

        return findings_output(findings, form, title)
    from provisioner.render.findings_text import findings_text

    return findings_text(findings, paint=out.paint)
