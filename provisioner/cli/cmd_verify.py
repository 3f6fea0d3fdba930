"""`provision verify`: the playbook's acceptance checks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from provisioner.cli.command import LOOK, Command
from provisioner.cli.completion import CHECK
from provisioner.cli.formats import ANNOTATIONS, findings_output, in_repository
from provisioner.cli.options import json_option, target_argument
from provisioner.errors import ProvisionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioner.app.plays import PlayList
    from provisioner.cli.settings import Settings
    from provisioner.model.verification import CheckResult


@click.command(
    "verify",
    cls=Command,
    purpose=LOOK,
    short_help="Run the playbook's checks.",
    examples=(
        ("provision verify telecom/dev", "all checks of the verify section"),
        ("provision verify telecom/dev --check 'events arrive'", "one of them"),
        ("provision verify prod --format junit > verify.xml", "for a CI service"),
    ),
)
@target_argument
@click.option(
    "--check", "names", metavar="NAME", type=CHECK, multiple=True, help="Only the check of this name; repeatable."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "junit", *ANNOTATIONS]),
    default="text",
    show_default=True,
    help="How results are written: junit for every CI service; github, gitlab as annotations.",
)
@json_option
@click.pass_obj
def command(settings: Settings, target: str | None, names: tuple[str, ...], form: str, as_json: bool) -> int:
    """Run the checks that the playbook states under `verify`; exit 1 when one of them does not hold."""
    plays = settings.plays(target)
    from provisioner.app.verify import verify

    form = "json" if as_json else form
    if form in ("junit", *ANNOTATIONS):
        return _for_services(settings, target, plays, names, form)
    from provisioner.render.checks_json import checks_json
    from provisioner.render.checks_text import checks_text

    out = settings.out()
    if plays is not None:
        from provisioner.cli.look import look_at_plays

        known, meant = _meant(plays, names)
        return look_at_plays(
            settings,
            meant,
            lambda play: verify(play.request, [name for name in names if name in known[play.name]]),
            text=lambda checks: checks_text(checks, paint=out.paint),
            document=checks_json if form == "json" else None,
            code=_code,
        )
    checks = verify(settings.request(target), names)
    if form == "json":
        out.write_json(checks_json(checks))
    else:
        out.write_folded(checks_text(checks, paint=out.paint))
    return _code(checks)


def _code(checks: Sequence[CheckResult]) -> int:
    return 0 if all(check.ok for check in checks) else 1


def _placed(check: CheckResult) -> CheckResult:
    return replace(check, span=in_repository(check.span)) if check.span else check


def _meant(plays: PlayList, names: Sequence[str]) -> tuple[Mapping[str, Sequence[str]], PlayList]:
    """The names of each play's checks, and the plays that have one of those that are meant."""
    from provisioner.app.play_checks import names_of, with_checks

    known = names_of(plays)
    return known, with_checks(plays, known, names)


def _for_services(
    settings: Settings, target: str | None, plays: PlayList | None, names: Sequence[str], form: str
) -> int:
    """Write the results as a CI service reads them. A play whose checks can not run counts as one that failed."""
    from provisioner.app.verify import verify
    from provisioner.model.verification import CheckResult

    codes, suites = [0], []
    if plays is None:
        from provisioner.app.play_checks import name_of

        request = settings.request(target)
        suites.append((name_of(request), verify(request, names)))
    else:
        known, meant = _meant(plays, names)
        for play in meant.plays:
            try:
                checks = verify(play.request, [name for name in names if name in known[play.name]])
            except ProvisionError as error:
                codes.append(error.exit_code)
                checks = (CheckResult("can be verified", False, error.message, 0.0, 0, play.span),)
            suites.append((play.name, checks))
    codes += [_code(checks) for _, checks in suites]
    if form == "junit":
        from provisioner.render.junit import checks_junit

        text = checks_junit([(name, [_placed(check) for check in checks]) for name, checks in suites])
    else:
        from provisioner.render.plan_findings import findings_of_checks

        text = findings_output(findings_of_checks(check for _, checks in suites for check in checks), form)
    settings.out().write(text)
    return next((code for code in codes if code), 0)
