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

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.model.span import Problem


class Reason(Enum):
    """Why an engine said no; `provisioner/kinds/refusals.py` tells it from the answer.

    PORT, ADDRESS and SUBNET: another has the only one. NAME_TAKEN: an object of that name is there, and is not what was
    to be made. IN_USE, ENDPOINTS and UNDER_WAY may pass: it is used, containers are on it, another call changes it.
    OUT_OF_SEQUENCE: a Swarm object has another version by now. MISCOUNTED: it counts endpoints that are not there.
    DENIED: the registry has said no. NOT_FROZEN: a pause that may succeed a moment later; PAUSED: it is paused already.
    """

    OTHER = "other"
    PORT = "port"
    ADDRESS = "address"
    SUBNET = "subnet"
    NAME_TAKEN = "name taken"
    IN_USE = "in use"
    ENDPOINTS = "endpoints"
    UNDER_WAY = "under way"
    OUT_OF_SEQUENCE = "out of sequence"
    MISCOUNTED = "miscounted"
    NO_SPACE = "no space"
    NOT_PERMITTED = "not permitted"
    ENTITLEMENT = "entitlement"
    NO_PROGRAM = "no program"
    NOT_STARTED = "not started"
    UNSUPPORTED = "unsupported"
    NOT_FROZEN = "not frozen"
    PAUSED = "paused"
    NO_SWARM = "no swarm"
    IN_SWARM = "in a swarm"
    NOT_FOUND = "not found"
    DENIED = "denied"
    NEEDS_BUILDKIT = "needs BuildKit"


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

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        reason: Reason = Reason.OTHER,
        hint: str | None = None,
        detail: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint, detail=detail)
        self.status = status
        self.reason = reason


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
    """What is declared does not run. `evidence` holds the last words of what was taken back; with `taken_back` the one
    before it serves.
    """

    exit_code = 3

    def __init__(
        self, message: str, *, hint: str | None = None, evidence: tuple[str, ...] = (), taken_back: bool = False
    ) -> None:
        super().__init__(message, hint=hint)
        self.evidence = evidence
        self.taken_back = taken_back


class Interrupted(ProvisionError):
    exit_code = 130


def not_written(what: str, error: OSError) -> ProvisionError:
    """The error of a file that can not be written, whatever was to be in it: the disk, its permissions, its folder."""
    return ProvisionError(f"{what} can not be written: {error.strerror or error}")
