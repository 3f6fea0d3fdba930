"""A command in a container of a service: its exit code and what it prints."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from provisioner.verify.kind import Attempt, Kind, shown

if TYPE_CHECKING:
    from provisioner.model.playbook import Check
    from provisioner.verify.kind import CheckContext

TIMEOUT = 60.0


def attempt(check: Check, world: CheckContext) -> Attempt:
    """Run the command in the service's first container. A line is given to `sh -c`, a list is run as it is.

    It has `timeout` seconds to end: 60, or `within` where that is longer; one that goes on is left to itself. Without
    other expectations, exit code 0 is one. Output is compared without the white space around it.
    """
    arguments = check.arguments
    service = str(arguments["service"])
    containers = world.containers(service)
    if not containers:
        hosts = sorted({task.host for task in world.elsewhere(service)})
        if hosts:
            return Attempt(
                False,
                f"'{service}' runs on {', '.join(hosts)}, and a command can be run on the engine's own node only: "
                "bind the service to it, or check it with http or tcp",
            )
        return Attempt(False, f"no container of '{service}' is running")
    command = arguments["command"]
    words = [str(word) for word in command] if isinstance(command, list) else ["sh", "-c", str(command)]
    given, timeout = arguments.get("environment"), arguments.get("timeout")
    code, output, errors = world.engine.execute(
        containers[0],
        words,
        user=str(arguments.get("user") or ""),
        environment={key: str(value) for key, value in given.items()} if isinstance(given, dict) else {},
        seconds=float(timeout) if isinstance(timeout, (int, float)) else max(TIMEOUT, check.within),
    )
    stdout, stderr = (stream.decode("utf-8", "replace").strip() for stream in (output, errors))
    expected = arguments.get("exit_code", 0)
    if code != expected:
        said = stderr or stdout
        return Attempt(False, f"exit code {code}, expected {expected}" + (f": {shown(said)}" if said else ""))
    for stream, text in (("stdout", stdout), ("stderr", stderr)):
        exact, pattern = arguments.get(stream), arguments.get(f"{stream}_matches")
        if exact is not None and text != str(exact).strip():
            return Attempt(False, f"{stream} is {shown(text)}, expected {shown(str(exact))}")
        if pattern is not None and not re.search(str(pattern), text):
            return Attempt(False, f"{stream} is {shown(text)}, which {shown(str(pattern))} does not match")
    return Attempt(True, f"exit code {code}" + (f", stdout {shown(stdout, 60)}" if stdout else ""))


CHECK = Kind("exec", attempt)
