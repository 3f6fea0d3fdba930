"""`provision schema`: the language for editors."""

from __future__ import annotations

import re
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
        ("provision schema --id https://docs.example/playbook.json", "for a copy that has an address of its own"),
    ),
)
@click.option("--id", "address", metavar="URI", help="Its address ($id).  [default: urn:provisioner:playbook]")
@click.pass_obj
def command(settings: Settings, address: str | None) -> int:
    """Print the JSON Schema (draft 2020-12) of playbooks: every key with its forms, values and a sentence on it.

    Compose files are playbooks too, so it serves for them as well.
    """
    from provisioner.app.schema import playbook_schema
    from provisioner.errors import UsageError

    if address is not None and not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s#]+", address):
        raise UsageError(f"--id: {address!r} is no absolute URI without a fragment", hint="such as https://HOST/PATH")
    schema = playbook_schema()
    settings.out().write_json({**schema, "$id": address or schema["$id"]})
    return 0
