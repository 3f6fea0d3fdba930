"""`provision pause`: freeze containers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from provisioner.cli.command import OPERATE, Command
from provisioner.cli.completion import SERVICE, TARGET, words

if TYPE_CHECKING:
    from provisioner.cli.settings import Settings


@click.command(
    "pause",
    cls=Command,
    purpose=OPERATE,
    short_help="Freeze the containers of services.",
    examples=(("provision pause ingest", "unpause lets it go on"),),
)
@click.argument("arguments", metavar="[TARGET] [SERVICE...]", nargs=-1, type=words(TARGET, SERVICE))
@click.pass_obj
def command(settings: Settings, arguments: tuple[str, ...]) -> int:
    """Freeze the processes of the running containers of services."""
    target, services = settings.split(arguments)
    request = settings.request(target)
    from provisioner.app.signals import pause
    from provisioner.cli.service_work import work_on_services

    return work_on_services(settings, partial(pause, request, services))
