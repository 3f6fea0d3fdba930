"""What a check-up found, for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.render.plan_json import FORMAT_VERSION

if TYPE_CHECKING:
    from provisioner.model.node import JSON
    from provisioner.render.doctor_text import Diagnosis


def doctor_json(diagnosis: Diagnosis) -> dict[str, JSON]:
    """Everything that was looked at; `ok` says that nothing would make an apply fail."""
    return {
        "format_version": FORMAT_VERSION,
        "target": diagnosis.title,
        "ok": diagnosis.exit_code == 0,
        "checks": [
            {"name": finding.name, "state": finding.state, "message": finding.message, "hint": finding.hint}
            for finding in diagnosis.findings
        ],
    }
