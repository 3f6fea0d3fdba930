"""`provision secrets key`: the key by which secrets are compared, carried to another machine, or renewed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from provisioner.cli.command import OPERATE, Command
from provisioner.cli.completion import FILE, TARGET, words
from provisioner.cli.group import Group
from provisioner.cli.options import json_option, lock_timeout_option, target_argument, wait_timeout_option, yes_option
from provisioner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from provisioner.app.apply import ApplyResult
    from provisioner.cli.settings import Settings
    from provisioner.model.plan import Plan
    from provisioner.model.secret import SecretValue
    from provisioner.ports import Interrupt, Listener

_LONGEST = 200


@click.command(
    "export",
    cls=Command,
    purpose=OPERATE,
    short_help="Bring the key to a file, the OS keyring, or a pipe.",
    examples=(
        ("provision secrets key export shop/prod --to shop-prod.key", "a file of mode 0600"),
        ("provision secrets key export shop/prod --to keyring:shop-prod", "an item of the OS keyring"),
        ("provision secrets key export shop | ssh build provision secrets key import shop -", "through a pipe"),
    ),
    see="Keep it as you keep the values: with it, guesses at a value can be tried against the labels on the engine.",
)
@target_argument
@click.option("--to", "place", metavar="PLACE", help="FILE, keyring:NAME, or - for standard output.")
@click.pass_obj
def export(settings: Settings, target: str | None, place: str | None) -> int:
    """Write the environment's fingerprint key. It is not printed on a terminal unless `--to -` says so."""
    request = settings.request(target)
    from provisioner.app.secret_key import export_key, read_key

    if place is None and sys.stdout is not None and sys.stdout.isatty():
        raise UsageError("the key would be shown on the terminal", hint="say --to FILE, --to keyring:NAME or --to -")
    if place in (None, "-"):
        settings.out().write(read_key(request).reveal().decode())
        return 0
    where = export_key(request, str(place))
    if not settings.quiet:
        settings.err().write(f"The key is in {where}.\n")
    return 0


@click.command(
    "import",
    cls=Command,
    purpose=OPERATE,
    short_help="Keep a key that comes from another machine.",
    examples=(
        ("provision secrets key import shop/prod --from shop-prod.key", "from a file"),
        ("provision secrets key import shop/prod -", "from standard input"),
    ),
)
@click.argument("arguments", metavar="[TARGET] [-]", nargs=-1, type=words(TARGET))
@click.option("--from", "place", metavar="FILE", type=FILE, help="The file with the key.")
@click.option("--replace", is_flag=True, help="Also where another key is there.")
@click.pass_obj
def import_(settings: Settings, arguments: tuple[str, ...], place: str | None, replace: bool) -> int:
    """Keep the environment's fingerprint key beside the playbook, or where PROVISION_FINGERPRINT_KEY_FILE says."""
    targets = [argument for argument in arguments if argument != "-"]
    if len(targets) > 1 or (place is not None) == ("-" in arguments):
        raise UsageError("where is the key?", hint="secrets key import [TARGET] --from FILE, or - for standard input")
    request = settings.request(targets[0] if targets else None)
    from provisioner.app.secret_key import import_key

    path, identity = import_key(request, _given(request.directory, place), replace=replace)
    if not settings.quiet:
        settings.err().write(f"The key {identity} is kept in {path}.\n")
    return 0


@click.command(
    "rotate",
    cls=Command,
    purpose=OPERATE,
    streams_json=True,
    short_help="A new key: every secret gets a new version.",
    examples=(("provision secrets key rotate shop/prod", "makes a key, shows the plan, asks"),),
    see="Each service that has a secret gets one update, and has to prove itself. A plan that is declined leaves the "
    "old key. Other machines need the new one then: provision secrets key export.",
)
@target_argument
@yes_option
@wait_timeout_option
@lock_timeout_option
@json_option
@click.pass_obj
def rotate(
    settings: Settings, target: str | None, yes: bool, wait_timeout: float | None, lock_timeout: float, as_json: bool
) -> int:
    """Replace the environment's fingerprint key, and give every secret a version that is made with the new one."""
    from provisioner.cli.confirm import require_answer

    require_answer(yes=yes)
    request = settings.request(target)
    from provisioner.app.apply_request import apply
    from provisioner.app.secret_key import import_key, new_key
    from provisioner.cli.carry_out import carry_out
    from provisioner.model.plan import Policy

    permitted = Policy(accept_new_key=True, wait_timeout=wait_timeout or 0.0, lock_timeout=lock_timeout)
    before = new_key(request)
    began: list[bool] = []

    def act(approve: Callable[[Plan], bool], listener: Listener, interrupt: Interrupt) -> ApplyResult:
        def agreed(plan: Plan) -> bool:
            answer = approve(plan)
            if answer and not plan.refusals:
                began.append(True)
            return answer

        return apply(request, permitted, {}, approve=agreed, listener=listener, verify=True, interrupt=interrupt)

    try:
        return carry_out(settings, act, as_json=as_json, yes=yes, question="Give all secrets of {title} new versions?")
    finally:
        if before is not None and not began:
            import_key(request, before, replace=True)


def _given(directory: str, place: str | None) -> SecretValue:
    from provisioner.model.secret import SecretValue
    from provisioner.secrets import private_file

    if place is None:
        return SecretValue(sys.stdin.buffer.read(_LONGEST))
    file = private_file.read(Path(directory, place), only_owner=True)
    if file is None:
        raise UsageError(f"there is no {place}")
    return SecretValue(file.content)


key = Group(
    "key",
    purpose=OPERATE,
    members=(export, import_, rotate),
    help="The key by which secrets are compared: HMAC-SHA-256 keyed with it tells an unchanged value from a new one.",
    short_help="export, import, rotate: the key by which secrets are compared.",
    examples=(("provision secrets key export shop/prod --to keyring:shop-prod", "for another machine"),),
)
