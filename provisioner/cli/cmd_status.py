"""`provision status`: every declared object as it is now."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from provisioner.cli.command import LOOK, Command
from provisioner.cli.options import json_option, target_argument

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.app.plays import PlayList
    from provisioner.app.request import Request
    from provisioner.cli.settings import Settings
    from provisioner.cli.streams import Stream

INTERVAL = 2.0


@click.command(
    "status",
    cls=Command,
    purpose=LOOK,
    short_help="Every declared object: state, health, image, drift, since when.",
    examples=(
        ("provision status telecom/dev", "once"),
        ("provision status telecom/dev --watch", "again and again, until Ctrl-C"),
        ("provision status --json", "for programs"),
    ),
)
@target_argument
@click.option("--watch", is_flag=True, help="Show it again every two seconds.")
@json_option
@click.pass_obj
def command(settings: Settings, target: str | None, watch: bool, as_json: bool) -> int:
    """Show every declared object as it is on the engine now."""
    return show_status(settings, target, watch=watch, as_json=as_json)


def show_status(
    settings: Settings, target: str | None, *, watch: bool, as_json: bool, services: Sequence[str] = ()
) -> int:
    """Print the status of all objects or of some services, with `watch` again and again; the exit code."""
    plays = settings.plays(target)
    request = settings.request(target) if plays is None else None
    out = settings.out()
    code = 0
    while True:
        out.write("\x1b[H\x1b[2J" if watch and out.terminal and not as_json else "")
        if plays is not None:
            code = _show_plays(settings, plays, as_json=as_json, services=services)
        elif request is not None:
            out.write(_shown(request, out, as_json=as_json, services=services))
        if not watch or out.closed:
            return code
        time.sleep(INTERVAL)


def _show_plays(settings: Settings, plays: PlayList, *, as_json: bool, services: Sequence[str]) -> int:
    from provisioner.app.play_services import plays_with_services
    from provisioner.app.status import status
    from provisioner.cli.plays import look_at_plays
    from provisioner.render.status_json import status_json
    from provisioner.render.status_text import status_text

    paint = settings.out().paint
    chosen = plays_with_services(plays, services)
    names = {play.name: of_play for play, of_play in chosen}
    plays = replace(plays, plays=tuple(play for play, _ in chosen))
    return look_at_plays(
        settings, plays, lambda play: status(play.request, names[play.name]),
        text=lambda table: status_text(table, paint=paint), document=status_json if as_json else None,
    )  # fmt: skip


def _shown(request: Request, out: Stream, *, as_json: bool, services: Sequence[str]) -> str:
    from provisioner.app.status import status

    table = status(request, services)
    if as_json:
        from provisioner.render.status_json import status_json

        return json.dumps(status_json(table), ensure_ascii=False) + "\n"
    from provisioner.render.status_text import status_text

    return status_text(table, paint=out.paint)
