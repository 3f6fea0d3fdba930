"""`provision volumes`: list the volumes of an environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provisioner.cli.command import LOOK, Command
from provisioner.cli.completion import SERVICE, TARGET, words

if TYPE_CHECKING:
    from provisioner.cli.settings import Settings


@click.command(
    "volumes",
    cls=Command,
    purpose=LOOK,
    short_help="List the volumes.",
    examples=(
        ("provision volumes telecom/dev", "all of the environment"),
        ("provision volumes -q postgres", "the names of one service's"),
    ),
)
@click.argument("arguments", metavar="[TARGET] [SERVICE...]", nargs=-1, type=words(TARGET, SERVICE))
@click.option("-q", "--quiet", "only_names", is_flag=True, help="Only the names.")
@click.option("--format", "form", metavar="FORM", default="", help="table, json, or a template: '{{.Name}}'.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.pass_obj
def command(settings: Settings, arguments: tuple[str, ...], only_names: bool, form: str, as_json: bool) -> int:
    """List the volumes of the environment, or those that services mount."""
    target, services = settings.split(arguments)
    request = settings.request(target)
    from provisioner.app.looks import volumes
    from provisioner.render.looks_text import volumes_text

    form = "json" if as_json else form
    out = settings.out()
    out.write(volumes_text(volumes(request, services), form, only_names=only_names, width=out.columns), verbatim=True)
    return 0
