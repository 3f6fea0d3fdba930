"""`provision create`: make containers, and start none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provisioner.cli.command import OPERATE, Command
from provisioner.cli.completion import SERVICE, TARGET, words

if TYPE_CHECKING:
    from provisioner.cli.settings import Settings


@click.command(
    "create",
    cls=Command,
    purpose=OPERATE,
    short_help="Make what is not there of services, and start nothing.",
    examples=(
        ("provision create telecom/dev", "containers, networks, volumes; start starts them"),
        ("provision create ingest", "one service, with what it needs"),
    ),
    see="What is there already stays as it is, also where it differs from the playbook: that is what up is for.",
)
@click.argument("arguments", metavar="[TARGET] [SERVICE...]", nargs=-1, type=words(TARGET, SERVICE))
@click.pass_obj
def command(settings: Settings, arguments: tuple[str, ...]) -> int:
    """Make the containers of services that are not there, and what they need; on a Swarm services without tasks."""
    target, services = settings.split(arguments)
    request = settings.request(target)
    from provisioner.app.create import create
    from provisioner.cli.interrupt import interruptible
    from provisioner.cli.progress_listener import progress_listener

    with interruptible() as interrupt, progress_listener(settings, as_json=False) as listener:
        create(request, services, listener=listener, interrupt=interrupt)
    return 0
