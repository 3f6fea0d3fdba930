"""`provision create`: make containers, and start none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provisioner.cli.command import OPERATE, Command
from provisioner.cli.completion import SERVICE, SERVICE_EQUALS, TARGET, words
from provisioner.cli.options import image_options, image_wishes, scales

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
@image_options
@click.option(
    "--scale", "scale", metavar="SERVICE=N", multiple=True, type=SERVICE_EQUALS, help="N replicas; repeatable."
)
@click.option("--no-recreate", is_flag=True, help="Compose's word for what it does anyway: what is there stays.")
@click.option("-y", "--yes", is_flag=True, hidden=True, help="It does not ask.")
@click.pass_obj
def command(
    settings: Settings,
    arguments: tuple[str, ...],
    build_first: bool,
    no_build: bool,
    pull_policy: str,
    quiet_pull: bool,
    quiet_build: bool,
    scale: tuple[str, ...],
    no_recreate: bool,
    yes: bool,
) -> int:
    """Make the containers of services that are not there, and what they need; on a Swarm services without tasks."""
    target, services = settings.split(arguments)
    images, replicas = image_wishes(build_first, no_build, pull_policy), scales(scale)
    request = settings.request(target)
    from provisioner.app.create import create
    from provisioner.app.up import UpOptions
    from provisioner.cli.interrupt import interruptible
    from provisioner.cli.progress_listener import hushed_verbs, progress_listener

    hushed = hushed_verbs(quiet_pull, quiet_build)
    with interruptible() as interrupt, progress_listener(settings, as_json=False, hushed=hushed) as listener:
        create(request, UpOptions(services, images=images), replicas, listener=listener, interrupt=interrupt)
    return 0
