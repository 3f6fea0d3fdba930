"""`provision apply`: make it so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from provisioner.cli.command import PLAN, Command
from provisioner.cli.completion import TARGET_OR_FILE
from provisioner.cli.options import (
    insecure_transport_option,
    json_option,
    keep_going_option,
    lock_timeout_option,
    parallel_option,
    plan_options,
    policy,
    scales,
    wait_timeout_option,
    yes_option,
)
from provisioner.document.paths import is_file
from provisioner.errors import UsageError
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from provisioner.app.apply import ApplyResult
    from provisioner.app.apply_plays import Approve, OpenListener, PlaysResult
    from provisioner.app.approved_digest import ApprovedDigest, ApprovedDigestOfPlays
    from provisioner.app.plays import PlayList
    from provisioner.app.saved_plan import SavedPlan
    from provisioner.app.saved_plays import SavedPlays
    from provisioner.cli.settings import Settings
    from provisioner.model.plan import Plan, Policy
    from provisioner.model.play import PlayResult
    from provisioner.ports import Interrupt, Listener

QUESTION = "Apply these changes to {title} on {engine}?"


def kept_plan(target: str | None) -> SavedPlan | SavedPlays | None:
    """The plan that TARGET names, where it is a file that `plan -o` wrote."""
    path = Path(target) if target else None
    if path is None or not is_file(str(path)):
        return None
    from provisioner.app.saved_plan import is_plan
    from provisioner.app.saved_plays import load_any

    return load_any(path) if is_plan(path) else None


@dataclass(frozen=True, slots=True)
class _Meant:
    """What is to be applied: the plays of a list, and the saved plan that it is from; neither for a playbook."""

    plays: PlayList | None = None
    saved: SavedPlan | None = None
    saved_plays: SavedPlays | None = None
    digest: ApprovedDigest | None = None

    @property
    def approved(self) -> SavedPlan | ApprovedDigest | None:
        """What one environment's plan must be the same as."""
        return self.saved or self.digest

    @property
    def approved_plays(self) -> SavedPlays | ApprovedDigestOfPlays | None:
        """What the plans of a list must be the same as."""
        if self.digest is None:
            return self.saved_plays
        from provisioner.app.approved_digest import ApprovedDigestOfPlays

        return ApprovedDigestOfPlays(self.digest)


