"""`provision ps`: the name that Compose users type for `provision status`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from provisioner.cli.cmd_status import show_status
from provisioner.cli.command import LOOK, Command
from provisioner.cli.completion import SERVICE, TARGET, words
from provisioner.cli.options import json_option

if TYPE_CHECKING:
    from provisioner.cli.settings import Settings


@click.command("ps", cls=Command, purpose=LOOK, short_help="The same as status; with -q only ids.")
@click.argument("arguments", metavar="[TARGET] [SERVICE]...", nargs=-1, type=words(TARGET, SERVICE))
@click.option("-q", "--quiet", "only_ids", is_flag=True, help="Only the ids of the containers that run.")
@click.option("--watch", is_flag=True, help="Show it again every two seconds.")
@json_option
@click.pass_obj
def command(settings: Settings, arguments: tuple[str, ...], only_ids: bool, watch: bool, as_json: bool) -> int:
    """Show every declared object as it is on the engine now, or only services; the same as `provision status`."""
    target, services = settings.split(arguments)
    if only_ids:
        from provisioner.app.status import identifiers

        ids = identifiers(settings.request(target), services)
        settings.out().write(json.dumps(ids) + "\n" if as_json else "".join(f"{one}\n" for one in ids))
        return 0
    return show_status(settings, target, watch=watch, as_json=as_json, services=services)
