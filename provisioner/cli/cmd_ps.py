"""`provision ps`: `status` under the name that Compose users type; with its flags as Compose's, for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from provisioner.cli.cmd_status import show_status
from provisioner.cli.command import LOOK, Command
from provisioner.cli.completion import SERVICE, TARGET, words
from provisioner.cli.options import json_option
from provisioner.errors import UsageError

if TYPE_CHECKING:
    from provisioner.app.request import Request
    from provisioner.cli.settings import Settings

_STATES = ("created", "running", "restarting", "paused", "exited", "removing", "dead")


@click.command(
    "ps",
    cls=Command,
    purpose=LOOK,
    short_help="The same as status; with -q, -a, --format, --services, --status what Compose's ps says.",
    examples=(
        ("provision ps telecom/dev", "every declared object, as status shows it"),
        ("provision ps -q ingest", "the ids of the containers that run"),
        ("provision ps -a --format json", "a line of JSON for each container, as docker compose ps"),
        ("provision ps --services --status exited", "the services that have ended"),
    ),
)
@click.argument("arguments", metavar="[TARGET] [SERVICE...]", nargs=-1, type=words(TARGET, SERVICE))
@click.option("-q", "--quiet", "only_ids", is_flag=True, help="Only the ids of the containers that run.")
@click.option("-a", "--all", "everything", is_flag=True, help="What does not run and what `run` made too.")
@click.option("--services", "only_services", is_flag=True, help="Only the names of the services.")
@click.option("--status", "states", multiple=True, type=click.Choice(_STATES), help="Only in this state; repeatable.")
@click.option("--filter", "filters", multiple=True, metavar="status=STATE", help="The same.")
@click.option("--format", "form", metavar="FORM", help="table, json, or a template: '{{.Name}} {{.Status}}'.")
@click.option("--orphans/--no-orphans", default=True, help="Services too that are declared no more; so by default.")
@click.option("--no-trunc", "whole", is_flag=True, help="Ids and commands as they are.")
@click.option("--watch", is_flag=True, help="Show it again every two seconds.")
@json_option
@click.pass_obj
def command(
    settings: Settings,
    arguments: tuple[str, ...],
    only_ids: bool,
    everything: bool,
    only_services: bool,
    states: tuple[str, ...],
    filters: tuple[str, ...],
    form: str | None,
    orphans: bool,
    whole: bool,
    watch: bool,
    as_json: bool,
) -> int:
    """Show every declared object as it is on the engine now, or the containers of services as Compose shows them."""
    target, services = settings.split(arguments)
    if not (only_ids or everything or only_services or states or filters or form or whole or not orphans):
        return show_status(settings, target, watch=watch, as_json=as_json, services=services)
    if watch:
        raise UsageError("--watch is of the table of all objects", hint="provision ps --watch")
    chosen = {*states, *(_state(text) for text in filters)}
    request = settings.request(target)
    out = settings.out()
    shown = _shown(
        request, services, chosen, everything=everything, only_ids=only_ids, only_services=only_services,
        orphans=orphans,
        form="json" if as_json and not form else form or "table", whole=whole, as_json=as_json,
        width=out.columns,
    )  # fmt: skip
    out.write(shown)
    return 0


def _state(text: str) -> str:
    name, _, state = text.partition("=")
    if name != "status" or state not in _STATES:
        raise UsageError(f"--filter '{text}' is not known", hint=f"status= and one of {', '.join(_STATES)}")
    return state


def _shown(
    request: Request,
    services: tuple[str, ...],
    states: set[str],
    *,
    everything: bool,
    only_ids: bool,
    only_services: bool,
    orphans: bool,
    form: str,
    whole: bool,
    as_json: bool,
    width: int,
) -> str:
    from provisioner.app.containers import containers as list_containers
    from provisioner.render.containers_text import containers_text

    containers = list_containers(request, services, everything=everything, states=states, orphans=orphans)
    if only_ids or only_services:
        names = (
            [container.id for container in containers]
            if only_ids
            else list(dict.fromkeys(container.address.name for container in containers))
        )
        return json.dumps(names) + "\n" if as_json else "".join(f"{name}\n" for name in names)
    return containers_text(containers, form, whole=whole, width=width)
