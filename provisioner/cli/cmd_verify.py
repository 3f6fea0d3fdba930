"""`provision verify`: the playbook's acceptance checks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from provisioner.cli.command import LOOK, Command
from provisioner.cli.options import json_option, target_argument

if TYPE_CHECKING:
    from provisioner.cli.settings import Settings


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
@click.option("--check", "names", metavar="NAME", multiple=True, help="Only the check of this name; repeatable.")
@json_option
@click.pass_obj
def command(settings: Settings, target: str | None, names: tuple[str, ...], as_json: bool) -> int:
    """Run the checks that the playbook states under `verify`; exit 1 when one of them does not hold."""
    request = settings.request(target)
    from provisioner.app.verify import verify

    checks = verify(request, names)
    out = settings.out()
    if as_json:
        from provisioner.render.checks_json import checks_json

        out.write(json.dumps(checks_json(checks), indent=2, ensure_ascii=False) + "\n")
    else:
        from provisioner.render.checks_text import checks_text

        out.write(checks_text(checks, paint=out.paint))
    return 0 if all(check.ok for check in checks) else 1
