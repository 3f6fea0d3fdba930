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
@click.option(
    "-f", "--format", "form", type=click.Choice(["pretty", "json"]), default="pretty", help="How it is written."
)
@click.option("--short", is_flag=True, help="Only the number.")
@json_option
@click.pass_obj
def command(settings: Settings, form: str, short: bool, as_json: bool) -> int:
    """Show the version of provision and of the Python that it runs on."""
    python = platform.python_version()
    out = settings.out()
    if short:
        out.write(f"{__version__}\n")
    elif as_json or form == "json":
        out.write(json.dumps({"version": __version__, "python": python}) + "\n")
    else:
        out.write(f"provision {__version__} (Python {python})\n")
    return 0
