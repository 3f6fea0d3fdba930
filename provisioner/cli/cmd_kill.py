"""`provision kill`: send a signal to containers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from provisioner.cli.command import OPERATE, Command
from provisioner.cli.completion import SERVICE, TARGET, words

if TYPE_CHECKING:
    from provisioner.cli.settings import Settings


@click.command(
    "kill",
    cls=Command,
    purpose=OPERATE,
    short_help="Send a signal to the containers of services.",
    examples=(
        ("provision kill -s HUP web", "a program reads its settings anew"),
        ("provision kill telecom/dev ingest", "at once"),
    ),
    see="It is no stop: a Swarm starts another task for one that was killed, and an apply starts a container.",
)
@click.argument("arguments", metavar="[TARGET] [SERVICE...]", nargs=-1, type=words(TARGET, SERVICE))
@click.option("-s", "--signal", default="SIGKILL", show_default=True, metavar="NAME", help="The signal.")
@click.pass_obj
def command(settings: Settings, arguments: tuple[str, ...], signal: str) -> int:
    """Send a signal to the running containers of services; SIGKILL ends them at once."""
    target, services = settings.split(arguments)
    request = settings.request(target)
    from provisioner.app.signals import kill
    from provisioner.cli.service_work import work_on_services

    return work_on_services(settings, partial(kill, request, services, signal))
