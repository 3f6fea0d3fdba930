"""What an engine's answer means is told in one table, in the words of several versions."""

from __future__ import annotations

import pytest

from provisioner.errors import ClaimTaken, EngineConflict, EngineRefused, Reason
from provisioner.kinds.refusals import build_hint, lacks_program, refused

_OCI = "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: "


@pytest.mark.parametrize(
    ("status", "text", "kind", "reason"),
    [
        (500, "driver failed programming: Bind for 0.0.0.0:80 failed: port is already allocated", ClaimTaken, "PORT"),
        (500, "listen tcp4 0.0.0.0:80: bind: address already in use", ClaimTaken, "PORT"),
        (500, "Address already in use", ClaimTaken, "ADDRESS"),
        (400, "rpc error: port '80' is already in use by service 'x' as an ingress port", ClaimTaken, "PORT"),
        (403, "Pool overlaps with other one on this address space", ClaimTaken, "SUBNET"),
        (500, "write /var/lib/docker/x: no space left on device", EngineRefused, "NO_SPACE"),
        (500, "open /data/x: read-only file system", EngineRefused, "OTHER"),
        (400, _OCI + 'exec: "nope": executable file not found in $PATH', EngineRefused, "NO_PROGRAM"),
        (400, _OCI + "exec /nope: no such file or directory", EngineRefused, "NO_PROGRAM"),
        (400, _OCI + "unable to apply caps: operation not permitted", EngineRefused, "NOT_PERMITTED"),
        (400, _OCI + "something else", EngineRefused, "NOT_STARTED"),
        (403, "network shop_default id 01 has active endpoints", EngineConflict, "ENDPOINTS"),
        (409, "removal of container 01 is already in progress", EngineConflict, "UNDER_WAY"),
        (409, 'Conflict. The container name "/web" is already in use by container 01', EngineConflict, "IN_USE"),
        (500, "rpc error: code = Unknown desc = update out of sequence", EngineConflict, "OUT_OF_SEQUENCE"),
        (503, "This node is already part of a swarm. Use docker swarm leave", EngineRefused, "IN_SWARM"),
        (503, "This node is not a swarm manager. Use docker swarm init", EngineRefused, "NO_SWARM"),
        (404, "No such container: 01", EngineRefused, "NOT_FOUND"),
        (500, "pull access denied for x, repository does not exist", EngineRefused, "NOT_FOUND"),
        (500, "unauthorized: authentication required", EngineRefused, "DENIED"),
        (409, "Container 01 is not paused", EngineConflict, "OTHER"),
        (409, "Container 01 is already paused", EngineConflict, "PAUSED"),
        (500, "cannot pause container 01: OCI runtime pause failed: unable to freeze", EngineRefused, "NOT_FROZEN"),
        (500, "something new", EngineRefused, "OTHER"),
    ],
)
def test_an_answer_has_a_reason(status: int, text: str, kind: type[EngineRefused], reason: str) -> None:
    error = refused(status, text)
    assert (type(error), error.reason, error.status) == (kind, Reason[reason], status)


def test_a_network_that_has_just_gone_is_not_found() -> None:
    assert refused(500, "network 0123abc not found").status == 404


def test_a_build_is_told_only_what_lies_with_the_engine() -> None:
    assert "BuildKit" in (build_hint("the --mount option requires BuildKit") or "")
    assert build_hint(_OCI + 'exec: "nope": executable file not found in $PATH') is None


def test_a_missing_program() -> None:
    assert lacks_program('starting container failed: exec: "sh": executable file not found in $PATH: unknown')
    assert not lacks_program("task: non-zero exit (1)")
