"""`provision events`: what happens to the containers of an environment."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from provisioner.cli.command import LOOK, Command
from provisioner.cli.completion import SERVICE, TARGET, words
from provisioner.cli.options import json_option
from provisioner.errors import Interrupted

if TYPE_CHECKING:
    from provisioner.app.events import EngineEvent
    from provisioner.cli.settings import Settings


@click.command(
    "events",
    cls=Command,
    purpose=LOOK,
    short_help="Show what happens to services, as it happens.",
    examples=(
        ("provision events telecom/dev", "until Ctrl-C"),
        ("provision events --json --since 1h --until 0m web", "of the last hour, a line of JSON each"),
    ),
    see="An engine keeps its last 256 events, of everything on it: --since reaches back no further. One that restarts "
    "is waited for, and that is said. On a terminal the commands of health checks are left out, unless --all asks for "
    "them; what is piped or --json has them.",
)
@click.argument("arguments", metavar="[TARGET] [SERVICE...]", nargs=-1, type=words(TARGET, SERVICE))
@click.option("--since", metavar="WHEN", help="Begin with what happened then: 5m, or a time.")
@click.option("--until", metavar="WHEN", help="End then: 5m ago, or a time.")
@click.option("--all", "everything", is_flag=True, help="On a terminal too: the commands of health checks.")
@json_option
@click.pass_obj
def command(
    settings: Settings,
    arguments: tuple[str, ...],
    since: str | None,
    until: str | None,
    everything: bool,
    as_json: bool,
) -> int:
    """Show the events of the containers and services of an environment."""
    target, services = settings.split(arguments)
    request = settings.request(target)
    from provisioner.app.events import events
    from provisioner.app.logs import parse_moment

    now = time.time()
    first = None if since is None else f"{parse_moment('--since', since, now):.9f}"
    last = None if until is None else f"{parse_moment('--until', until, now):.9f}"
    out, err = settings.out(), settings.err()
    checks = everything or as_json or not out.terminal
    try:
        for event in events(
            request, services, since=first, until=last, lost=lambda text: err.write(f"{text}\n"), checks=checks
        ):
            out.write(f"{_json(event) if as_json else _line(event)}\n")
            if out.closed:
                break
    except KeyboardInterrupt:
        if until is not None:
            raise
        return Interrupted.exit_code
    return 0


def _time(event: EngineEvent) -> str:
    return datetime.fromtimestamp(event.at, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def _line(event: EngineEvent) -> str:
    said = ", ".join(f"{key}={value}" for key, value in sorted(event.attributes.items()))
    return f"{_time(event)} {event.kind} {event.action} {event.id} ({said})"


def _json(event: EngineEvent) -> str:
    data = {
        "time": datetime.fromtimestamp(event.at, UTC).isoformat(), "type": event.kind, "action": event.action,
        "id": event.id, "service": event.address.name if event.address else "", "address": str(event.address),
        "attributes": dict(event.attributes),
    }  # fmt: skip
    return json.dumps(data, ensure_ascii=False)
