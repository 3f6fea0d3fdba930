"""An apply for programs: one JSON object per line as things happen, the last one the summary."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from provisioner.model.event import Begun, Finished, Notice, Progress, Started
from provisioner.render.error_json import error_json
from provisioner.render.plan_json import FORMAT_VERSION, change_json, plan_json
from provisioner.render.summary import recap

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.model.event import Event
    from provisioner.model.node import JSON
    from provisioner.model.plan import Plan, Step
    from provisioner.model.report import Report, StepResult


def line(value: Mapping[str, JSON]) -> str:
    """One object on one line, with its newline."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"


def plan_line(plan: Plan) -> dict[str, JSON]:
    """The first object: what is about to be done."""
    return {"type": "plan", **plan_json(plan)}


def event_line(event: Event, elapsed: float) -> dict[str, JSON] | None:
    """One event; `elapsed` in seconds since the first one."""
    time = round(elapsed, 3)
    match event:
        case Begun():
            return None
        case Started(step):
            return {"type": "started", **_step(step), "elapsed": time}
        case Progress(step, message):
            return {"type": "progress", **_step(step), "message": message, "elapsed": time}
        case Finished(result):
            return {"type": "finished", **_result(result), "elapsed": time}
        case Notice(message):
            return {"type": "notice", "message": message, "elapsed": time}


def summary_line(report: Report, exit_code: int, checks: tuple[Mapping[str, JSON], ...] = ()) -> dict[str, JSON]:
    """The last object. `exit_code` is the command's own, `checks` the outcome of each check that was run."""
    counts = recap(report)
    return {
        "type": "summary",
        "format_version": FORMAT_VERSION,
        "target": report.plan.title,
        "ok": counts.ok,
        "changed": counts.changed,
        "failed": counts.failed,
        "skipped": counts.skipped,
        "seconds": round(report.seconds, 3),
        "interrupted": report.interrupted,
        "error": error_json(report.trouble) if report.trouble else None,
        "taken_back": [str(address) for address in report.taken_back],
        "down": [str(address) for address in report.down],
        "exit_code": exit_code,
        "failures": [_result(result) for result in report.failures],
        "remaining": [change_json(change) for change in report.remaining],
        "checks": [dict(check) for check in checks],
    }


def _step(step: Step) -> dict[str, JSON]:
    return {"step": step.id, "verb": step.verb.value, "address": str(step.address)}


def _result(result: StepResult) -> dict[str, JSON]:
    shown: dict[str, JSON] = {
        **_step(result.step), "outcome": result.outcome.value, "seconds": round(result.seconds, 3)
    }  # fmt: skip
    if result.because:
        shown["because"] = result.because
    if result.error:
        shown["error"] = error_json(result.error)
    return shown
