"""`provision start`: start services that are stopped."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from provisioner.cli.command import OPERATE, Command
from provisioner.cli.completion import SERVICE, TARGET, words

if TYPE_CHECKING:
    from provisioner.cli.settings import Settings


@click.command(
    "start",
    cls=Command,
    purpose=OPERATE,
    short_help="Start services that are stopped.",
    examples=(("provision start telecom/dev", "after stop"),),
    see="Nothing is made or changed: that is what apply and up do. On a Swarm it waits until the tasks run.",
)
@click.argument("arguments", metavar="[TARGET] [SERVICE...]", nargs=-1, type=words(TARGET, SERVICE))
@click.option("--wait", is_flag=True, help="Wait until all of them are ready.")
@click.option(
    "--wait-timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="Longest wait for one."
)
@click.pass_obj
def command(settings: Settings, arguments: tuple[str, ...], wait: bool, wait_timeout: float | None) -> int:
    """Start what is stopped, as it is; what others need healthy is waited for."""
    target, services = settings.split(arguments)
    request = settings.request(target)
    from provisioner.app.start_stop import start
    from provisioner.cli.service_work import work_on_services

    return work_on_services(
        settings, partial(start, request, services, wait_until_ready=wait, timeout=wait_timeout or 0.0)
    )
