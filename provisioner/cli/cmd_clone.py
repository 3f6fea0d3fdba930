"""`provision clone`: the data of one environment into another."""

from __future__ import annotations

import shlex
import time
from typing import TYPE_CHECKING

import click

from provisioner.cli.cmd_backup import identity_option
from provisioner.cli.cmd_restore import approval, tell
from provisioner.cli.command import OPERATE, Command
from provisioner.cli.completion import TARGET
from provisioner.cli.options import json_option, lock_timeout_option, yes_option

if TYPE_CHECKING:
    from provisioner.cli.settings import Settings


@click.command(
    "clone",
    cls=Command,
    purpose=OPERATE,
    short_help="Put the data of one environment into another, masked.",
    examples=(
        ("provision clone shop/prod shop/staging", "shows what it would replace, and asks"),
        ("provision clone shop/prod shop/staging --check", "only shows it"),
        ("provision clone shop/prod shop/staging --replace", "also where there are data now"),
    ),
    see="An archive of SOURCE is made, and restored into TARGET. There `backup.mask` of its services runs before "
    "anybody can reach the data: no port is published until then, and no other service runs. A mask that fails puts "
    "the data of before back.",
)
@click.argument("source", type=TARGET)
@click.argument("target", type=TARGET)
@identity_option
@click.option("--replace", is_flag=True, help="Replace data that are there; they are kept beside.")
@click.option("--prune", is_flag=True, help="Remove the data that were replaced once the checks have passed.")
@click.option("--no-verify", is_flag=True, help="Do not run the playbook's checks.")
@click.option("--check", is_flag=True, help="Stop after the plan.")
@yes_option
@lock_timeout_option
@json_option
@click.pass_obj
def command(
    settings: Settings,
    source: str,
    target: str,
    identity: str | None,
    replace: bool,
    prune: bool,
    no_verify: bool,
    check: bool,
    yes: bool,
    lock_timeout: float,
    as_json: bool,
) -> int:
    """Put the data of SOURCE into TARGET, masked as TARGET's services say."""
    from provisioner.cli.confirm import require_answer
    from provisioner.cli.interrupt import interruptible
    from provisioner.cli.progress_listener import progress_listener

    if not check:
        require_answer(yes=yes)
    requests = settings.request(source), settings.request(target)
    from provisioner.app.clone import clone
    from provisioner.app.restore import Options

    began = time.monotonic()
    approve = approval(settings, yes=yes, check=check, as_json=as_json)
    options = Options(identity, replace, prune, not no_verify, lock_timeout)
    again = f"provision clone {shlex.quote(source)} {shlex.quote(target)} --replace"
    with interruptible() as interrupt, progress_listener(settings, as_json=False, silent=as_json) as listener:
        result = clone(*requests, options, approve=approve, command=again, listener=listener, interrupt=interrupt)
    tell(settings, result, time.monotonic() - began, as_json=as_json)
    return 0 if check and not result.plan.refusals else result.exit_code
