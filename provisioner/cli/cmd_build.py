"""`provision build`: build the images that services are built from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from provisioner.cli.command import OPERATE, Command
from provisioner.cli.completion import SERVICE, TARGET, words
from provisioner.cli.options import json_option
from provisioner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioner.cli.settings import Settings


@click.command(
    "build",
    cls=Command,
    purpose=OPERATE,
    short_help="Build the images that services are built from.",
    examples=(
        ("provision build campaign/local", "everything that has a `build` section"),
        ("provision build campaign/prod --push", "and push each image to the registry that it is named after"),
        ("provision build --build-arg VERSION=3 --ssh default api", "with what the playbook does not say"),
        ("provision build --no-cache --pull campaign/local api", "one service, from the beginning"),
    ),
    see="`apply` builds what is not there or is out of date by itself. On a Swarm with several nodes it can not: the "
    "nodes get their images from a registry. The first argument is the TARGET where a playbook of that name is there, "
    "otherwise a service of the default playbook.",
)
@click.argument("arguments", metavar="[TARGET] [SERVICE]...", nargs=-1, type=words(TARGET, SERVICE))
@click.option("--with-dependencies", is_flag=True, help="Also what they depend on.")
@click.option("--no-cache", is_flag=True, help="Carry out every line of the Dockerfiles anew.")
@click.option("--pull", is_flag=True, help="Look for newer versions of the images that these stand on.")
@click.option("--push", is_flag=True, help="Push what was built.")
@click.option(
    "--build-arg",
    "arguments_of",
    multiple=True,
    metavar="NAME[=VALUE]",
    help="A build argument; without a value this process's own. Repeatable.",
)
@click.option("--ssh", multiple=True, metavar="KEYS", help="Keys that builds may use: default, or id=path. Repeatable.")
@click.option(
    "--progress",
    type=click.Choice(["auto", "tty", "plain", "quiet"]),
    default="auto",
    show_default=True,
    help="How progress is told.",
)
@json_option
@click.pass_obj
def command(
    settings: Settings,
    arguments: tuple[str, ...],
    with_dependencies: bool,
    no_cache: bool,
    pull: bool,
    push: bool,
    arguments_of: tuple[str, ...],
    ssh: tuple[str, ...],
    progress: str,
    as_json: bool,
) -> int:
    """Build images as an apply would build them, which finds them there then; exit 1 when one can not be built."""
    target, services = settings.split(arguments)
    if progress == "quiet":
        settings = replace(settings, quiet=True)
    elif progress == "plain":
        # What a terminal has no live region for is told line by line.
        settings = replace(settings, environment={**settings.environment, "CI": "1"})
    from provisioner.app.build import BuildExtras, build
    from provisioner.cli.images import work_on

    extras = BuildExtras(_build_arguments(arguments_of, settings.environment), ssh)
    return work_on(
        settings,
        target,
        services,
        lambda request, listener, interrupt: build(
            request,
            services,
            no_cache=no_cache,
            pull=pull,
            push=push,
            extras=extras,
            dependencies=with_dependencies,
            listener=listener,
            interrupt=interrupt,
        ),
        as_json=as_json,
    )


def _build_arguments(texts: Sequence[str], environment: Mapping[str, str]) -> dict[str, str | None]:
    """Name → value; a name alone takes its value from this process. What is wrong is said without a value."""
    result: dict[str, str | None] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not name:
            raise UsageError("--build-arg wants NAME=VALUE or NAME", hint="for example: --build-arg VERSION=3")
        result[name] = value if separator else environment.get(name)
    return result
