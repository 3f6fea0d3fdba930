"""An environment's services and tasks on a Swarm of one node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docker.models.containers import Container

    from tests.systems.environment import Environment


def service(environment: Environment, name: str) -> dict[str, Any]:
    """What the Swarm says of a service."""
    return dict(environment.engine.api.inspect_service(f"{environment.project}_{name}"))


def versions(environment: Environment) -> dict[str, int]:
    """The version index of every service: it counts each change."""
    found = environment.engine.api.services(filters={"label": f"provisioner.environment={environment.project}"})
    return {each["Spec"]["Name"].removeprefix(f"{environment.project}_"): each["Version"]["Index"] for each in found}


def tasks(environment: Environment, name: str) -> list[Container]:
    """The running containers of a service."""
    label = f"com.docker.swarm.service.name={environment.project}_{name}"
    return list(environment.engine.containers.list(filters={"label": label}, ignore_removed=True))


def run_in(container: Container, command: str) -> str:
    """What a shell's command prints in a task's container."""
    code, output = container.exec_run(["sh", "-c", command])
    assert code == 0, output.decode()
    return str(output.decode().strip())
