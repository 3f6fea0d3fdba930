"""`provision down`: destroy, as Compose users type it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from provisioner.cli.command import PLAN, Command
from provisioner.cli.completion import SERVICE, TARGET, words
from provisioner.cli.options import json_option, lock_timeout_option, yes_option

if TYPE_CHECKING:
    from provisioner.cli.settings import Settings


@click.command(
    "down",
    cls=Command,
    purpose=PLAN,
    streams_json=True,
    short_help="Take an environment away, as Compose users type it.",
    examples=(
        ("provision down", "containers and networks go, volumes stay"),
        ("provision down -v telecom/dev", "the data goes too: it asks, and never takes protected volumes"),
        ("provision down web", "only the containers of one service"),
    ),
    see="It is destroy without a question, as long as no data goes. The history stays; destroy --volumes --history "
    "deletes it.",
)
@click.argument("arguments", metavar="[TARGET] [SERVICE...]", nargs=-1, type=words(TARGET, SERVICE))
@click.option("-v", "--volumes", is_flag=True, help="Delete the declared volumes too, and what is in them; it asks.")
@click.option("--rmi", "images", type=click.Choice(["local", "all"]), help="Delete images: built here, or all used.")
@click.option("--remove-orphans", is_flag=True, help="Compose's word for what it does anyway.")
@click.option("-t", "--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="Time to stop before a kill.")
@yes_option
@lock_timeout_option
@json_option
@click.pass_obj
def command(
    settings: Settings,
    arguments: tuple[str, ...],
    volumes: bool,
    images: str | None,
    remove_orphans: bool,
    timeout: float | None,
    yes: bool,
    lock_timeout: float,
    as_json: bool,
) -> int:
    """Stop and remove the containers and networks of an environment, or the containers of some services."""
    target, services = settings.split(arguments)
    request = settings.request(target)
    if services:
        from provisioner.errors import UsageError

        if volumes or images:
            raise UsageError("-v and --rmi are of the whole environment, and services are named")
        from provisioner.app.remove import remove
        from provisioner.cli.service_work import work_on_services

        return work_on_services(
            settings, partial(remove, request, services, stop_first=True, volumes=False, grace=timeout)
        )
    from provisioner.cli.take_down import take_down

    return take_down(
        settings, request, volumes=volumes, yes=yes, grace=timeout, images=images or "", lock_timeout=lock_timeout,
        as_json=as_json,
    )  # fmt: skip
