"""`provision unpause`: let frozen containers go on."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from provisioner.cli.command import OPERATE, Command
from provisioner.cli.completion import SERVICE, TARGET, words

if TYPE_CHECKING:
    from provisioner.cli.settings import Settings


@click.command(
    "unpause",
    cls=Command,
    purpose=OPERATE,
    short_help="Let frozen containers go on.",
    examples=(("provision unpause ingest", "after pause"),),
)
@click.argument("arguments", metavar="[TARGET] [SERVICE...]", nargs=-1, type=words(TARGET, SERVICE))
@click.pass_obj
def command(settings: Settings, arguments: tuple[str, ...]) -> int:
    """Let the paused containers of services go on."""
    target, services = settings.split(arguments)
    request = settings.request(target)
    from provisioner.app.signals import unpause
    from provisioner.cli.service_work import work_on_services

    return work_on_services(settings, partial(unpause, request, services))
