"""`provision restart`: restart services."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from provisioner.cli.command import OPERATE, Command
from provisioner.cli.completion import SERVICE, TARGET, words

if TYPE_CHECKING:
    from provisioner.cli.settings import Settings


@click.command(
    "restart",
    cls=Command,
    purpose=OPERATE,
    short_help="Restart services as they are.",
    examples=(
        ("provision restart telecom/dev ingest", "one service, and those that ask to be restarted with it"),
        ("provision restart", "all, what others need first"),
    ),
    see="Nothing of what they are is changed: that is what apply does. On a Swarm a service gets new tasks, in the "
    "way its update_config says, and the command waits until they run.",
)
@click.argument("arguments", metavar="[TARGET] [SERVICE...]", nargs=-1, type=words(TARGET, SERVICE))
@click.option("-t", "--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="Time to stop before a kill.")
@click.option("--no-deps", is_flag=True, help="Not those that ask to be restarted with them.")
@click.pass_obj
def command(settings: Settings, arguments: tuple[str, ...], timeout: float | None, no_deps: bool) -> int:
    """Restart the containers of services, or the tasks of a Swarm's; what does not run is started."""
    target, services = settings.split(arguments)
    request = settings.request(target)
    from provisioner.app.restart import restart
    from provisioner.cli.service_work import work_on_services

    return work_on_services(settings, partial(restart, request, services, grace=timeout, dependents=not no_deps))
