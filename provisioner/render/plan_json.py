"""A plan for programs: one JSON object, format version 1. Fields are only ever added to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.model.change import Impact
from provisioner.render.summary import changed, summarize
from provisioner.render.values import SENSITIVE

if TYPE_CHECKING:
    from provisioner.model.change import Change, FieldChange
    from provisioner.model.node import JSON
    from provisioner.model.plan import Plan, Step
    from provisioner.model.span import Problem
    from provisioner.model.state import Facts
    from provisioner.render.summary import Summary

FORMAT_VERSION = 1


def plan_json(plan: Plan) -> dict[str, JSON]:
    """The plan as plain values."""
    summary = summarize(plan)
    return {
        "format_version": FORMAT_VERSION,
        "target": plan.title,
        "engine": engine_json(plan.observed.facts),
        "summary": summary_json(summary),
        "pending": summary.pending,
        "changes": [change_json(change) for change in changed(plan.changes)],
        "steps": [step_json(step) for step in plan.steps],
        "adopts": [
            {"address": adopted.address, "name": adopted.name, "former_owner": adopted.former}
            for adopted in plan.adopts
        ],
        "moves": [
            {"address": move.address, "name": move.name, "from": move.former.rpartition(" ")[2]} for move in plan.moves
        ],
        "notes": [problem_json(problem) for problem in plan.notes],
        "refusals": [problem_json(problem) for problem in plan.refusals],
        **({"digest": plan.digest} if plan.digest else {}),
    }


def summary_json(summary: Summary) -> dict[str, JSON]:
    """The counts of a plan."""
    return {
        "create": summary.create,
        "update": summary.update,
        "replace": summary.replace,
        "delete": summary.delete,
        "unchanged": summary.unchanged,
    }


def engine_json(facts: Facts) -> dict[str, JSON]:
    """The engine that was looked at."""
    return {
        "id": facts.engine_id,
        "name": facts.engine_name,
        "version": facts.engine_version,
        "api_version": ".".join(str(part) for part in facts.api_version),
        "swarm_manager": facts.swarm_manager,
    }


def change_json(change: Change) -> dict[str, JSON]:
    """One object's change; sensitive values are replaced."""
    return {
        "address": str(change.address),
        "action": change.action.value,
        "reason": change.reason,
        "drift": change.drift,
        "position": str(change.span) if change.span else None,
        "differences": [_difference_json(difference) for difference in change.differences],
    }


def step_json(step: Step) -> dict[str, JSON]:
    """One step, without its arguments: they may carry what only the engine should see."""
    return {
        "id": step.id,
        "verb": step.verb.value,
        "address": str(step.address),
        "cause": step.cause,
        "needs": list(step.needs),
    }


def problem_json(problem: Problem) -> dict[str, JSON]:
    """One finding with its position."""
    return {
        "message": problem.message,
        "path": problem.path,
        "hint": problem.hint,
        "file": problem.span.file if problem.span else None,
        "line": problem.span.line if problem.span else None,
        "column": problem.span.column if problem.span else None,
    }


def _difference_json(difference: FieldChange) -> dict[str, JSON]:
    hidden = difference.sensitive
    return {
        "path": difference.path,
        "before": SENSITIVE if hidden and difference.before is not None else difference.before,
        "after": SENSITIVE if hidden and difference.after is not None else difference.after,
        "forces_replacement": difference.impact >= Impact.REPLACE,
        "impact": difference.impact.name.lower(),
        "sensitive": hidden,
        "drift": difference.drift,
        "position": str(difference.span) if difference.span else None,
    }
