"""`provision rm`: remove containers of services that do not run."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from provisioner.cli.command import OPERATE, Command
from provisioner.cli.completion import SERVICE, TARGET, words

if TYPE_CHECKING:
    from provisioner.cli.settings import Settings


@click.command(
    "rm",
    cls=Command,
    purpose=OPERATE,
    short_help="Remove containers of services that do not run.",
    examples=(
        ("provision rm -f import", "without a question"),
        ("provision rm -s -f telecom/dev ingest", "what runs is stopped first"),
    ),
    see="Named volumes, networks and images stay: destroy and down take an environment away. The next apply makes the "
    "containers again, and a job whose container is gone runs again.",
)
@click.argument("arguments", metavar="[TARGET] [SERVICE...]", nargs=-1, type=words(TARGET, SERVICE))
@click.option("-f", "--force", is_flag=True, help="Do not ask.")
@click.option("-s", "--stop", "stop_first", is_flag=True, help="Stop what runs first.")
@click.option("-v", "--volumes", is_flag=True, help="Anonymous volumes of the containers too.")
@click.pass_obj
def command(settings: Settings, arguments: tuple[str, ...], force: bool, stop_first: bool, volumes: bool) -> int:
    """Remove the containers of services that do not run; on a Swarm the services that are stopped."""
    target, services = settings.split(arguments)
    request = settings.request(target)
    from provisioner.app.remove import removable, remove
    from provisioner.cli.confirm import confirmed, require_answer
    from provisioner.cli.service_work import work_on_services

    names = removable(request, services, stop_first=stop_first)
    if not names:
        settings.err().write("No stopped containers\n")
        return 0
    if not force:
        require_answer(yes=False, hint="add --force; provision ps -a shows what is there")
        if not confirmed(settings, f"Going to remove {', '.join(names)}. Go on?"):
            return 1
    return work_on_services(settings, partial(remove, request, services, stop_first=stop_first, volumes=volumes))
