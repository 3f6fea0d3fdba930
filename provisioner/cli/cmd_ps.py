"""`provision ps`: the name that Compose users type for `provision status`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provisioner.cli.cmd_status import show_status
from provisioner.cli.command import LOOK, Command
from provisioner.cli.options import json_option, target_argument

if TYPE_CHECKING:
    from provisioner.cli.settings import Settings


@click.command("ps", cls=Command, purpose=LOOK, short_help="The same as status.")
@target_argument
@click.option("--watch", is_flag=True, help="Show it again every two seconds.")
@json_option
@click.pass_obj
def command(settings: Settings, target: str | None, watch: bool, as_json: bool) -> int:
    """Show every declared object as it is on the engine now; the same as `provision status`."""
    return show_status(settings, target, watch=watch, as_json=as_json)
