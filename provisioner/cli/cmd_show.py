"""`provision show N`: one revision that was applied."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provisioner.cli.command import LOOK, Command
from provisioner.cli.completion import REVISION, TARGET, words
from provisioner.cli.options import json_option
from provisioner.cli.target import numbered

if TYPE_CHECKING:
    from provisioner.cli.settings import Settings


@click.command(
    "show",
    cls=Command,
    purpose=LOOK,
    short_help="One revision: every field that it changed, or its playbook.",
    examples=(
        ("provision show telecom/dev 3", "what revision 3 changed, and with which versions it was applied"),
        ("provision show", "the last one"),
        ("provision show 3 --format yaml", "the playbook as it was applied"),
    ),
)
@click.argument("arguments", metavar="[TARGET] [N]", nargs=-1, type=words(TARGET, REVISION, repeats=False))
@click.option("--format", "form", type=click.Choice(["yaml", "json"]), help="The playbook as it was applied.")
@json_option
@click.pass_obj
def command(settings: Settings, arguments: tuple[str, ...], form: str | None, as_json: bool) -> int:
    """Show one revision that was applied: what it changed against the one before, and its versions."""
    target, number = numbered(arguments)
    request = settings.request(target)
    from provisioner.app.history import show

    title, entry = show(request, number)
    out = settings.out()
    if form == "yaml":
        from provisioner.render.config_yaml import config_yaml

        out.write(config_yaml(dict(entry.revision.document)))
    elif form == "json":
        out.write_json(entry.revision.document)
    elif as_json:
        from provisioner.render.history_json import entry_json

        document = {**entry_json(entry), "document": entry.revision.document}
        out.write_json({"format_version": 1, "target": title, **document})
    else:
        from provisioner.render.history_text import entry_text

        out.write_folded(entry_text(title, entry, paint=out.paint))
    return 0
