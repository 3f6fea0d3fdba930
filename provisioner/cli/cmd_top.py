"""`provision top`: the processes of services."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provisioner.cli.command import LOOK, Command
from provisioner.cli.completion import SERVICE, TARGET, words

if TYPE_CHECKING:
    from provisioner.cli.settings import Settings


@click.command(
    "top",
    cls=Command,
    purpose=LOOK,
    short_help="Show the processes of services.",
    examples=(("provision top telecom/dev", "of all services"), ("provision top ingest", "of one")),
)
@click.argument("arguments", metavar="[TARGET] [SERVICE...]", nargs=-1, type=words(TARGET, SERVICE))
@click.pass_obj
def command(settings: Settings, arguments: tuple[str, ...]) -> int:
    """Show the processes in the running containers of services."""
    target, services = settings.split(arguments)
    request = settings.request(target)
    from provisioner.app.looks import top
    from provisioner.render.looks_text import top_text

    out = settings.out()
    out.write(top_text(top(request, services), width=out.columns), verbatim=True)
    return 0
