"""`provision plan`: what an apply would do, and why."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from provisioner.cli.command import PLAN, Command
from provisioner.cli.formats import ANNOTATIONS, findings_output
from provisioner.cli.options import (
    insecure_transport_option,
    json_option,
    made_anew,
    narrowed,
    plan_options,
    policy,
    scales,
    target_argument,
)
from provisioner.errors import SecretUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioner.app.plays import PlayList
    from provisioner.cli.settings import Settings
    from provisioner.model.plan import Plan, Policy

PENDING = 2


@click.command(
    "plan",
    cls=Command,
    purpose=PLAN,
    short_help="Show what apply would do, and why; reads only.",
    examples=(
        ("provision plan telecom/dev", "the plan for playbooks/telecom/dev.yml"),
        ("provision plan -f compose.yaml", "for a Compose file"),
        ("provision plan --detailed-exitcode", "exit 2 when changes are pending, for CI"),
        ("provision plan --json | jq .summary", "for programs"),
        ("provision plan prod --format markdown", "for a pull request, with the digest to approve"),
        ("provision plan prod -o prod.plan", "keep it, to `provision apply prod.plan` exactly this"),
    ),
)
@target_argument
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Keep the plan in a file for `provision apply FILE`; no secret is in it.",
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when changes are pending, 0 when none are.")
@plan_options
@click.option("--diff/--no-diff", default=True, help="Show each field that differs (default), or only the objects.")
@insecure_transport_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "markdown", *ANNOTATIONS]),
    default="text",
    show_default=True,
    help="How it is written: markdown for a pull request, with the digest to approve; github, "
    "gitlab as annotations beside the lines.",
)
@json_option
@click.pass_obj
def command(
    settings: Settings,
    target: str | None,
    output: str | None,
    detailed_exitcode: bool,
    addresses: tuple[str, ...],
    replaced: tuple[str, ...],
    rerun: tuple[str, ...],
    scale: tuple[str, ...],
    prune: bool,
    allow_empty: bool,
    accept_new_key: bool,
    diff: bool,
    insecure_transport: bool,
    form: str,
    as_json: bool,
) -> int:
    """Show what `apply` would do to bring the engine to the state that the playbook declares, and why.

    Every field of every object is compared with the live engine. Nothing is changed, on no account.
    """
    form = "json" if as_json else form
    permitted = policy(
        addresses, replaced, rerun, prune=prune, allow_empty=allow_empty, accept_new_key=accept_new_key,
        insecure_transport=insecure_transport,
    )  # fmt: skip
    replicas = scales(scale)
    again = narrowed(addresses, scale, prune=prune, allow_empty=allow_empty, accept_new_key=accept_new_key)
    again += made_anew(replaced, rerun)
    again += ["--insecure-transport"] if insecure_transport else []
    plays = settings.plays(target)
    if plays is not None:
        return _plan_list(
            settings, plays, permitted, replicas, output=output, form=form, differences=diff,
            detailed=detailed_exitcode, target=target, again=again,
        )  # fmt: skip
    request = settings.request(target)
    from provisioner.app.plan_request import make_plan

    plan = make_plan(request, permitted, replicas, output=Path(output) if output else None)
    if output and plan.refusals:
        _warn_not_kept(settings, output)
    kept = output is not None and not plan.refusals
    return show_plan(
        settings, plan, form=form, differences=diff, detailed=detailed_exitcode,
        target=output if kept else target, again=[] if kept else again, kept=kept,
    )  # fmt: skip


def _plan_list(
    settings: Settings,
    plays: PlayList,
    permitted: Policy,
    replicas: Mapping[str, int],
    *,
    output: str | None,
    form: str,
    differences: bool,
    detailed: bool,
    target: str | None,
    again: Sequence[str],
) -> int:
    """The plans of a list of plays."""
    from provisioner.app.plan_plays import plan_plays
    from provisioner.cli.plays import show_plans

    planned = plan_plays(plays, permitted, replicas)
    refused = any(play.prepared.plan.refusals for play in planned)
    if output and refused:
        _warn_not_kept(settings, output)
    elif output:
        from provisioner.app.saved_plays import save_plays

        save_plays(Path(output), plays, settings.selection(), permitted, replicas, planned)
        target, again = output, []
    from provisioner.app.approved_digest import digest_text_of_plays

    plans = tuple(play.shown for play in planned)
    return show_plans(
        settings, plays.title, plans, form=form, differences=differences, detailed=detailed, target=target,
        again=again, digest=digest_text_of_plays(planned), kept=bool(output) and not refused,
    )  # fmt: skip


def _warn_not_kept(settings: Settings, output: str) -> None:
    err = settings.err()
    err.write(f"{err.paint.yellow('warning:')} a plan that is refused is not kept: {output} is as it was\n")


def show_plan(
    settings: Settings,
    plan: Plan,
    *,
    form: str = "text",
    differences: bool = True,
    detailed: bool,
    target: str | None,
    again: Sequence[str] = (),
    kept: bool = False,
) -> int:
    """Print a plan and return the exit code that goes with it. `again`: what an apply of this plan needs besides;
    `kept`: whether `target` is the file that the plan is in.
    """
    from provisioner.render.plan_text import can_be_adopted

    out = settings.out()
    said = settings.of_plan_file() if kept else settings
    adopting = can_be_adopted(plan)
    next_command = shlex.join(["provision", "adopt" if adopting else "apply", *said.typed(target)])
    next_command += "" if adopting or not again else f" {shlex.join(again)}"
    if form == "json":
        from provisioner.render.plan_json import plan_json

        out.write_json(plan_json(plan))
    elif form == "markdown":
        from provisioner.render.plan_markdown import plan_markdown

        out.write(plan_markdown(plan, next_command, kept=kept))
    elif form in ANNOTATIONS:
        from provisioner.render.plan_findings import findings_of_plan

        out.write(findings_output(findings_of_plan(plan), form))
    else:
        from provisioner.render.plan_text import plan_text

        text = plan_text(
            plan, paint=out.paint, next_command="" if settings.quiet else next_command, differences=differences,
            width=out.columns, detailed=settings.verbose,
        )  # fmt: skip
        out.write(text)
    return plan_exit_code(plan, detailed=detailed)


def plan_exit_code(plan: Plan, *, detailed: bool) -> int:
    """1 for a plan that would be refused; with `detailed` 2 when changes are pending; 77 for secrets that can not be
    compared; else 0."""
    from provisioner.render.summary import summarize

    if plan.refusals:
        return 1
    if detailed and summarize(plan).pending:
        return PENDING
    return SecretUnavailable.exit_code if plan.incomparable else 0
