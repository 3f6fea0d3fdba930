"""`provision export`: a plain Compose file from a playbook."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provisioner.cli.command import WRITE, Command
from provisioner.cli.completion import FILE
from provisioner.cli.options import target_argument

if TYPE_CHECKING:
    from provisioner.cli.settings import Settings


@click.command(
    "export",
    cls=Command,
    purpose=WRITE,
    short_help="A plain Compose file from a playbook.",
    examples=(
        ("provision export telecom/dev", "on standard output"),
        ("provision export campaign/prod -o compose.yaml", "into a file; paths are relative to it"),
    ),
)
@target_argument
@click.option("-o", "--output", metavar="FILE", type=FILE, help="Write it there; default: standard output.")
@click.pass_obj
def command(settings: Settings, target: str | None, output: str | None) -> int:
    """Write what a playbook declares as a Compose file, for those who have only Compose.

    What Compose has no word for is translated or left out, and said: jobs, secrets from tiers, checks, protection.
    Values of secrets are never in it; the file says what has to be provided. Volumes and networks that were adopted or
    moved have the names that they have on the engine, if one answers.
    """
    request = settings.request(target)
    from provisioner.app.export import export
    from provisioner.app.kept_names import kept_names

    names = kept_names(request)
    exported = export(request, output=output, names=names)
    err = settings.err()
    if names is None:
        err.write(
            f"{err.paint.yellow('warning:')} no engine could be asked: a volume or network that was adopted or moved "
            "may be called otherwise there, and Compose would make an empty one\n"
        )
    for note in exported.notes:
        err.write(f"{err.paint.yellow('note:')} {note}\n")
    out = settings.out()
    out.write(f"wrote {output}\n" if output else exported.text)
    return 0
