"""`provision runbook`: a deploy runbook for an environment and the plan of now."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from provisioner.cli.command import PLAN, Command
from provisioner.cli.completion import FILE
from provisioner.cli.options import target_argument

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
    ),
)
@target_argument
@click.option("-o", "--output", metavar="FILE", type=FILE, help="Write it there; default: standard output.")
@click.pass_obj
def command(settings: Settings, target: str | None, output: str | None) -> int:
    """Write a deploy runbook: what to look at and whom to ask before, what the plan of now does and in which order, how
    long it took the last time, which secrets are concerned, what to type, and how to go back. Changes nothing; exit 1
    for a plan that is refused.
    """
    plays = settings.plays(target)
    from provisioner.app.runbook import make_runbook, make_runbooks
    from provisioner.render.runbook_markdown import runbook_markdown

    lists: tuple[str, ...] = ()
    if plays is None:
        request = settings.request(target)
        requests = [request]
        runbooks = [make_runbook(request)]
        text = runbook_markdown(runbooks[0], shlex.join(settings.typed(target)))
    else:
        requests, lists = [play.request for play in plays.plays], plays.request.files
        words = settings.without_selection().typed(target)
        named = make_runbooks(plays)
        runbooks = [runbook for _, runbook in named]
        text = "\n".join(runbook_markdown(runbook, shlex.join([*words, "--limit", name])) for name, runbook in named)
    out = settings.out()
    if output:
        from provisioner.app.output_file import write_output

        write_output(requests[0].directory, output, text, requests, lists)
        out.write(f"wrote {output}\n")
    else:
        out.write(text)
    return 1 if any(runbook.plan.refusals for runbook in runbooks) else 0
