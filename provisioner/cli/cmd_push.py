"""`provision push`: push the images that are built here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provisioner.cli.command import OPERATE, Command
from provisioner.cli.completion import SERVICE, TARGET, words
from provisioner.cli.options import json_option

if TYPE_CHECKING:
    from provisioner.cli.settings import Settings


@click.command(
    "push",
    cls=Command,
    purpose=OPERATE,
    short_help="Push the images that are built here.",
    examples=(
        ("provision push campaign/prod", "everything that has a `build` section"),
        ("provision push campaign/prod api", "one service's"),
    ),
    see="An image goes to the registry that its name begins with. The Docker client's credentials are used: "
    "`docker login`. The first argument is the TARGET where a playbook of that name is there, otherwise a service of "
    "the default playbook.",
)
@click.argument("arguments", metavar="[TARGET] [SERVICE]...", nargs=-1, type=words(TARGET, SERVICE))
@click.option("--include-deps", is_flag=True, help="Also of what they depend on.")
@click.option("--ignore-push-failures", is_flag=True, help="Exit 0 even when an image can not be pushed.")
@json_option
@click.pass_obj
def command(
    settings: Settings, arguments: tuple[str, ...], include_deps: bool, ignore_push_failures: bool, as_json: bool
) -> int:
    """Push what services are built into to its registry, where the nodes of a Swarm get it from."""
    target, services = settings.split(arguments)
    from provisioner.app.push import push
    from provisioner.cli.images import work_on

    return work_on(
        settings,
        target,
        services,
        lambda request, listener, interrupt: push(
            request, services, dependencies=include_deps, listener=listener, interrupt=interrupt
        ),
        as_json=as_json,
        forgiving=ignore_push_failures,
    )
