"""`provision stats`: what the containers of services use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provisioner.cli.command import LOOK, Command
from provisioner.cli.completion import SERVICE, TARGET, words
from provisioner.errors import Interrupted

if TYPE_CHECKING:
    from provisioner.app.stats import Usages
    from provisioner.cli.settings import Settings


@click.command(
    "stats",
    cls=Command,
    purpose=LOOK,
    short_help="Show what containers use: processors, memory, traffic.",
    examples=(
        ("provision stats telecom/dev", "again and again, until Ctrl-C"),
        ("provision stats --no-stream --format json", "once, a line of JSON for each container"),
    ),
    see="On a Swarm these are the containers of this node; which others there are is said.",
)
@click.argument("arguments", metavar="[TARGET] [SERVICE...]", nargs=-1, type=words(TARGET, SERVICE))
@click.option("--no-stream", is_flag=True, help="Only once.")
@click.option("-a", "--all", "all_containers", is_flag=True, help="Also those that do not run.")
@click.option("--no-trunc", is_flag=True, help="Ids as they are.")
@click.option("--format", "form", metavar="FORM", default="", help="json, or a template: '{{.Name}} {{.CPUPerc}}'.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.pass_obj
def command(
    settings: Settings,
    arguments: tuple[str, ...],
    no_stream: bool,
    all_containers: bool,
    no_trunc: bool,
    form: str,
    as_json: bool,
) -> int:
    """Show what the containers of services use, as `docker stats` does."""
    target, services = settings.split(arguments)
    request = settings.request(target)
    from provisioner.app.stats import Stats

    stats = Stats(request, services, all_containers=all_containers)
    out = settings.out()
    try:
        while True:
            usages = stats.look()
            text = _text(usages, "json" if as_json else form, whole_ids=no_trunc, width=0 if no_trunc else out.columns)
            out.write(("\x1b[H\x1b[2J" if out.terminal and not no_stream else "") + text, verbatim=True)
            for name, nodes in usages.elsewhere.items() if no_stream else ():
                settings.err().write(
                    f"service.{name} runs on {', '.join(nodes)} too: its figures are to be had there\n"
                )
            if no_stream or out.closed:
                return 0
    except KeyboardInterrupt:
        if no_stream:
            raise
        return Interrupted.exit_code


def _text(usages: Usages, form: str, *, whole_ids: bool, width: int) -> str:
    from provisioner.render.docker_table import formatted
    from provisioner.render.stats_text import TITLES, stats_rows, stats_table

    if form in ("", "table"):
        return stats_table(usages.rows, whole_ids=whole_ids, width=width)
    return formatted(form, TITLES, stats_rows(usages.rows, whole_ids=whole_ids))
