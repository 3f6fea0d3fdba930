"""Everything about one object, for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.render.plan_json import FORMAT_VERSION, change_json, problem_json
from provisioner.render.status_json import port_json

if TYPE_CHECKING:
    from provisioner.model.node import JSON
    from provisioner.render.why_text import Condition, Explanation, Neighbour, Part


def why_json(explanation: Explanation) -> dict[str, JSON]:
    """Times are RFC 3339 or null; `changes` is empty where an apply leaves the object as it is."""
    failed = explanation.failure
    return {
        "format_version": FORMAT_VERSION,
        "target": explanation.title,
        "address": str(explanation.address),
        "declared_at": str(explanation.span) if explanation.span else None,
        "well": explanation.well,
        "objects": [_part(part) for part in explanation.parts],
        "ports": [port_json(port) for port in explanation.ports],
        "waits_for": [_neighbour(neighbour) for neighbour in explanation.waits_for],
        "needed_by": [_neighbour(neighbour) for neighbour in explanation.needed_by],
        "changes": [change_json(change) for change in explanation.changes],
        "problems": [problem_json(problem) for problem in explanation.problems],
        "last_failure": {
            "at": failed.at,
            "by": failed.by,
            "outcome": failed.outcome,
            "failures": [
                {"address": place, "message": reason, "evidence": list(failed.evidence.get(place) or ())}
                for place, reason in failed.failures
            ],
        }
        if failed
        else None,
    }


def _part(part: Part) -> dict[str, JSON]:
    return {
        "address": str(part.address),
        "id": part.id or None,
        "name": part.name,
        "image": part.image or None,
        **_condition(part.condition),
        "health_log": [
            {"ended": result.ended, "exit_code": result.exit_code, "output": result.output} for result in part.health
        ],
        "log": [line for word in part.words for line in word.lines],
        "tasks": [{"task": word.speaker, "log": list(word.lines)} for word in part.words if word.speaker],
        "withheld": part.withheld or None,
        "adopted_from": part.adopted.former if part.adopted else None,
        "adopted_form": list(part.adopted.form) if part.adopted else [],
    }


def _neighbour(neighbour: Neighbour) -> dict[str, JSON]:
    return {"address": str(neighbour.address), "condition": neighbour.condition or None, **_condition(neighbour.state)}


def _condition(condition: Condition) -> dict[str, JSON]:
    return {
        "state": condition.state,
        "health": condition.health or None,
        "exit_code": condition.exit_code,
        "restarts": condition.restarts,
        "started_at": condition.started_at or None,
        "finished_at": condition.finished_at or None,
        "trouble": condition.trouble or None,
        "purpose": condition.purpose or None,
    }
