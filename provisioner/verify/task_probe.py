"""Open a TCP connection beside a service's task on another node of a Swarm, where no engine can be asked directly.

A one-off job runs on that node, from the service's image and on its networks, and is removed.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from provisioner.errors import EngineRefused
from provisioner.kinds.fields import get_path
from provisioner.kinds.refusals import lacks_program
from provisioner.verify.container_probe import NO_TOOL, Answer, answer_in, commands

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.ports import Clock, EngineWriter
    from provisioner.verify.kind import RemoteTask

# Seconds that a node has to start the job and to tell of its end.
_PATIENCE = 60.0
_PAUSE = 0.25
_KEPT = ("Image", "User", "Hosts", "DNSConfig")
_ENDED = ("complete", "failed", "rejected", "orphaned", "shutdown")


def probe_beside(engine: EngineWriter, task: RemoteTask, host: str, port: int, seconds: float, clock: Clock) -> Answer:
    """Try `host:port` from the networks of a task, on its node. The time limit is for the connection."""
    for command, scripts, limit in commands(host, port, seconds):
        output = _output(engine, task, command, scripts, clock)
        if output is None:
            continue
        answer = answer_in(output, limit)
        if answer is not None:
            return answer
    return Answer(None, NO_TOOL)


def _output(
    engine: EngineWriter, task: RemoteTask, command: Sequence[str], scripts: dict[str, str], clock: Clock
) -> str | None:
    """What the command printed; None when the image does not have it."""
    # A service's name has 63 characters at most.
    name = f"{task.service['Spec']['Name'][:48]}-probe-{secrets.token_hex(4)}"
    identity = engine.create("service", name, _job(task, name, command, scripts))
    try:
        began = clock.now()
        while True:
            tasks = [raw for raw in engine.tasks(identity) if get_path(dict(raw), "Status.State") in _ENDED]
            if tasks:
                break
            if clock.now() - began > _PATIENCE:
                raise EngineRefused(f"{task.host} has not run a job in {_PATIENCE:g} s")
            clock.sleep(_PAUSE)
        status = tasks[0]["Status"]
        if status["State"] != "complete":
            said = str(status.get("Err") or status.get("Message"))
            if lacks_program(said):
                return None
            raise EngineRefused(f"a job on {task.host} failed: {said}")
        return b"".join(engine.logs(identity, tail=20, kind="service")).decode("utf-8", "replace")
    finally:
        engine.remove("service", identity)


def _job(task: RemoteTask, name: str, command: Sequence[str], scripts: dict[str, str]) -> dict[str, Any]:
    template = task.service["Spec"]["TaskTemplate"]
    container = {key: value for key, value in template["ContainerSpec"].items() if key in _KEPT}
    environment = [f"{key}={value}" for key, value in scripts.items()]
    return {
        "Name": name,
        "Labels": {},
        "Mode": {"ReplicatedJob": {"MaxConcurrent": 1, "TotalCompletions": 1}},
        "TaskTemplate": {
            "ContainerSpec": {**container, "Command": list(command), "Env": environment},
            "Networks": template.get("Networks") or [],
            "RestartPolicy": {"Condition": "none"},
            "Placement": {"Constraints": [f"node.id=={task.node}"]},
        },
        "EndpointSpec": {"Mode": "dnsrr"},
    }
