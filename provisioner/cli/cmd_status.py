"""`provision status`: every declared object as it is now, and whether it is well."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from provisioner.cli.command import LOOK, Command
from provisioner.cli.completion import SERVICE, TARGET, words
from provisioner.cli.options import json_option
from provisioner.errors import NotConverged
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.app.plays import PlayList
    from provisioner.app.status import StatusTable
    from provisioner.cli.settings import Settings

NOT_WELL = NotConverged.exit_code


@dataclass(frozen=True, slots=True)
class Look:
    """What is asked for. `exit_code`: 3 where something is not well; `everything`: images that are as declared too."""

    as_json: bool = False
    watch: bool = False
    exit_code: bool = False
    everything: bool = False
    services: tuple[str, ...] = ()


@click.command(
    "status",
    cls=Command,
    purpose=LOOK,
    short_help="Is it well? Every declared object: state, health, ports, drift, since when.",
    examples=(
        ("provision status telecom/dev", "once"),
        ("provision status telecom/dev api db", "only these services"),
        ("provision status telecom/dev --exit-code", "exit 3 when something is not well, for scripts"),
        ("provision status telecom/dev --watch", "again and again, until Ctrl-C"),
        ("provision status --json", "for programs"),
    ),
    see="Well is what is there and does what it is for: it runs and its health check passes, or it has completed. What "
    "differs from the playbook is drift, and may be well all the same.",
)
@click.argument("arguments", metavar="[TARGET] [SERVICE]...", nargs=-1, type=words(TARGET, SERVICE))
@click.option("--watch", is_flag=True, help="Show it again every two seconds.")
@click.option("--exit-code", is_flag=True, help="Exit 3 when something is not well.")
@click.option("-a", "--all", "everything", is_flag=True, help="Images that are as declared too.")
@json_option
@click.pass_obj
def command(
    settings: Settings, arguments: tuple[str, ...], watch: bool, exit_code: bool, everything: bool, as_json: bool
) -> int:
    """Show every declared object, or only services, as they are on the engine now, and say what is not well."""
    target, services = settings.split(arguments)
    look = Look(as_json=as_json, watch=watch, exit_code=exit_code, everything=everything, services=services)
    return look_at(settings, target, look)


def show_status(
    settings: Settings, target: str | None, *, watch: bool, as_json: bool, services: Sequence[str] = ()
) -> int:
    """Print the status of all objects or of some services, with `watch` again and again; the exit code."""
    return look_at(settings, target, Look(as_json=as_json, watch=watch, services=tuple(services)))


def look_at(settings: Settings, target: str | None, look: Look) -> int:
    """Print the status once, or again and again; the exit code of the last look."""
    plays = settings.plays(target)
    request = settings.request(target) if plays is None else None

    def once(inner: Settings) -> int:
        if request is None:
            assert plays is not None
            return _show_plays(inner, plays, look)
        from provisioner.app.status import status

        table = status(request, look.services)
        if look.as_json:
            inner.out().write(_document(table))
        else:
            inner.out().write_folded(_text(inner, table, look))
        return _code(table, look)

    if not look.watch:
        return once(settings)
    from provisioner.cli.watching import again_and_again

    return again_and_again(settings, once, clears=not look.as_json)


def _show_plays(settings: Settings, plays: PlayList, look: Look) -> int:
    from provisioner.app.play_services import plays_with_services
    from provisioner.app.status import status
    from provisioner.cli.look import look_at_plays
    from provisioner.render.status_json import status_json

    chosen = plays_with_services(plays, look.services)
    names = {play.name: of_play for play, of_play in chosen}
    plays = replace(plays, plays=tuple(play for play, _ in chosen))
    return look_at_plays(
        settings, plays, lambda play: status(play.request, names[play.name]),
        text=lambda table: _text(settings, table, look), document=status_json if look.as_json else None,
        code=lambda table: _code(table, look),
    )  # fmt: skip


def _code(table: StatusTable, look: Look) -> int:
    return NOT_WELL if look.exit_code and not table.well else 0


def _text(settings: Settings, table: StatusTable, look: Look) -> str:
    from provisioner.render.status_text import status_text

    out = settings.out()
    return status_text(table, paint=out.paint, everything=look.everything or settings.verbose, width=out.columns)


def _document(table: StatusTable) -> str:
    from provisioner.render.status_json import status_json

    return json.dumps(status_json(table), ensure_ascii=False) + "\n"
