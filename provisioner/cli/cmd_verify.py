"""`provision verify`: the playbook's acceptance checks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from provisioner.cli.command import LOOK, Command
from provisioner.cli.completion import CHECK
from provisioner.cli.options import json_option, target_argument

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    ),
)
@target_argument
@click.option(
    "--check", "names", metavar="NAME", type=CHECK, multiple=True, help="Only the check of this name; repeatable."
)
@json_option
@click.pass_obj
def command(settings: Settings, target: str | None, names: tuple[str, ...], as_json: bool) -> int:
    """Run the checks that the playbook states under `verify`; exit 1 when one of them does not hold."""
    plays = settings.plays(target)
    from provisioner.app.verify import verify
    from provisioner.render.checks_json import checks_json
    from provisioner.render.checks_text import checks_text

    out = settings.out()

    def code(checks: Sequence[CheckResult]) -> int:
        return 0 if all(check.ok for check in checks) else 1

    if plays is not None:
        from provisioner.app.play_checks import names_of, with_checks
        from provisioner.cli.plays import look_at_plays

        known = names_of(plays)
        return look_at_plays(
            settings,
            with_checks(plays, known, names),
            lambda play: verify(play.request, [name for name in names if name in known[play.name]]),
            text=lambda checks: checks_text(checks, paint=out.paint),
            document=checks_json if as_json else None,
            code=code,
        )
    checks = verify(settings.request(target), names)
    if as_json:
        out.write(json.dumps(checks_json(checks), indent=2, ensure_ascii=False) + "\n")
    else:
        out.write(checks_text(checks, paint=out.paint))
    return code(checks)
