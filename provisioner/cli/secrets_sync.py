"""`provision secrets sync`: copy values to a store further down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click

from provisioner.cli.command import OPERATE, Command
from provisioner.cli.completion import SECRET, TARGET, words
from provisioner.cli.options import insecure_transport_option, json_option, yes_option

if TYPE_CHECKING:
    from provisioner.app.secret_sync import Sync
    from provisioner.cli.settings import Settings

_PLACES = {"docker": "the Swarm's secrets", "env_local": ".env.local"}


@click.command(
    "sync",
    cls=Command,
    purpose=OPERATE,
    short_help="Copy local values to the Swarm, or those of AWS into .env.local.",
    examples=(
        (
            "provision secrets sync telecom/prod --to docker",
            "values of this machine become Docker secrets on the Swarm",
        ),
        ("provision secrets sync telecom/dev --to env_local", "values of AWS, to work without it"),
        ("provision secrets sync telecom/prod --check", "only show what would be copied"),
    ),
    see="On the Swarm a secret is named <name>-<environment>_<key>, where the tier docker finds it. It belongs to no "
    "apply, and one that is there with another value is never replaced: exit 77.",
)
@click.argument("arguments", metavar="[TARGET] [NAME]...", nargs=-1, type=words(TARGET, SECRET))
@click.option("--to", "place", type=click.Choice(["docker", "env_local"]), help="Where to; else as the playbook runs.")
@click.option("--check", is_flag=True, help="Only show what would be copied.")
@yes_option
@insecure_transport_option
@json_option
@click.pass_obj
def sync(
    settings: Settings,
    arguments: tuple[str, ...],
    place: Literal["docker", "env_local"] | None,
    check: bool,
    yes: bool,
    insecure_transport: bool,
    as_json: bool,
) -> int:
    """Copy the values of secrets to the next store: from this machine to the Swarm, or from AWS into .env.local.

    Nothing is replaced and nothing is removed where the values come from.
    """
    from provisioner.cli.confirm import confirmed, require_answer

    if not check:
        require_answer(yes=yes)
    target, names = settings.split(arguments)
    request = settings.request(target)
    from provisioner.app.secret_sync import plan_sync

    sync_plan = plan_sync(request, names, place, insecure_transport=insecure_transport)
    if not as_json:
        _show(settings, sync_plan)
    if sync_plan.pending and not check:
        if not yes and not confirmed(settings, f"Copy {len(sync_plan.pending)} to {_PLACES[sync_plan.place]}?"):
            return 1
        sync_plan.carry_out()
    if as_json:
        _show_json(settings, sync_plan, done=not check)
    elif sync_plan.pending and not check and not settings.quiet:
        settings.out().write(f"Copied {len(sync_plan.pending)} to {_PLACES[sync_plan.place]}.\n")
    return 0


def _show(settings: Settings, sync_plan: Sync) -> None:
    from provisioner.render.table import table

    out = settings.out()
    if not sync_plan.copies:
        out.write(f"{sync_plan.title}: the playbook declares no secrets\n")
        return
    words = {"copy": f"to {_PLACES[sync_plan.place]}", "same": "there already", "skip": "left out"}
    rows = [
        (copy.key, words[copy.action], copy.name if copy.action != "skip" else "", copy.why)
        for copy in sync_plan.copies
    ]
    out.write(f"{out.paint.bold(sync_plan.title)}\n{table(('SECRET', 'COPY', 'AS', 'WHY'), rows, paint=out.paint)}")


def _show_json(settings: Settings, sync_plan: Sync, *, done: bool) -> None:
    copies = [
        {"name": copy.key, "as": copy.name, "action": copy.action, "why": copy.why or None} for copy in sync_plan.copies
    ]
    shown = {"format_version": 1, "target": sync_plan.title, "to": sync_plan.place, "done": done, "secrets": copies}
    settings.out().write_json(shown)
