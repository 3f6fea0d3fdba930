"""`provision restore`: an archive's data into an environment."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from provisioner.cli.cmd_backup import identity_option, split_addresses
from provisioner.cli.command import OPERATE, Command
from provisioner.cli.completion import ADDRESSES_ONLY, ARCHIVE, TARGET, words
from provisioner.cli.options import json_option, lock_timeout_option, yes_option
from provisioner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from provisioner.app.apply import ApplyResult
    from provisioner.app.restore import RestoreResult
    from provisioner.app.restore_plan import RestorePlan
    from provisioner.app.undo import UndoPlan, UndoResult
    from provisioner.cli.settings import Settings
    from provisioner.model.node import JSON


@click.command(
    "restore",
    cls=Command,
    purpose=OPERATE,
    short_help="Put an archive's data into the environment.",
    examples=(
        ("provision restore latest campaign/prod", "shows what it would replace, and asks"),
        ("provision restore latest campaign/prod service.postgres", "only this"),
        ("provision restore latest campaign/prod --check", "only shows it"),
        ("provision restore latest campaign/prod --replace", "also where there are data now"),
        ("provision restore --undo campaign/prod", "the data of before the last restore again"),
        ("provision restore --undo campaign/prod volume.uploads", "only of this volume"),
    ),
    see="The archive is read to its end before anything is touched. Data that are replaced are kept in volumes beside "
    "(.before-restore) until --undo puts them back or --prune removes them; until then no restore replaces data of the "
    "same volume again. A restore that fails puts them back.",
)
@click.argument(
    "arguments", metavar="ARCHIVE [TARGET] [ADDRESS...]", nargs=-1, type=words(ARCHIVE, TARGET, ADDRESSES_ONLY)
)
@identity_option
@click.option("--replace", is_flag=True, help="Replace data that are there; they are kept beside.")
@click.option("--prune", is_flag=True, help="Remove kept data: earlier ones before, these once all checks have passed.")
@click.option("--undo", "undo_last", is_flag=True, help="Put back what the last restore replaced, or only ADDRESSES.")
@click.option("--no-verify", is_flag=True, help="Do not run the playbook's checks.")
@click.option("--check", is_flag=True, help="Stop after the plan.")
@yes_option
@lock_timeout_option
@json_option
@click.pass_obj
def command(
    settings: Settings,
    arguments: tuple[str, ...],
    identity: str | None,
    replace: bool,
    prune: bool,
    undo_last: bool,
    no_verify: bool,
    check: bool,
    yes: bool,
    lock_timeout: float,
    as_json: bool,
) -> int:
    """Restore the data of an archive: its name, or `latest`. Everything in it, or only some addresses."""
    from provisioner.cli.confirm import require_answer
    from provisioner.cli.interrupt import interruptible
    from provisioner.cli.progress_listener import progress_listener

    if not check:
        require_answer(yes=yes)
    if undo_last:
        return _undo(settings, arguments, yes=yes, check=check, lock_timeout=lock_timeout, as_json=as_json)
    if not arguments:
        raise UsageError("which archive?", hint="provision backup list shows them; `latest` is the newest")
    target, addresses = split_addresses(arguments[1:])
    request = settings.request(target)
    from provisioner.app.restore import Options, restore

    began = time.monotonic()
    approve = approval(settings, yes=yes, check=check, as_json=as_json)
    options = Options(identity, replace, prune, not no_verify, lock_timeout)
    with interruptible() as interrupt, progress_listener(settings, as_json=False, silent=as_json) as listener:
        result = restore(
            request, arguments[0], addresses, options, approve=approve, listener=listener, interrupt=interrupt
        )
    tell(settings, result, time.monotonic() - began, as_json=as_json)
    return 0 if check and not result.plan.refusals else result.exit_code


def approval(settings: Settings, *, yes: bool, check: bool, as_json: bool) -> Callable[[RestorePlan], bool]:
    """What shows a plan and asks whether it is to be done; never where only a look was asked for."""
    from provisioner.cli.confirm import confirmed
    from provisioner.render.restore_text import restore_plan_text

    out = settings.out()

    def approve(plan: RestorePlan) -> bool:
        if not as_json:
            out.write_folded(restore_plan_text(plan, paint=out.paint))
        if check or plan.refusals:
            return False
        return yes or confirmed(settings, f"Restore these data into {plan.title}?")

    return approve


def _undo(
    settings: Settings, arguments: tuple[str, ...], *, yes: bool, check: bool, lock_timeout: float, as_json: bool
) -> int:
    from provisioner.app.undo import undo
    from provisioner.cli.confirm import confirmed
    from provisioner.cli.interrupt import interruptible
    from provisioner.cli.progress_listener import progress_listener
    from provisioner.render.restore_text import undo_plan_text

    target, addresses = split_addresses(arguments)
    request, out = settings.request(target), settings.out()

    def approve(plan: UndoPlan) -> bool:
        if not as_json:
            out.write_folded(undo_plan_text(plan, paint=out.paint))
        if check or plan.refusals:
            return False
        names = ", ".join(volume.address for volume in plan.volumes)
        question = f"Put these data back? What is in {names} now is lost." if names else "End that restore?"
        return yes or confirmed(settings, question)

    with interruptible() as interrupt, progress_listener(settings, as_json=False, silent=as_json) as listener:
        result = undo(
            request, addresses, approve=approve, listener=listener, interrupt=interrupt, lock_timeout=lock_timeout
        )
    if as_json:
        out.write_json(_undo_document(result))
    elif result.applied is not None:
        _tell_checks(settings, result.applied)
        out.write("The data of before the restore are back.\n")
    return 0 if check and not result.plan.refusals else result.exit_code


def tell(settings: Settings, result: RestoreResult, seconds: float, *, as_json: bool) -> None:
    """What became of a restore."""
    from provisioner.render.values import seconds as duration

    if as_json:
        settings.out().write_json(_document(result, seconds))
        return
    if result.applied is None:
        return
    _tell_checks(settings, result.applied)
    for name in result.kept:
        settings.out().write(f"The data of before are kept in {name}.\n")
    settings.out().write(f"{result.plan.title}: restored from {result.plan.origin.name} in {duration(seconds)}\n")


def _tell_checks(settings: Settings, applied: ApplyResult) -> None:
    from provisioner.render.checks_text import checks_text

    if applied.checks:
        settings.out().write(checks_text(applied.checks, paint=settings.out().paint))


def _undo_document(result: UndoResult) -> dict[str, JSON]:
    from provisioner.render.checks_json import check_json

    plan = result.plan
    volumes: list[JSON] = [
        {"address": volume.address, "since": volume.since, "kept": volume.kept} for volume in plan.volumes
    ]
    stay: list[JSON] = [{"address": former.address, "since": former.since, "kept": former.kept} for former in plan.stay]
    checks: list[JSON] = [dict(check_json(check)) for check in result.applied.checks] if result.applied else []
    return {
        "format_version": 1,
        "target": plan.title,
        "undone": result.applied is not None,
        "volumes": volumes,
        "stay": stay,
        "refusals": [str(problem) for problem in plan.refusals],
        "checks": checks,
    }


def _document(result: RestoreResult, seconds: float) -> dict[str, JSON]:
    from provisioner.render.checks_json import check_json

    plan = result.plan
    volumes: list[JSON] = [
        {
            "address": f"volume.{replaced.key}",
            "name": replaced.name,
            "replaced": replaced.holds,
            "size_before": replaced.size,
        }
        for replaced in plan.volumes
    ]
    checks: list[JSON] = [dict(check_json(check)) for check in result.checks]
    return {
        "format_version": 1,
        "target": plan.title,
        "archive": plan.origin.name,
        "restored": result.applied is not None,
        "volumes": volumes,
        "dumps": [part.address for part in plan.dumps],
        "stopped": list(plan.stopped),
        "masks": list(plan.masks),
        "jobs_again": list(plan.again),
        "refusals": [str(problem) for problem in plan.refusals],
        "kept": list(result.kept),
        "checks": checks,
        "seconds": round(seconds, 3),
    }
