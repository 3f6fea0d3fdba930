"""`provision history`: what was applied, when, by whom."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from provisioner.cli.command import LOOK, Command
from provisioner.cli.options import json_option, target_argument

if TYPE_CHECKING:
    from provisioner.cli.settings import Settings


@click.command(
    "history",
    cls=Command,
    purpose=LOOK,
    short_help="Revisions that were applied: when, by whom, what changed.",
    examples=(
        ("provision history telecom/dev", "the revisions that the engine keeps, the newest first"),
        ("provision show 3", "every field that revision 3 changed"),
        ("provision rollback 3", "apply it again"),
    ),
    see="The engine itself keeps the last 20 revisions: the playbook as it was applied, versions of configs, secrets "
    "and builds, never a secret's value.",
)
@target_argument
@click.option("-n", "--lines", "most", type=click.IntRange(min=1), metavar="N", help="Only the last N.")
@json_option
@click.pass_obj
def command(settings: Settings, target: str | None, most: int | None, as_json: bool) -> int:
    """Show what was applied to this environment: each revision with what it changed against the one before."""
    request = settings.request(target)
    from provisioner.app.history import history

    found = history(request)
    entries = found.entries[:most]
    out = settings.out()
    if as_json:
        from provisioner.render.history_json import history_json

        out.write(json.dumps(history_json(found.title, entries), indent=2, ensure_ascii=False) + "\n")
    else:
        from provisioner.render.history_text import history_text

        out.write(history_text(found.title, entries, paint=out.paint))
    return 0
