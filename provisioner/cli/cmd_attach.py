"""`provision attach`: join a running container."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provisioner.cli.command import OPERATE, Command
from provisioner.cli.completion import SERVICE, TARGET, words
from provisioner.errors import UsageError

if TYPE_CHECKING:
    from provisioner.cli.settings import Settings


@click.command(
    "attach",
    cls=Command,
    purpose=OPERATE,
    short_help="Join the input and output of a running container.",
    examples=(("provision attach console", "Ctrl-P Ctrl-Q leaves one with a terminal, and lets it run"),),
    see="What it said before is not shown: that is what logs does. Input is handed on to a service with stdin_open.",
)
@click.argument("arguments", metavar="[TARGET] SERVICE", nargs=-1, type=words(TARGET, SERVICE, repeats=False))
@click.option("--index", type=click.IntRange(min=1), default=1, show_default=True, help="Which replica.")
@click.option("--no-stdin", is_flag=True, help="Hand no input on.")
@click.option("--sig-proxy/--no-sig-proxy", "forward", default=True, help="Hand INT, TERM and HUP on to the container.")
@click.option("--detach-keys", default="", metavar="KEYS", help="What leaves it: ctrl-p,ctrl-q.")
@click.pass_obj
def command(
    settings: Settings, arguments: tuple[str, ...], index: int, no_stdin: bool, forward: bool, detach_keys: str
) -> int:
    """Join this terminal to a running container until that ends; the exit code is the container's."""
    target, rest = settings.split(arguments)
    if len(rest) != 1:
        raise UsageError("provision attach: expected one SERVICE", hint="provision attach [TARGET] SERVICE")
    request = settings.request(target)
    from provisioner.app.wait_end import attach
    from provisioner.cli.interrupt import interruptible

    with interruptible() as interrupt:
        return attach(
            request, rest[0], index=index, stdin=not no_stdin, forward=interrupt.signal_name if forward else None,
            detach_keys=detach_keys, interrupt=interrupt,
        )  # fmt: skip
