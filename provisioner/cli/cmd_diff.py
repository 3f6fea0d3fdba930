"""`provision diff N M`: what one revision declares otherwise than another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provisioner.cli.command import LOOK, Command
from provisioner.cli.completion import REVISION, TARGET, words
from provisioner.cli.options import json_option
from provisioner.cli.target import two_numbers

if TYPE_CHECKING:
    from provisioner.cli.settings import Settings


@click.command(
    "diff",
    cls=Command,
    purpose=LOOK,
    short_help="Two revisions: every field in which they differ.",
    examples=(
        ("provision diff telecom/dev 3 5", "what revision 5 declares otherwise than revision 3"),
        ("provision diff 3", "what the last revision declares otherwise than revision 3"),
        ("provision diff 3 5 --json | jq .changes", "for programs"),
    ),
    see="`provision plan` compares the files with the engine, `provision drift` the engine with the last revision.",
)
@click.argument("arguments", metavar="[TARGET] N [M]", nargs=-1, type=words(TARGET, REVISION, REVISION, repeats=False))
@json_option
@click.pass_obj
def command(settings: Settings, arguments: tuple[str, ...], as_json: bool) -> int:
    """Compare two revisions field by field: the playbooks as they were applied, with their versions. Reads only."""
    target, before, after = two_numbers(arguments)
    request = settings.request(target)
    from provisioner.app.history import compare_revisions

    comparison = compare_revisions(request, before, after)
    out = settings.out()
    if as_json:
        from provisioner.render.history_json import comparison_json

        out.write_json(comparison_json(comparison))
    else:
        from provisioner.render.history_text import comparison_text

        out.write_folded(comparison_text(comparison, paint=out.paint))
    return 0