def _meant(settings: Settings, saved: SavedPlan | SavedPlays | None, target: str | None, digest: str | None) -> _Meant:
    if saved is None:
        plays = settings.plays(target)
        if digest is None:
            return _Meant(plays)
        from provisioner.app.approved_digest import ApprovedDigest

        return _Meant(plays, digest=ApprovedDigest(digest))
    from provisioner.app.saved_plays import SavedPlays, list_of

    if isinstance(saved, SavedPlays):
        return _Meant(plays=list_of(saved, settings.planned(saved)), saved_plays=saved)
    return _Meant(saved=saved)


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
        ("provision apply prod", "where playbooks/prod.yml is a list: one play after the other, each verified"),
        ("provision apply prod --limit campaign", "only one play of it"),
        ("provision apply prod --digest DIGEST", "exactly the plan that was approved in a pull request, or nothing"),
        ("provision apply prod.plan", "exactly the plan that `plan -o prod.plan` kept; refused if anything moved"),
    ),
    see="Ctrl-C once finishes what is in hand, so that nothing stays down, and says what is done and what is not; "
    "twice stops at once. The same command continues where it ended.",
)
@click.argument("target", required=False, type=TARGET_OR_FILE)
@yes_option
@click.option("--check", is_flag=True, help="Stop after the plan.")
@click.option("--detailed-exitcode", is_flag=True, help="With --check: exit 2 when changes are pending.")
@plan_options
@parallel_option
@wait_timeout_option
@lock_timeout_option
@keep_going_option
@click.option("--no-verify", is_flag=True, help="Do not run the playbook's checks afterwards.")
@click.option("--parallel-plays", is_flag=True, help="Of a list of plays all at once, where their order is nothing.")
@click.option(
    "--digest",
    metavar="DIGEST",
    help="Do exactly the plan with this digest, which `plan` shows for pull requests, "
    "or nothing (exit 76). Does not ask.",
)
@insecure_transport_option
@json_option
@click.pass_obj
def command(
    settings: Settings,
    target: str | None,
    yes: bool,
    check: bool,
    detailed_exitcode: bool,
    addresses: tuple[str, ...],
    replaced: tuple[str, ...],
    rerun: tuple[str, ...],
    scale: tuple[str, ...],
    prune: bool,
    allow_empty: bool,
    accept_new_key: bool,
    parallel: int,
    wait_timeout: float | None,
    lock_timeout: float,
    keep_going: bool,
    no_verify: bool,
    parallel_plays: bool,
    digest: str | None,
    insecure_transport: bool,
    as_json: bool,
) -> int:
    """Bring the engine to the state that the playbook declares: the plan is shown, confirmed, carried out and proven.

    On a terminal you are asked first; elsewhere --yes is needed.
    """
    carrying_out: dict[str, Any] = {
        "parallel": parallel, "wait_timeout": wait_timeout or 0.0, "lock_timeout": lock_timeout,
        "keep_going": keep_going, "insecure_transport": insecure_transport,
    }  # fmt: skip
    permitted = policy(
        addresses, replaced, rerun, prune=prune, allow_empty=allow_empty, accept_new_key=accept_new_key, **carrying_out
    )
    replicas = scales(scale)
    saved = kept_plan(target)
    if saved is not None:
        if addresses or replaced or rerun or scale or prune or allow_empty or accept_new_key or check or digest:
            raise UsageError(f"{target} is a plan: what it does is in it", hint="make another plan with these options")
        permitted = replace(saved.policy, **carrying_out)
        replicas, yes = saved.scale, True
    if digest is not None and check:
        raise UsageError("--digest carries out a plan, and --check only looks", hint="leave one of them out")
    meant = _meant(settings, saved, target, digest)
    yes = yes or digest is not None
    if meant.plays is not None:
        return _apply_list(
            settings, meant, permitted, replicas, yes=yes, check=check, detailed=detailed_exitcode,
            verify=not no_verify, beside=parallel_plays, as_json=as_json,
        )  # fmt: skip
    if parallel_plays:
        raise UsageError("--parallel-plays is for a list of plays, and this is one environment")
    if check:
        from provisioner.cli.carry_out import only_look

        request = settings.request(target)
        from provisioner.app.plan_request import make_plan

        return only_look(settings, make_plan(request, permitted, replicas), as_json=as_json, detailed=detailed_exitcode)
    from provisioner.cli.confirm import require_answer

    require_answer(yes=yes)
    request = settings.planned(meant.saved) if meant.saved is not None else settings.request(target)
    from provisioner.app.apply_request import apply
    from provisioner.cli.carry_out import carry_out

    def act(approve: Callable[[Plan], bool], listener: Listener, interrupt: Interrupt) -> ApplyResult:
        return apply(
            request, permitted, replicas, approve=approve, listener=listener, verify=not no_verify, interrupt=interrupt,
            saved=meant.approved,
        )  # fmt: skip

    return carry_out(settings, act, as_json=as_json, yes=yes, question=QUESTION)


def _apply_list(
    settings: Settings,
    meant: _Meant,
    permitted: Policy,
    replicas: Mapping[str, int],
    *,
    yes: bool,
    check: bool,
    detailed: bool,
    verify: bool,
    beside: bool,
    as_json: bool,
) -> int:
    """Apply the plays of a list, or with `check` only show what would be done."""
    plays = meant.plays
    assert plays is not None
    from provisioner.cli.plays import APPLY_QUESTION, carry_out_plays, only_look_at_plans

    if check:
        from provisioner.app.approved_digest import digest_text_of_plays
        from provisioner.app.plan_plays import plan_plays

        planned = plan_plays(plays, permitted, replicas, in_order=not beside)
        return only_look_at_plans(
            settings, plays.title, [play.shown for play in planned], digest=digest_text_of_plays(planned),
            as_json=as_json, detailed=detailed,
        )  # fmt: skip
    from provisioner.cli.confirm import require_answer

    require_answer(yes=yes)
    from provisioner.app.apply_plays import apply_plays

    def act(
        approve: Approve, open_listener: OpenListener, ended: Callable[[PlayResult], None], interrupt: Interrupt
    ) -> PlaysResult:
        return apply_plays(
            plays, permitted, replicas, approve=approve, open_listener=open_listener, ended=ended, verify=verify,
            interrupt=interrupt, saved=meant.approved_plays, parallel=beside,
        )  # fmt: skip

    return carry_out_plays(settings, plays.title, act, as_json=as_json, yes=yes, beside=beside, question=APPLY_QUESTION)
