"""A list of plays for people: their plans under headings with one summary, and how each of them ended."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from provisioner.model.report import Report
from provisioner.render.checks_text import checks_text
from provisioner.render.paint import PLAIN, Paint, printable
from provisioner.render.plan_text import counts_text, engine_name, plan_text
from provisioner.render.report_text import counts_line, report_text
from provisioner.render.summary import recap, summarize, total
from provisioner.render.values import shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.model.play import PlayPlan, PlayResult
    from provisioner.render.summary import Recap

_WIDTH = 72
_LONGEST_REASON = 120


def heading(name: str, paint: Paint = PLAIN) -> str:
    """The line above what is said of one play."""
    rule = "─" * max(_WIDTH - len(name) - 4, 3)
    return f"{paint.dim('──')} {paint.bold(printable(name))} {paint.dim(rule)}\n"


def plans_text(
    title: str,
    plans: Sequence[PlayPlan],
    *,
    paint: Paint = PLAIN,
    next_command: str = "",
    differences: bool = True,
    width: int = 0,
    detailed: bool = False,
) -> str:
    """Every play's plan under its heading, then one summary, ending with a newline."""
    parts = [
        heading(play.name, paint)
        + plan_text(play.plan, paint=paint, differences=differences, width=width, detailed=detailed)
        for play in plans
    ]
    return "\n".join([*parts, heading(title, paint) + _summary(plans, paint, next_command)])


def engines(plans: Sequence[PlayPlan]) -> str:
    """The engines that the plays are for, as a question names them."""
    return ", ".join(dict.fromkeys(engine_name(play.plan) for play in plans))


def _summary(plans: Sequence[PlayPlan], paint: Paint, next_command: str) -> str:
    counts = total(summarize(play.plan) for play in plans)
    refused = [play.name for play in plans if play.plan.refusals]
    pending = [play.name for play in plans if summarize(play.plan).pending]
    if not pending and not refused:
        noun = "object is" if counts.unchanged == 1 else "objects are"
        return (
            f"{paint.bold(paint.green('No changes'))} in {_plays(len(plans))}. {counts.unchanged} {noun} as declared.\n"
        )
    lines = [f"{paint.bold('Plan')} of {_plays(len(plans))}: {counts_text(counts)}."]
    if pending and len(pending) < len(plans):
        lines.append(paint.dim(f"      to change: {', '.join(pending)}"))
    if refused:
        lines.append(paint.red(f"Refused as it stands by {', '.join(refused)}; nothing would be changed in any play."))
    elif next_command:
        lines.append(f"To carry it out: {shorten(next_command, 200)}")
    return "\n".join(lines) + "\n"


def result_text(result: PlayResult, *, paint: Paint = PLAIN) -> str:
    """What did not go well in a play, and its checks; empty where there is nothing to say."""
    parts = [report_text(result.report, paint=paint)] if result.report is not None else []
    if result.checks:
        parts.append(checks_text(result.checks, paint=paint))
    return "\n".join(part for part in parts if part)


def recap_text(title: str, results: Sequence[PlayResult], seconds: float, *, paint: Paint = PLAIN) -> str:
    """A line for each play, and the total as the last one."""
    width = max(len(result.name) for result in results)
    lines = [f"{result.name.ljust(width)}  {_recap_line(result, paint)}" for result in results]
    counts = sum_of(results)
    states = Counter(str(result.state) for result in results)
    said = (("done", "done"), ("failed", "failed"), ("interrupted", "interrupted"), ("not_started", "not started"))
    plays = ", ".join(f"{states[state]} {word}" for state, word in said if states[state])
    last = f"{title}: {counts_line(counts, seconds, paint)}"
    return "\n".join([*lines, f"{paint.bold('Plays:')} {plays}.", last]) + "\n"


def counts_of(result: PlayResult) -> Recap:
    """The counts of a play; without a report everything that it was to change was skipped."""
    return recap(result.report or Report(plan=result.plan, results=(), seconds=0.0))


def sum_of(results: Sequence[PlayResult]) -> Recap:
    """The counts of all plays together."""
    from provisioner.render.summary import Recap

    every = [counts_of(result) for result in results]
    return Recap(
        ok=sum(counts.ok for counts in every),
        changed=sum(counts.changed for counts in every),
        failed=sum(counts.failed for counts in every),
        skipped=sum(counts.skipped for counts in every),
    )


def why_failed(result: PlayResult) -> str:
    """Why a play did not end well, in a few words; empty where it did."""
    if result.state == "not_started":
        return f"not started: {result.because}"
    if result.state == "interrupted":
        return "interrupted"
    if result.error is not None:
        return str(result.error.message).splitlines()[0]
    report = result.report
    if report is not None and report.failures:
        return f"{report.failures[0].step.address}: {report.failures[0].step.verb.value} failed"
    if report is not None and report.trouble is not None:
        return report.trouble.message.splitlines()[0]
    if report is not None and report.remaining:
        return "not converged"
    failed = sum(not check.ok for check in result.checks)
    if failed:
        return f"{failed} of {len(result.checks)} checks failed"
    keys = ", ".join(address.listed for address in result.plan.incomparable)
    return f"can not be compared: {keys}" if keys and result.exit_code else ""


def _recap_line(result: PlayResult, paint: Paint) -> str:
    line = f"{result.plan.title}: {counts_line(counts_of(result), result.seconds, paint)}"
    why = shorten(printable(why_failed(result)), _LONGEST_REASON)
    if not why:
        return line
    return f"{line}  {paint.dim(f'- {why}') if result.state == 'not_started' else paint.red(f'✘ {why}')}"


def _plays(count: int) -> str:
    return f"{count} play" if count == 1 else f"{count} plays"
