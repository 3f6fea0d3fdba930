"""The one table of what an engine's refusals mean: status and text to a reason, to what to do, to the kind of error.

Engines map one failure to different statuses from version to version, so the text decides where it says something.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from provisioner.errors import ClaimTaken, EngineConflict, EngineRefused, Reason
from provisioner.kinds.builders import INSTALL


class _Row(NamedTuple):
    """`pattern` is searched in the text, whatever its case; the first row that fits counts."""

    pattern: str
    reason: Reason
    hint: str | None = None


_COMMAND = "check `command`, `entrypoint` and the mounts"
_TABLE = (
    # Of an address on a network; of a port engines name what they bind, or the port.
    _Row(
        r"^(?!.*(bind|listen|port)).*address already in use", Reason.ADDRESS,
        "another container has the address: choose another, or give the network an `ip_range` without it",
    ),
    _Row(
        r"port is already allocated|address already in use|ports are allocated", Reason.PORT,
        "another process or container holds the port: free it, or publish another",
    ),
    _Row(
        r"as an ingress port|as a host-published port", Reason.PORT,
        "another service of the Swarm publishes it: publish another port",
    ),
    _Row(r"pool overlaps|address pool", Reason.SUBNET, "choose a free subnet, or remove networks that nobody uses"),
    _Row(
        r"no space left on device|disk quota exceeded", Reason.NO_SPACE,
        "the engine's disk is full: free space (docker system df), then give the command again",
    ),
    _Row(
        r"unable to apply caps|shim task.*operation not permitted|operation not permitted.*shim task",
        Reason.NOT_PERMITTED,
        "`privileged` or a capability under `cap_add` asks for what this engine's host does not give: leave it out, or "
        "run it where the host gives it",
    ),
    _Row(r"unable to freeze", Reason.NOT_FROZEN),
    _Row(r"already paused", Reason.PAUSED),
    _Row(r"executable file not found|oci runtime.*no such file or directory", Reason.NO_PROGRAM, _COMMAND),
    _Row(r"oci runtime", Reason.NOT_STARTED, _COMMAND),
    _Row(r"no such file or directory", Reason.NO_PROGRAM),
    _Row(r"out of sequence", Reason.OUT_OF_SEQUENCE),
    _Row(r"active endpoints", Reason.ENDPOINTS),
    _Row(r"already in progress", Reason.UNDER_WAY),
    _Row(r"already in use|already exists|is in use", Reason.IN_USE),
    _Row(r"already part of a swarm", Reason.IN_SWARM),
    _Row(r"\b(a|the) swarm\b|swarm (is|manager)", Reason.NO_SWARM),
    _Row(r"buildkit", Reason.NEEDS_BUILDKIT, f"this Dockerfile needs BuildKit: {INSTALL}"),
    _Row(
        r"entitlement", Reason.ENTITLEMENT,
        'the engine must permit it: `"builder": {"Entitlements": {"security-insecure": true}}` in its daemon.json',
    ),
    _Row(r"not found|manifest unknown|does not exist", Reason.NOT_FOUND),
    _Row(r"denied|unauthorized|no basic auth", Reason.DENIED),
    _Row(
        r"read-only file system", Reason.OTHER,
        "what that is on is mounted read-only on the engine's machine: mount it for writing, then try again",
    ),
)  # fmt: skip
_CLAIMS = (Reason.PORT, Reason.ADDRESS, Reason.SUBNET)
_CONFLICTS = (Reason.OUT_OF_SEQUENCE, Reason.ENDPOINTS, Reason.UNDER_WAY, Reason.IN_USE)
# Managers of engine 20.10 say so of a network that has just gone, with a 500.
_NETWORK_GONE = re.compile(r"network \S+ not found")


def refused(status: int, text: str, *, detail: str | None = None) -> EngineRefused:
    """The error of an engine's answer; `status` is 0 where it came in a stream."""
    if status == 500 and _NETWORK_GONE.fullmatch(text.strip()):
        status = 404
    row = _row(text)
    reason = row.reason if row else Reason.NOT_FOUND if status == 404 else Reason.OTHER
    hint = row.hint if row else None
    if reason in _CLAIMS:
        kind: type[EngineRefused] = ClaimTaken
    else:
        kind = EngineConflict if reason in _CONFLICTS or (status == 409 and hint is None) else EngineRefused
    return kind(text, status=status, reason=reason, hint=hint, detail=detail)


def build_hint(text: str) -> str | None:
    """What to do about a build that failed with this text, where that lies with the engine, not the Dockerfile."""
    row = _row(text)
    of_engine = row is not None and row.reason in (Reason.NEEDS_BUILDKIT, Reason.ENTITLEMENT, Reason.NO_SPACE)
    return row.hint if row is not None and of_engine else None


def lacks_program(text: str) -> bool:
    """Whether a text in which an engine says why a command did not start means that its image has no such program."""
    row = _row(text)
    return row is not None and row.reason is Reason.NO_PROGRAM


def _row(text: str) -> _Row | None:
    return next((row for pattern, row in _patterns() if pattern.search(text)), None)


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], _Row], ...]:
    """The table, compiled when an engine refuses something for the first time."""
    return tuple((re.compile(row.pattern, re.IGNORECASE | re.DOTALL), row) for row in _TABLE)
