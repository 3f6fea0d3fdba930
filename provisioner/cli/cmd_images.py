"""`provision images`: the images that containers were made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provisioner.cli.command import LOOK, Command
from provisioner.cli.completion import SERVICE, TARGET, words

if TYPE_CHECKING:
    from provisioner.cli.settings import Settings


@click.command(
    "images",
    cls=Command,
    purpose=LOOK,
    short_help="List the images that containers were made from.",
    examples=(("provision images telecom/dev", "of every container"), ("provision images -q", "their ids, each once")),
)
@click.argument("arguments", metavar="[TARGET] [SERVICE...]", nargs=-1, type=words(TARGET, SERVICE))
@click.option("-q", "--quiet", "only_ids", is_flag=True, help="Only the ids.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", help="table or json.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.pass_obj
def command(settings: Settings, arguments: tuple[str, ...], only_ids: bool, form: str, as_json: bool) -> int:
    """List the image of every container of services, as the engine has it."""
    target, services = settings.split(arguments)
    request = settings.request(target)
    from provisioner.app.looks import images
    from provisioner.render.looks_text import images_text

    form = "json" if as_json else form
    out = settings.out()
    out.write(images_text(images(request, services), form, only_ids=only_ids, width=out.columns), verbatim=True)
    return 0
