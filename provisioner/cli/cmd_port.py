"""`provision port`: where a port of a service is published."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provisioner.cli.command import LOOK, Command
from provisioner.cli.completion import NOTHING, SERVICE, TARGET, words
from provisioner.errors import UsageError

if TYPE_CHECKING:
    from provisioner.cli.settings import Settings


@click.command(
    "port",
    cls=Command,
    purpose=LOOK,
    short_help="Show where a port of a service is published.",
    examples=(
        ("provision port web 80", "0.0.0.0:8080"),
        ("provision port telecom/dev dns 53/udp", "of another protocol"),
    ),
)
@click.argument(
    "arguments", metavar="[TARGET] SERVICE PORT", nargs=-1, type=words(TARGET, SERVICE, NOTHING, repeats=False)
)
@click.option("--protocol", type=click.Choice(["tcp", "udp", "sctp"]), default="tcp", show_default=True)
@click.option("--index", type=click.IntRange(min=1), default=1, show_default=True, help="Which replica.")
@click.pass_obj
def command(settings: Settings, arguments: tuple[str, ...], protocol: str, index: int) -> int:
    """Print the address and port of the host at which a port of a service is published."""
    target, rest = settings.split(arguments)
    if len(rest) != 2:
        raise UsageError("provision port: expected SERVICE and PORT", hint="provision port [TARGET] SERVICE PORT")
    number, _, named = rest[1].partition("/")
    if not (number.isascii() and number.isdigit() and 0 < int(number) < 65536):
        raise UsageError(f"'{rest[1]}' is no port", hint="a number from 1 to 65535, as in `ports`: 80, 53/udp")
    request = settings.request(target)
    from provisioner.app.looks import port

    settings.out().write(port(request, rest[0], int(number), named or protocol, index) + "\n")
    return 0
