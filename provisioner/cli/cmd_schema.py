"""`provision schema`: the language for editors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provisioner.cli.command import TOOLS, Command

if TYPE_CHECKING:
    from provisioner.cli.settings import Settings


@click.command(
    "schema",
    cls=Command,
    purpose=TOOLS,
    short_help="Print the JSON Schema of playbooks, for editors.",
    examples=(
        ("provision schema > playbook.schema.json", "keep it beside the playbooks"),
        (
            "# yaml-language-server: $schema=playbook.schema.json",
            "as the first line of a playbook: editors then complete and check it",
        ),
    ),
)
@click.pass_obj
def command(settings: Settings) -> int:
    """Print the JSON Schema (draft 2020-12) of playbooks: every key with its forms, values and a sentence on it.

    Compose files are playbooks too, so it serves for them as well.
    """
    from provisioner.app.schema import playbook_schema

    settings.out().write_json(playbook_schema())
    return 0
