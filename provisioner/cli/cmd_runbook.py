"""`provision runbook`: a deploy runbook for an environment and the plan of now."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from provisioner.cli.command import PLAN, Command
from provisioner.cli.completion import FILE
from provisioner.cli.options import made_anew, narrowed, plan_options, policy, scales, target_argument

if TYPE_CHECKING:
    from provisioner.cli.settings import Settings


@click.command(
    "runbook",
    cls=Command,
    purpose=PLAN,
    short_help="A deploy runbook in Markdown for this environment and this plan.",
    examples=(
        ("provision runbook shop/prod", "what will happen, in which order, whom to ask, how to go back"),
        ("provision runbook shop/prod -o deploy.md", "into a file, for a ticket or a pull request"),
        ("provision runbook shop/prod --prune", "of the plan that also deletes what is no longer declared"),
    ),
)
@target_argument
@click.option("-o", "--output", metavar="FILE", type=FILE, help="Write it there; default: standard output.")
@plan_options
@click.pass_obj
def command(
    settings: Settings,
    target: str | None,
    output: str | None,
    addresses: tuple[str, ...],
    replaced: tuple[str, ...],
    rerun: tuple[str, ...],
    scale: tuple[str, ...],
    prune: bool,
    allow_empty: bool,
    accept_new_key: bool,
) -> int:
    """Write a deploy runbook: what to look at and whom to ask before, what the plan of now does and in which order, how
    long it took the last time, which secrets are concerned, what to type, and how to go back. Changes nothing; exit 1
    for a plan that is refused.
    """
    permitted = policy(addresses, replaced, rerun, prune=prune, allow_empty=allow_empty, accept_new_key=accept_new_key)
    replicas = scales(scale)
    always = narrowed(addresses, scale, prune=prune, allow_empty=allow_empty, accept_new_key=accept_new_key)
    plays = settings.plays(target)
    from provisioner.app.runbook import make_runbook, make_runbooks
    from provisioner.render.runbook_markdown import PlanOptions, runbook_markdown

    options = PlanOptions(shlex.join(always), shlex.join(made_anew(replaced, rerun)))
    lists: tuple[str, ...] = ()
    if plays is None:
        request = settings.request(target)
        requests = [request]
        runbooks = [make_runbook(request, permitted, replicas)]
        text = runbook_markdown(runbooks[0], shlex.join(settings.typed(target)), options)
    else:
        requests, lists = [play.request for play in plays.plays], plays.request.files
        words = settings.without_selection().typed(target)
        named = make_runbooks(plays, permitted, replicas)
        runbooks = [runbook for _, runbook in named]
        pages = (runbook_markdown(runbook, shlex.join([*words, "--limit", name]), options) for name, runbook in named)
        text = "\n".join(pages)
    out = settings.out()
    if output:
        from provisioner.app.output_file import write_output

        write_output(requests[0].directory, output, text, requests, lists)
        out.write(f"wrote {output}\n")
    else:
        out.write(text)
    return 1 if any(runbook.plan.refusals for runbook in runbooks) else 0
