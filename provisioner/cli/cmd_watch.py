"""`provision watch`: running services follow the sources that somebody works on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provisioner.cli.command import OPERATE, Command
from provisioner.cli.completion import SERVICE, TARGET, words
from provisioner.cli.interrupt import interruptible
from provisioner.cli.options import yes_option
from provisioner.cli.progress_listener import progress_listener
from provisioner.errors import Interrupted

if TYPE_CHECKING:
    from provisioner.cli.settings import Settings


@click.command(
    "watch",
    cls=Command,
    purpose=OPERATE,
    short_help="Copy, restart or rebuild as files change.",
    examples=(
        ("provision watch campaign/dev", "applies, then follows every service with develop.watch"),
        ("provision watch campaign/dev api --no-up", "only one service, as it runs now"),
    ),
    see="Ctrl-C ends it. A rebuild is an apply of that one service, without a question.",
)
@click.argument("arguments", metavar="[TARGET] [SERVICE]...", nargs=-1, type=words(TARGET, SERVICE))
@click.option("--no-up", is_flag=True, help="Do not apply first.")
@click.option(
    "--interval", type=click.FloatRange(min=0.05), default=0.5, show_default=True, metavar="SECONDS",
    help="How often files are looked at.",
)  # fmt: skip
@yes_option
@click.pass_obj
def command(settings: Settings, arguments: tuple[str, ...], no_up: bool, interval: float, yes: bool) -> int:
    """Do what develop.watch says whenever files change: sync, rebuild, restart, sync+restart, sync+exec."""
    target, services = settings.split(arguments)
    request = settings.request(target)
    if not no_up:
        from provisioner.app.apply_request import apply
        from provisioner.cli.carry_out import carry_out
        from provisioner.model.plan import Policy

        code = carry_out(
            settings,
            lambda approve, listener, interrupt: apply(
                request, Policy(), {}, approve=approve, listener=listener, verify=False, interrupt=interrupt
            ),
            as_json=False,
            yes=yes,
            question="Apply this to {title} on {engine} and watch?",
        )
        if code:
            return code
    from provisioner.app.watch import Watch

    out = settings.out()
    with interruptible(deferred=True) as interrupt:
        watch = Watch(
            request,
            services,
            report=lambda line: out.write(f"{line}\n"),
            open_listener=lambda: progress_listener(settings, as_json=False),
        )
        watch.run(interrupt, interval=interval)
    return Interrupted.exit_code
