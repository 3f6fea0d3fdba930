"""`provision exec`: run a command in a running service."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from provisioner.cli.command import OPERATE, Command, require_before_service
from provisioner.cli.completion import SERVICE, TARGET, words
from provisioner.cli.settings import own_variables
from provisioner.errors import UsageError

if TYPE_CHECKING:
    from provisioner.cli.settings import Settings


@click.command(
    "exec",
    cls=Command,
    purpose=OPERATE,
    short_help="Run a command in a running service.",
    context_settings={"allow_interspersed_args": False},
    examples=(
        ("provision exec telecom/dev postgres psql -U telecom", "interactive, where there is a terminal"),
        ("provision exec -T telecom/dev postgres pg_dump > dump.sql", "without a terminal, for pipes"),
        ("provision exec --index 2 telecom/dev api sh", "in the second replica"),
    ),
    see="Options stand before the first argument; everything after SERVICE belongs to the command. After `exec`, -e "
    "is a variable for the command. The exit code is the command's.",
)
@click.argument(
    "arguments", metavar="[TARGET] SERVICE COMMAND...", nargs=-1, type=words(TARGET, SERVICE, repeats=False)
)
@click.option("-T", "--no-tty", "--no-TTY", "no_tty", is_flag=True, help="Without a terminal.")
@click.option("-i", "--interactive", is_flag=True, hidden=True, help="Compose has it: input is always handed on.")
@click.option("-t", "--tty", is_flag=True, hidden=True, help="Compose has it: there is a terminal where there is one.")
@click.option("--privileged", is_flag=True, help="With all capabilities.")
@click.option("-d", "--detach", is_flag=True, help="Do not wait for its end.")
@click.option("--index", type=click.IntRange(min=1), default=1, show_default=True, help="Which replica.")
@click.option("-u", "--user", default="", metavar="USER", help="The user to run it as.")
@click.option("-w", "--workdir", default="", metavar="DIR", help="The folder to run it in.")
@click.option(
    "-e",
    "--env",
    "env",
    multiple=True,
    metavar="NAME[=VALUE]",
    help="A variable for it; without a value this process's own. Repeatable.",
)
@click.pass_obj
def command(
    settings: Settings,
    arguments: tuple[str, ...],
    no_tty: bool,
    interactive: bool,
    tty: bool,
    privileged: bool,
    detach: bool,
    index: int,
    user: str,
    workdir: str,
    env: tuple[str, ...],
) -> int:
    """Run a command in a running service."""
    target, rest = settings.split(arguments)
    if len(rest) < 2:
        wanted = "SERVICE and COMMAND" if not rest else "COMMAND"
        raise UsageError(f"provision exec: {wanted} missing", hint="provision exec [TARGET] SERVICE COMMAND...")
    require_before_service(rest[:2])
    request = settings.request(target)
    from provisioner.app.execute import execute

    service, *words = rest
    return execute(
        request,
        service,
        words,
        index=index,
        user=user,
        workdir=workdir,
        env=own_variables(env, settings.environment),
        tty=not no_tty and not detach and sys.stdin.isatty() and sys.stdout.isatty(),
        detach=detach,
        privileged=privileged,
    )
