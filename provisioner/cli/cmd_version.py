"""`provision version`."""

from __future__ import annotations

import json
import platform
from typing import TYPE_CHECKING

import click

from provisioner import __version__
from provisioner.cli.command import TOOLS, Command
from provisioner.cli.options import json_option

if TYPE_CHECKING:
    from provisioner.cli.settings import Settings


@click.command("version", cls=Command, purpose=TOOLS, short_help="Show the version.")
@json_option
@click.pass_obj
def command(settings: Settings, as_json: bool) -> int:
    """Show the version of provision and of the Python that it runs on."""
    python = platform.python_version()
    out = settings.out()
    if as_json:
        out.write(json.dumps({"version": __version__, "python": python}) + "\n")
    else:
        out.write(f"provision {__version__} (Python {python})\n")
    return 0
