"""`provision pull`: pull the images of services."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provisioner.cli.command import OPERATE, Command
from provisioner.cli.completion import SERVICE, TARGET, words
from provisioner.cli.options import json_option

if TYPE_CHECKING:
    from provisioner.cli.settings import Settings


@click.command(
    "pull",
    cls=Command,
    purpose=OPERATE,
    short_help="Pull the images of services.",
    examples=(
        ("provision pull campaign/local --ignore-buildable", "what is not built here"),
        ("provision pull campaign/prod", "and what was built and pushed elsewhere"),
        ("provision pull --policy missing campaign/local redis", "one service's, if it is not there yet"),
    ),
    see="`apply` pulls what is not there by itself. The first argument is the TARGET where a playbook of that name is "
    "there, otherwise a service of the default playbook.",
)
@click.argument("arguments", metavar="[TARGET] [SERVICE]...", nargs=-1, type=words(TARGET, SERVICE))
@click.option("--include-deps", is_flag=True, help="Also of what they depend on.")
@click.option("--ignore-buildable", is_flag=True, help="Leave out what can be built.")
@click.option("--ignore-pull-failures", is_flag=True, help="Exit 0 even when an image can not be pulled.")
@click.option(
    "--policy", type=click.Choice(["always", "missing"]), default="always", show_default=True, help="What to pull."
)
@json_option
@click.pass_obj
def command(
    settings: Settings,
    arguments: tuple[str, ...],
    include_deps: bool,
    ignore_buildable: bool,
    ignore_pull_failures: bool,
    policy: str,
    as_json: bool,
) -> int:
    """Pull images to the engine; exit 1 when one can not be pulled. On a Swarm the other nodes pull for themselves."""
    target, services = settings.split(arguments)
    from provisioner.app.pull import pull
    from provisioner.cli.images import work_on

    return work_on(
        settings,
        target,
        services,
        lambda request, listener, interrupt: pull(
            request,
            services,
            built=not ignore_buildable,
            missing=policy == "missing",
            dependencies=include_deps,
            listener=listener,
            interrupt=interrupt,
        ),
        as_json=as_json,
        forgiving=ignore_pull_failures,
    )
