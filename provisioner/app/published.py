"""Where the services of an environment can be reached from outside: the ports that the engine really publishes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioner.kinds.ownership import PROJECT, owned_address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provisioner.model.address import Address
    from provisioner.ports import EngineReader

# Every address of the machine.
ANYWHERE = ("", "0.0.0.0", "::")


@dataclass(frozen=True, slots=True, order=True)
class PublishedPort:
    """`host` is the address on the engine's machine, empty for all of them; `target` the port in the container."""

    address: Address
    host: str
    port: int
    target: int
    protocol: str

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}->{self.target}/{self.protocol}" if host else (
            f"{self.port}->{self.target}/{self.protocol}"
        )  # fmt: skip


def ports_of_containers(engine: EngineReader, project: str) -> Iterator[PublishedPort]:
    """ContainerSummary.Ports (GET /containers/json): PublicPort is absent for a port that is only exposed."""
    for raw in engine.containers():
        name = str((raw.get("Names") or [""])[0]).lstrip("/")
        if (address := owned_address(raw.get("Labels"), name, project)) is None:
            continue
        for port in raw.get("Ports") or ():
            if port.get("PublicPort"):
                host = str(port.get("IP") or "")
                yield _port(address, host, port["PublicPort"], port["PrivatePort"], port["Type"])


def ports_of_services(engine: EngineReader, project: str) -> Iterator[PublishedPort]:
    """Service.Endpoint.Ports (GET /services): those of the routing mesh, and of each task's own host."""
    for raw in engine.list("service", {PROJECT: project}):
        address = owned_address(raw["Spec"].get("Labels"), str(raw["Spec"]["Name"]), project)
        for port in (raw.get("Endpoint") or {}).get("Ports") or ():
            if address is not None and port.get("PublishedPort"):
                yield _port(address, "", port["PublishedPort"], port["TargetPort"], port["Protocol"])


def _port(address: Address, host: str, port: int, target: int, protocol: str) -> PublishedPort:
    return PublishedPort(address, "" if host in ANYWHERE else host, int(port), int(target), str(protocol))
