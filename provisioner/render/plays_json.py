"""A list of plays for programs: one object over all plans, and the lines of an apply with a total at their end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.model.report import Report
from provisioner.render.checks_json import check_json
from provisioner.render.error_json import error_json
from provisioner.render.plan_json import FORMAT_VERSION, plan_json, summary_json
from provisioner.render.plays_text import counts_of, sum_of, why_failed
from provisioner.render.report_json import summary_line
from provisioner.render.summary import summarize, total

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.model.node import JSON
    from provisioner.model.play import PlayPlan, PlayResult


def plans_json(title: str, plans: Sequence[PlayPlan], digest: str = "") -> dict[str, JSON]:
    """All plans: the counts of all together, and under `plays` each as `plan --json` writes it, and a name."""
    return {
        "format_version": FORMAT_VERSION,
        "target": title,
        "summary": summary_json(total(summarize(play.plan) for play in plans)),
        "plays": [{"name": play.name, **plan_json(play.plan)} for play in plans],
        **({"digest": digest} if digest else {}),
    }


def plans_line(title: str, plans: Sequence[PlayPlan], digest: str = "") -> dict[str, JSON]:
    """The first line of an apply: what is about to be done in all plays."""
    return {"type": "plan", **plans_json(title, plans, digest)}


def result_line(result: PlayResult) -> dict[str, JSON]:
    """The line that ends one play: the summary of its environment, with the play's name and state."""
    report = result.report or Report(plan=result.plan, results=(), seconds=0.0)
    checks = tuple(check_json(check) for check in result.checks)
    line = {**summary_line(report, result.exit_code, checks), "seconds": round(result.seconds, 3)}
    line |= {"play": result.name, "state": result.state}
    if result.error is not None:
        line["error"] = error_json(result.error)
    return line


def total_line(
    title: str, plans: Sequence[PlayPlan], results: Sequence[PlayResult], exit_code: int, seconds: float
) -> dict[str, JSON]:
    """The last line: the counts of all plays, and under `plays` how each of them ended."""
    counts = sum_of(results)
    skipped = sum(_pending(play) for play in plans) if not results else counts.skipped
    return {
        "type": "summary",
        "format_version": FORMAT_VERSION,
        "target": title,
        "ok": counts.ok,
        "changed": counts.changed,
        "failed": counts.failed,
        "skipped": skipped,
        "seconds": round(seconds, 3),
        "interrupted": any(result.state == "interrupted" for result in results),
        "exit_code": exit_code,
        "plays": [_play(result) for result in results],
    }


def _pending(play: PlayPlan) -> int:
    summary = summarize(play.plan)
    return summary.create + summary.update + summary.replace + summary.delete


def _play(result: PlayResult) -> dict[str, JSON]:
    counts = counts_of(result)
    return {
        "name": result.name,
        "target": result.plan.title,
        "state": result.state,
        "reason": why_failed(result) or None,
        "exit_code": result.exit_code,
        "ok": counts.ok,
        "changed": counts.changed,
        "failed": counts.failed,
        "skipped": counts.skipped,
        "seconds": round(result.seconds, 3),
    }
