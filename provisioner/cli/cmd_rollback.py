"""`provision rollback`: apply an earlier revision again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

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

if TYPE_CHECKING:
    from collections.abc import Callable

    from provisioner.app.apply import ApplyResult
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
    after an apply that failed, the last good one. The rollback becomes a revision of its own.
    """
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
