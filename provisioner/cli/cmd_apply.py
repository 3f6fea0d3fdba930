"""`provision apply`: make it so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from provisioner.cli.command import PLAN, Command
from provisioner.cli.options import (
    json_option,
    parallel_option,
    plan_options,
    policy,
    scales,
    target_argument,
    wait_timeout_option,
    yes_option,
)
from provisioner.cli.target import is_file
from provisioner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from provisioner.app.apply import ApplyResult
    from provisioner.app.saved_plan import SavedPlan
    from provisioner.cli.settings import Settings
    from provisioner.model.plan import Plan
    from provisioner.ports import Interrupt, Listener

QUESTION = "Apply these changes to {title} on {engine}?"


def kept_plan(target: str | None) -> SavedPlan | None:
    """The plan that TARGET names, where it is a file that `plan -o` wrote."""
    path = Path(target) if target else None
    if path is None or not is_file(str(path)):
        return None
    from provisioner.app.saved_plan import is_plan, load

    return load(path) if is_plan(path) else None


@click.command(
    "apply",
    cls=Command,
    purpose=PLAN,
    streams_json=True,
    short_help="Bring the engine to what the playbook declares.",
    examples=(
        ("provision apply telecom/dev", "show the plan, ask, do it, run the checks"),
        ("provision apply telecom/dev --yes", "do not ask; needed where there is no terminal"),
        ("provision apply --check --detailed-exitcode", "only look; exit 2 when changes are pending"),
        ("provision apply --target service.api --scale api=3", "only one service, with three replicas"),
        ("provision apply prod.plan", "exactly the plan that `plan -o prod.plan` kept; refused if anything moved"),
    ),
    see="Ctrl-C once finishes what is in hand, so that nothing stays down, and says what is done and what is not; "
    "twice stops at once. The same command continues where it ended.",
)
@target_argument
@yes_option
@click.option("--check", is_flag=True, help="Stop after the plan.")
@click.option("--detailed-exitcode", is_flag=True, help="With --check: exit 2 when changes are pending.")
@plan_options
@parallel_option
@wait_timeout_option
@click.option("--no-verify", is_flag=True, help="Do not run the playbook's checks afterwards.")
@json_option
@click.pass_obj
def command(
    settings: Settings,
    target: str | None,
    yes: bool,
    check: bool,
    detailed_exitcode: bool,
    addresses: tuple[str, ...],
    scale: tuple[str, ...],
    prune: bool,
    parallel: int,
    wait_timeout: float | None,
    no_verify: bool,
    as_json: bool,
) -> int:
    """Bring the engine to the state that the playbook declares: the plan is shown, confirmed, carried out and proven.

    On a terminal you are asked first; elsewhere --yes is needed.
    """
    permitted = policy(addresses, prune=prune, parallel=parallel, wait_timeout=wait_timeout or 0.0)
    replicas = scales(scale)
    saved = kept_plan(target)
    if saved is not None:
        if addresses or scale or prune or check:
            raise UsageError(f"{target} is a plan: what it does is in it", hint="make another plan with these options")
        permitted = replace(saved.policy, parallel=parallel, wait_timeout=wait_timeout or 0.0)
        replicas, yes = saved.scale, True
    if check:
        from provisioner.cli.carry_out import only_look

        request = settings.request(target)
        from provisioner.app.plan import make_plan

        return only_look(settings, make_plan(request, permitted, replicas), as_json=as_json, detailed=detailed_exitcode)
    from provisioner.cli.confirm import require_answer

    require_answer(yes=yes)
    request = settings.planned(saved) if saved is not None else settings.request(target)
    from provisioner.app.apply import apply
    from provisioner.cli.carry_out import carry_out

    def act(approve: Callable[[Plan], bool], listener: Listener, interrupt: Interrupt) -> ApplyResult:
        return apply(
            request, permitted, replicas, approve=approve, listener=listener, verify=not no_verify, interrupt=interrupt,
            saved=saved,
        )  # fmt: skip

    return carry_out(settings, act, as_json=as_json, yes=yes, question=QUESTION)
