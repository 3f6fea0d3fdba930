"""`provision stop`: stop services."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from provisioner.cli.command import OPERATE, Command
from provisioner.cli.completion import SERVICE, TARGET, words

if TYPE_CHECKING:
    from provisioner.cli.settings import Settings


@click.command(
    "stop",
    cls=Command,
    purpose=OPERATE,
    short_help="Stop services, and keep in mind that it was on purpose.",
    examples=(
        ("provision stop telecom/dev", "everything, for the night"),
        ("provision stop ingest", "one service of the default playbook"),
    ),
    see="Nothing is removed. plan, drift and status say since when a service is stopped and by whom; start and apply "
    "start it again.",
)
@click.argument("arguments", metavar="[TARGET] [SERVICE...]", nargs=-1, type=words(TARGET, SERVICE))
@click.option("-t", "--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="Time to stop before a kill.")
@click.pass_obj
def command(settings: Settings, arguments: tuple[str, ...], timeout: float | None) -> int:
    """Stop the running containers of services; on a Swarm the services get no tasks."""
    target, services = settings.split(arguments)
    request = settings.request(target)
    from provisioner.app.start_stop import stop
    from provisioner.cli.service_work import work_on_services

    return work_on_services(settings, partial(stop, request, services, grace=timeout))
