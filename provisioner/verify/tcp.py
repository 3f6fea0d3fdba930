"""Whether a TCP connection can be made, from inside a service's container or from this machine."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from provisioner.verify.container_probe import Answer, probe
from provisioner.verify.kind import Attempt, Kind
from provisioner.verify.task_probe import probe_beside

if TYPE_CHECKING:
    from provisioner.model.playbook import Check
    from provisioner.verify.kind import CheckContext

TIMEOUT = 3.0
HOST = "host"


def attempt(check: Check, world: CheckContext) -> Attempt:
    """Connect once, with `timeout` seconds (3) to do it.

    `reachable: false` holds when the name does not resolve, nothing listens, or nothing answers in time; it does
    not hold when nobody could try.
    """
    arguments = check.arguments
    source = str(arguments.get("from", HOST))
    host, _, port = str(arguments["to"]).rpartition(":")
    host = host.strip("[]")
    timeout = arguments.get("timeout", TIMEOUT)
    seconds = float(timeout) if isinstance(timeout, (int, float)) else TIMEOUT
    if source == HOST:
        answer = _from_here(host, int(port), seconds)
    else:
        containers = world.containers(source)
        away = () if containers else world.elsewhere(source)
        if containers:
            answer = probe(world.engine, containers[0], host, int(port), seconds)
        elif away:
            answer = probe_beside(world.engine, away[0], host, int(port), seconds, world.clock)
        else:
            return Attempt(False, f"no container of '{source}' is running")
    if answer.open is None:
        return Attempt(False, f"can not tell from '{source}': {answer.reason}")
    expected = arguments.get("reachable") is not False
    state = "reachable" if answer.open else f"not reachable: {answer.reason}"
    wish = "" if answer.open == expected else f", expected {'to be' if expected else 'not to be'} reachable"
    place = "this machine" if source == HOST else f"'{source}'"
    return Attempt(answer.open == expected, f"{arguments['to']} from {place} is {state}{wish}")


CHECK = Kind("tcp", attempt)


def _from_here(host: str, port: int, seconds: float) -> Answer:
    try:
        with socket.create_connection((host, port), timeout=seconds):
            return Answer(True, "")
    except TimeoutError:
        return Answer(False, f"no answer within {seconds:g} s")
    except OSError as error:
        return Answer(False, error.strerror or str(error))
