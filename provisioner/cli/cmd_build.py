"""`provision build`: build the images that services are built from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provisioner.cli.command import OPERATE, Command
from provisioner.cli.completion import SERVICE, TARGET, words
from provisioner.cli.options import json_option

if TYPE_CHECKING:
    from provisioner.cli.settings import Settings


@click.command(
    "build",
    cls=Command,
    purpose=OPERATE,
    short_help="Build the images that services are built from.",
    examples=(
        ("provision build campaign/local", "everything that has a `build` section"),
        ("provision build campaign/prod --push", "and push each image to the registry that it is named after"),
        ("provision build --no-cache --pull campaign/local api", "one service, from the beginning"),
    ),
    see="`apply` builds what is not there or is out of date by itself. On a Swarm with several nodes it can not: the "
    "nodes get their images from a registry. The first argument is the TARGET where a playbook of that name is there, "
    "otherwise a service of the default playbook.",
)
@click.argument("arguments", metavar="[TARGET] [SERVICE]...", nargs=-1, type=words(TARGET, SERVICE))
@click.option("--no-cache", is_flag=True, help="Carry out every line of the Dockerfiles anew.")
@click.option("--pull", is_flag=True, help="Look for newer versions of the images that these stand on.")
@click.option("--push", is_flag=True, help="Push what was built.")
@json_option
@click.pass_obj
def command(
    settings: Settings, arguments: tuple[str, ...], no_cache: bool, pull: bool, push: bool, as_json: bool
) -> int:
    """Build images as an apply would build them, which finds them there then; exit 1 when one can not be built."""
    target, services = settings.split(arguments)
    from provisioner.app.build import build
    from provisioner.cli.images import work_on

    return work_on(
        settings,
        target,
        services,
        lambda request, listener, interrupt: build(
            request, services, no_cache=no_cache, pull=pull, push=push, listener=listener, interrupt=interrupt
        ),
        as_json=as_json,
    )
