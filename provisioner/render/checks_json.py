"""What came of the acceptance checks, for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.render.plan_json import FORMAT_VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.model.node import JSON
    from provisioner.model.verification import CheckResult


def checks_json(checks: Sequence[CheckResult]) -> dict[str, JSON]:
    """All checks with the counts."""
    passed = sum(check.ok for check in checks)
    return {
        "format_version": FORMAT_VERSION,
        "summary": {"passed": passed, "failed": len(checks) - passed},
        "checks": [check_json(check) for check in checks],
    }


def check_json(check: CheckResult) -> dict[str, JSON]:
    """One check."""
    return {
        "name": check.name,
        "ok": check.ok,
        "message": check.message,
        "seconds": round(check.seconds, 3),
        "attempts": check.attempts,
    }
