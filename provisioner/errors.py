"""The errors a user can meet, split by what the caller can do next.

ProvisionError                1
├── UsageError               64
├── PlaybookInvalid          65  carries every Problem at once
├── Unreachable              69  the engine, or a service that is needed
├── LeaseHeld                75
├── PlanStale                76
├── SecretUnavailable        77
├── Unsafe                    1  refused before anything changed
├── EngineRefused             1  the engine answered no
│   ├── EngineConflict        1  somebody else changed or holds the object
│   └── ClaimTaken            1  another has the port, the address or the subnet that only one can have
├── StepFailed                1  a wait or a build ended badly; carries the evidence
├── NotConverged              3  applied, but rolled back or not converged
└── Interrupted             130
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.model.span import Problem


class ProvisionError(Exception):
    """An error with a message for people, an optional hint on what to type next, and an exit code."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None, detail: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.detail = detail


class UsageError(ProvisionError):
    exit_code = 64


class PlaybookInvalid(ProvisionError):
    """The playbook is invalid. `problems` holds every finding, sorted by position."""

    exit_code = 65

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: p.sort_key))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Unreachable(ProvisionError):
    exit_code = 69


class LeaseHeld(ProvisionError):
    exit_code = 75


class PlanStale(ProvisionError):
    exit_code = 76


class SecretUnavailable(ProvisionError):
    exit_code = 77


class Unsafe(ProvisionError):
    pass


class EngineRefused(ProvisionError):
    """The engine answered with an error. `status` is the HTTP status, 0 when the error came in a stream."""

    def __init__(self, message: str, *, status: int = 0, hint: str | None = None, detail: str | None = None) -> None:
        super().__init__(message, hint=hint, detail=detail)
        self.status = status


class EngineConflict(EngineRefused):
    pass


class ClaimTaken(EngineRefused):
    pass


class StepFailed(ProvisionError):
    """A wait or a build ended badly. `evidence` holds the last lines of output or health results, oldest first."""

    def __init__(self, message: str, *, hint: str | None = None, evidence: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.evidence = evidence


class NotConverged(ProvisionError):
    """What is declared does not run. `evidence` holds the last words of what was taken back."""

    exit_code = 3

    def __init__(self, message: str, *, hint: str | None = None, evidence: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.evidence = evidence


class Interrupted(ProvisionError):
    exit_code = 130
