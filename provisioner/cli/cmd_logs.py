"""`provision logs`: what the services say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from provisioner.cli.command import OPERATE, Command
from provisioner.cli.completion import SERVICE, TARGET, words
from provisioner.cli.options import json_option
from provisioner.errors import Interrupted, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from provisioner.app.logs import LogLine
    from provisioner.app.plays import PlayRequest
    from provisioner.cli.settings import Settings
    from provisioner.render.paint import Paint


@click.command(
    "logs",
    cls=Command,
    purpose=OPERATE,
    short_help="Show what the services say.",
    examples=(
        ("provision logs telecom/dev", "all services"),
        ("provision logs telecom/dev ingest -f --since 5m", "one service, and what comes next"),
        ("provision logs -f --tail 20 ingest", "the default playbook's; -f means --follow here"),
    ),
    see="The first argument is the TARGET where a playbook of that name is there, otherwise a service of the default "
    "playbook. After `logs`, -f is --follow; write --file for playbook files, or -f before the command.",
)
@click.argument("arguments", metavar="[TARGET] [SERVICE]...", nargs=-1, type=words(TARGET, SERVICE))
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes next, until Ctrl-C.")
@click.option("--since", metavar="WHEN", help="Only what is newer: 5m, 2h, or a time such as 2025-01-31T12:00:00Z.")
@click.option("--until", metavar="WHEN", help="Only what is older: 5m, or a time.")
@click.option("--index", type=click.IntRange(min=1), help="Only of this replica of one service.")
@click.option("-n", "--tail", metavar="N", help="Only the last N lines of each container, or 'all'.")
@click.option("-t", "--timestamps", is_flag=True, help="Begin each line with its time.")
@click.option("--no-log-prefix", is_flag=True, help="Do not begin lines with the service's address.")
@json_option
@click.pass_obj
def command(
    settings: Settings,
    arguments: tuple[str, ...],
    follow: bool,
    since: str | None,
    until: str | None,
    index: int | None,
    tail: str | None,
    timestamps: bool,
    no_log_prefix: bool,
    as_json: bool,
) -> int:
    """Show the output of services, each line with the address of the replica that wrote it."""
    target, services = settings.split(arguments)
    lines = _count(tail)
    if index is not None and len(services) != 1:
        raise UsageError("--index is a replica of one service, which is to be named")
    if until is not None and follow:
        raise UsageError("--until ends what --follow goes on with: give one of them")
    plays = settings.plays(target)

    def tell(text: str) -> None:
        if not settings.quiet:
            settings.err().write(f"{text}\n")

    entries: Iterator[tuple[PlayRequest | None, LogLine]]
    if plays is not None:
        from provisioner.app.play_logs import logs_of_plays

        entries = logs_of_plays(
            plays,
            services,
            follow=follow,
            since=since,
            until=until,
            index=index,
            tail=lines,
            timestamps=timestamps,
            tell=tell,
        )
    else:
        from provisioner.app.logs import logs

        request = settings.request(target)
        log_entries = logs(
            request,
            services,
            follow=follow,
            since=since,
            until=until,
            index=index,
            tail=lines,
            timestamps=timestamps,
            tell=tell,
        )
        entries = ((None, entry) for entry in log_entries)
    out = settings.out()
    prefix = prefixes(out.paint)
    try:
        for play, entry in entries:
            address = str(entry.address)
            if as_json:
                named = {"play": play.name} if play else {}
                out.write(json.dumps({**named, "address": address, "text": entry.text}, ensure_ascii=False) + "\n")
            else:
                place = f"{play.request.target} {address}" if play else address
                out.write(f"{'' if no_log_prefix else prefix(place)}{entry.text}\n", verbatim=True)
            if out.closed:
                break
    except KeyboardInterrupt:
        if not follow:
            raise
        return Interrupted.exit_code
    return 0


def _count(tail: str | None) -> int | None:
    if tail is None or tail == "all":
        return None
    if tail.isascii() and tail.isdigit():
        return int(tail)
    raise UsageError(f"--tail '{tail}' is neither a number of lines nor 'all'")


def prefixes(paint: Paint) -> Callable[[str], str]:
    """Prefixes of one width, as far as the addresses are known, each address in a colour of its own."""
    colors = (paint.cyan, paint.green, paint.yellow)
    seen: dict[str, int] = {}

    def prefix(address: str) -> str:
        number = seen.setdefault(address, len(seen))
        width = max(len(name) for name in seen)
        return f"{colors[number % len(colors)](address.ljust(width))} | "

    return prefix
