"""`provision rollback`: apply an earlier revision again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from provisioner.cli.cmd_backup import identity_option
from provisioner.cli.command import PLAN, Command
from provisioner.cli.completion import REVISION, TARGET, words
from provisioner.cli.options import (
    insecure_transport_option,
    json_option,
    keep_going_option,
    lock_timeout_option,
    parallel_option,
    policy,
    wait_timeout_option,
    yes_option,
)
from provisioner.cli.target import numbered
from provisioner.errors import UsageError
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

    from provisioner.app.apply import ApplyResult
    from provisioner.app.request import Request
    from provisioner.app.restore import Options
    from provisioner.app.restore_plan import RestorePlan
    from provisioner.cli.settings import Settings
    from provisioner.model.plan import Plan
    from provisioner.ports import Interrupt, Listener

QUESTION = "Roll {title} on {engine} back like this?"


@click.command(
    "rollback",
    cls=Command,
    purpose=PLAN,
    streams_json=True,
    short_help="Apply an earlier revision again, with the versions that it had.",
    examples=(
        ("provision rollback telecom/prod", "the last good revision that declares something else"),
        ("provision rollback telecom/prod 3", "revision 3"),
        ("provision rollback 3 --check", "only show what would be done"),
        ("provision rollback telecom/prod 3 --with-data", "the data too, from the snapshot of then"),
    ),
    see="The engine keeps the version before of secrets and configs, so that the way back asks no tier. Older ones "
    "must still be in the files and tiers. What can not be had any more is named, and nothing is changed then.",
)
@click.argument("arguments", metavar="[TARGET] [N]", nargs=-1, type=words(TARGET, REVISION, repeats=False))
@yes_option
@click.option("--check", is_flag=True, help="Stop after the plan.")
@click.option(
    "--with-current", is_flag=True, help="Take secrets, configs and builds of today for those that can not be had."
)
@click.option("--with-data", is_flag=True, help="The data too, from the snapshot that was taken before it was left.")
@identity_option
@click.option("--prune", is_flag=True, help="Also delete objects that the earlier revision did not declare.")
@keep_going_option
@parallel_option
@wait_timeout_option
@lock_timeout_option
@click.option("--no-verify", is_flag=True, help="Do not run that revision's checks afterwards.")
@insecure_transport_option
@json_option
@click.pass_obj
def command(
    settings: Settings,
    arguments: tuple[str, ...],
    yes: bool,
    check: bool,
    with_current: bool,
    with_data: bool,
    identity: str | None,
    prune: bool,
    keep_going: bool,
    parallel: int,
    wait_timeout: float | None,
    lock_timeout: float,
    no_verify: bool,
    insecure_transport: bool,
    as_json: bool,
) -> int:
    """Apply an earlier revision again: its playbook, with the secrets, configs and builds that it had.

    Without N it is the last revision that declares something else than the last one and whose checks did not fail;
    after an apply that failed or was of a part, the last good one. The rollback becomes a revision of its own.
    """
    from provisioner.app.restore import Options
    from provisioner.cli.carry_out import carry_out, only_look
    from provisioner.cli.confirm import require_answer

    target, number = numbered(arguments)
    permitted = policy(
        prune=prune,
        keep_going=keep_going,
        parallel=parallel,
        wait_timeout=wait_timeout or 0.0,
        lock_timeout=lock_timeout,
        insecure_transport=insecure_transport,
    )
    if not check:
        require_answer(yes=yes)
    request = settings.request(target)
    if with_data:
        if prune or keep_going:
            raise UsageError("--with-data goes with neither --prune nor --keep-going")
        options = Options(identity, replace=True, verify=not no_verify, lock_timeout=lock_timeout)
        wishes = _Wishes(yes=yes, check=check, current=with_current, as_json=as_json)
        return _with_data(settings, request, number, options, wishes)
    from provisioner.app.rollback import plan_rollback, rollback

    if check:
        plan = plan_rollback(request, number, permitted, current=with_current)
        return only_look(settings, plan, as_json=as_json, detailed=False)

    def act(approve: Callable[[Plan], bool], listener: Listener, interrupt: Interrupt) -> ApplyResult:
        return rollback(
            request, number, permitted, current=with_current, approve=approve, listener=listener,
            verify=not no_verify, interrupt=interrupt,
        )  # fmt: skip

    return carry_out(settings, act, as_json=as_json, yes=yes, question=QUESTION)


@dataclass(frozen=True, slots=True)
class _Wishes:
    """How a rollback with data is asked for."""

    yes: bool
    check: bool
    current: bool
    as_json: bool


def _with_data(settings: Settings, request: Request, number: int | None, options: Options, wishes: _Wishes) -> int:
    from provisioner.app.rollback_data import rollback_with_data
    from provisioner.cli.cmd_restore import approval, tell
    from provisioner.cli.interrupt import interruptible
    from provisioner.cli.progress_listener import progress_listener
    from provisioner.render.plan_text import plan_text

    out, began = settings.out(), time.monotonic()
    ask = approval(settings, yes=wishes.yes, check=wishes.check, as_json=wishes.as_json)

    def approve(ahead: Plan, plan: RestorePlan) -> bool:
        if not wishes.as_json:
            out.write(plan_text(ahead, paint=out.paint))
        return ask(plan)

    with interruptible() as interrupt, progress_listener(settings, as_json=False, silent=wishes.as_json) as listener:
        result = rollback_with_data(
            request, number, options, current=wishes.current, approve=approve, listener=listener, interrupt=interrupt
        )
    tell(settings, result, time.monotonic() - began, as_json=wishes.as_json)
    return 0 if wishes.check and not result.plan.refusals else result.exit_code
