"""Exclusive claims: what only one object of an engine can have at a time, and which object holds it. Pure.

Claims follow from specs, declared or observed, and from what an engine lists (GET /containers/json, GET /networks).
"""

from __future__ import annotations

from enum import StrEnum
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from provisioner.kinds.container_networks import mac_address
from provisioner.kinds.ownership import describe_owner, owned_address
from provisioner.kinds.values import address as canonical
from provisioner.model.dataclass import dataclass
from provisioner.model.state import UP

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from provisioner.model.address import Address
    from provisioner.model.edges import EngineJson
    from provisioner.model.operation import Ports
    from provisioner.model.specs import ContainerSpec, Pool
    from provisioner.model.state import DesiredState, Observed, ObservedState, Resource


class ClaimKind(StrEnum):
    """The values are how a claim is called in a message."""

    PORT = "host port"
    NAME = "name"
    ADDRESS = "address"
    MAC = "hardware address"
    VOLUME = "volume"
    SUBNET = "subnet"
    INGRESS = "ingress port"


# The key of a service under which a claim is declared.
DECLARED_UNDER = {
    ClaimKind.PORT: "ports", ClaimKind.NAME: "container_name", ClaimKind.ADDRESS: "networks", ClaimKind.MAC: "networks",
    ClaimKind.SUBNET: "ipam",
}  # fmt: skip


# What can be done where another keeps it.
OTHERWISE = {
    ClaimKind.PORT: "publish another port",
    ClaimKind.NAME: "choose another name",
    ClaimKind.ADDRESS: "give the network an `ip_range` that leaves fixed addresses out, or choose another address",
    ClaimKind.MAC: "choose another hardware address",
    ClaimKind.SUBNET: "choose another subnet",
    ClaimKind.INGRESS: "publish another port",
}


@dataclass(frozen=True, slots=True)
class Claim:
    """One exclusive thing. `value` is a name, an address, a subnet, or the host address of a port (empty: all).

    `scope` is where it is exclusive: a port's protocol, the kind of object for a name, a network's name for an
    address. `first` and `last` are a port's range; of a range a container takes one.
    """

    kind: ClaimKind
    value: str
    scope: str = ""
    first: int = 0
    last: int = 0

    def __str__(self) -> str:
        if self.kind is ClaimKind.PORT:
            ports = str(self.first) if self.first == self.last else f"{self.first}-{self.last}"
            host = f"[{self.value}]" if ":" in self.value else self.value
            text = f"{host}:{ports}" if host else ports
            return f"{self.kind} {text}" + ("" if self.scope == "tcp" else f"/{self.scope}")
        if self.kind in (ClaimKind.ADDRESS, ClaimKind.MAC):
            return f"{self.kind} {self.value} on network {self.scope}"
        return f"{self.scope} {self.kind} {self.value}".lstrip()

    @property
    def is_range(self) -> bool:
        return self.first != self.last

    def marks(self) -> Iterator[tuple[str, ...]]:
        """What claims that overlap have in common, to look them up by; not all that share a mark overlap."""
        if self.kind is ClaimKind.PORT:
            yield from ((self.kind, self.scope, str(port)) for port in range(self.first, self.last + 1))
        elif self.kind is ClaimKind.SUBNET:
            yield (self.kind,)
        else:
            yield (self.kind, self.scope, self.value)

    def overlaps(self, other: Claim) -> bool:
        """Whether two objects can not have both; of a range, whether one port may be the other's."""
        if self.kind is not other.kind or self.scope != other.scope:
            return False
        if self.kind is ClaimKind.PORT:
            have_a_port_in_common = self.first <= other.last and other.first <= self.last
            return have_a_port_in_common and (_covers(self.value, other.value) or _covers(other.value, self.value))
        if self.kind is ClaimKind.SUBNET:
            network, two = ip_network(self.value), ip_network(other.value)
            return network.version == two.version and network.overlaps(two)
        return self.value == other.value


def _covers(host: str, other: str) -> bool:
    """Whether a port that is bound on `host` is bound on `other` too. Empty: on every address of both families."""
    if not host or host == other:
        return True
    return bool(other) and ((host == "0.0.0.0" and ":" not in other) or (host == "::" and ":" in other))


@dataclass(frozen=True, slots=True)
class Holder:
    """An object of the engine with the claims that it holds now. `address` is None for what is not ours."""

    id: str
    name: str
    claims: tuple[Claim, ...]
    address: Address | None = None


# What specs claim ---------------------------------------------------------------------------------------------------


def claims_of_running(spec: ContainerSpec, networks: Mapping[str, str]) -> tuple[Claim, ...]:
    """What a container holds while it runs. `networks` gives the engine's name of a network by its key."""
    claims: list[Claim] = []
    for target, bindings in sorted(spec["ports"].items()):
        protocol = target.partition("/")[2] or "tcp"
        claims += [claim for binding in bindings if (claim := _port(binding, protocol)) is not None]
    for key, entry in spec["networks"].items():
        scope = networks.get(key, key)
        for address in (entry.get("ipv4_address"), entry.get("ipv6_address")):
            if address:
                claims.append(Claim(ClaimKind.ADDRESS, address, scope))
        if entry.get("mac_address"):
            claims.append(Claim(ClaimKind.MAC, entry["mac_address"], scope))
    written = {e["source"] for e in spec["volumes"].values() if _writes(e)}
    return (*claims, *(Claim(ClaimKind.VOLUME, name) for name in sorted(written)))


def _writes(entry: EngineJson) -> bool:
    return entry["type"] == "volume" and bool(entry.get("source")) and not entry.get("read_only")


def _port(binding: str, protocol: str) -> Claim | None:
    """The claim of one binding (`127.0.0.1:8080`, `8080-8090`, `[::1]:80`); None where the engine picks any port."""
    host, _, ports = binding.rpartition(":")
    first, _, last = ports.partition("-")
    if not first.isdecimal() or not int(first):
        return None
    return Claim(ClaimKind.PORT, host.strip("[]"), protocol, int(first), int(last or first))


def claims_of_network(network: Resource | Observed) -> tuple[Claim, ...]:
    """A network's name and, for the engine's own bridges, its subnets: no two of those may overlap."""
    spec = network.network_spec
    return _claims_of_network(network.name, spec.get("driver"), spec.get("ipam.config"))


def _claims_of_network(name: str, driver: str | None, pools: Iterable[Pool] | None) -> tuple[Claim, ...]:
    claims = [Claim(ClaimKind.NAME, name, "network")]
    for pool in (pools or ()) if driver == "bridge" else ():
        subnet = canonical(pool.get("subnet"))
        if subnet and "/" in subnet and _is_network(subnet):
            claims.append(Claim(ClaimKind.SUBNET, subnet))
    return tuple(claims)


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True


def claims_of_ports(ports: Ports | None) -> tuple[Claim, ...]:
    """Those of the ports of a Swarm's service that it publishes through ingress: each belongs to one service."""
    claims = []
    for target, entries in sorted((ports or {}).items()):
        for entry in entries:
            number, _, mode = entry.partition(":")
            if number.isdecimal() and int(number) and mode == "ingress":
                claims.append(Claim(ClaimKind.INGRESS, number, target.partition("/")[2] or "tcp"))
    return tuple(claims)


def name_claim(name: str) -> Claim:
    """The claim on the name of a container."""
    return Claim(ClaimKind.NAME, name, "container")


# Who holds them -----------------------------------------------------------------------------------------------------


def network_names(desired: DesiredState, observed: ObservedState) -> dict[str, str]:
    """The engine's names of networks by their keys."""
    names = {seen.address.name: seen.name for seen in observed.resources.values() if seen.kind == "network"}
    return names | {
        resource.address.name: resource.name for resource in desired.resources.values() if resource.kind == "network"
    }


def own_holders(observed: ObservedState, networks: Mapping[str, str]) -> tuple[Holder, ...]:
    """Every container and network of the environment, wherever it stands, with what it holds."""
    holders = [_own(seen, networks) for seen in (*observed.resources.values(), *observed.leftovers)]
    return tuple(holder for holder in holders if holder is not None)


def _own(seen: Observed, networks: Mapping[str, str]) -> Holder | None:
    if seen.kind == "network":
        return Holder(seen.id, seen.name, claims_of_network(seen), seen.address)
    if seen.kind == "service":
        return Holder(seen.id, seen.name, claims_of_ports(seen.service_spec["ports"]), seen.address)
    if seen.kind != "container":
        return None
    runs = seen.runtime is None or seen.is_up
    held = claims_of_running(seen.container_spec, networks) if runs else ()
    return Holder(seen.id, seen.name, (name_claim(seen.name), *held), seen.address)


def listed_holders(
    containers: Iterable[EngineJson], networks: Iterable[EngineJson], project: str = ""
) -> tuple[Holder, ...]:
    """Every container and bridge of an engine, from its lists. Those of `project` are called by their addresses."""
    holders = [_listed_container(raw, project) for raw in containers]
    for raw in networks:
        pools: list[Pool] = [{"subnet": pool.get("Subnet")} for pool in (raw.get("IPAM") or {}).get("Config") or []]
        name = f"network {raw['Name']}{describe_owner(raw.get('Labels'))}"
        holders.append(Holder(str(raw["Id"]), name, _claims_of_network(str(raw["Name"]), raw.get("Driver"), pools)))
    return tuple(holders)


def process_holders(bound: Iterable[tuple[str, int, str]], containers: Iterable[Holder]) -> tuple[Holder, ...]:
    """The ports that are bound on the engine's machine, as far as no container accounts for them.

    A process that is bound to `::` alone is taken to serve both families, as most do.
    """
    taken = [claim for holder in containers for claim in holder.claims if claim.kind is ClaimKind.PORT]
    sockets = sorted(bound)
    claims = [
        Claim(ClaimKind.PORT, "" if _is_dual(host, port, protocol, sockets) else host, protocol, port, port)
        for host, port, protocol in sockets
    ]
    free = [claim for claim in claims if not any(claim.overlaps(other) for other in taken)]
    return (Holder("", "a process of the engine's machine, not a container", tuple(free)),) if free else ()


def _is_dual(host: str, port: int, protocol: str, sockets: Iterable[tuple[str, int, str]]) -> bool:
    own = any(number == port and kind == protocol and ":" not in other for other, number, kind in sockets)
    return host == "::" and not own


def _listed_container(raw: EngineJson, project: str) -> Holder:
    names = [str(name).lstrip("/") for name in raw.get("Names") or ()]
    # Behind a link a container has further names, of the form /other/alias.
    name = next((name for name in names if "/" not in name), str(raw["Id"])[:12])
    claims = [name_claim(name)]
    if raw.get("State") in UP:
        for port in raw.get("Ports") or ():
            number = int(port.get("PublicPort") or 0)
            if number:
                claims.append(Claim(ClaimKind.PORT, port.get("IP") or "", port.get("Type") or "tcp", number, number))
        for network, entry in ((raw.get("NetworkSettings") or {}).get("Networks") or {}).items():
            for key in ("IPAddress", "GlobalIPv6Address"):
                if entry.get(key):
                    claims.append(Claim(ClaimKind.ADDRESS, str(ip_address(entry[key])), network))
            if mac := mac_address(entry.get("MacAddress")):
                claims.append(Claim(ClaimKind.MAC, mac, network))
    ours = str(owned_address(raw.get("Labels"), name, project) or "")
    called = ours or f"container {name}{describe_owner(raw.get('Labels'))}"
    return Holder(str(raw["Id"]), called, tuple(dict.fromkeys(claims)))


def merge_holders(own: Sequence[Holder], listed: Sequence[Holder]) -> tuple[Holder, ...]:
    """Our own with what the engine lists of them, such as the port of a range that one got, and all others."""
    more = {holder.id: holder.claims for holder in listed}
    merged = [
        Holder(holder.id, holder.name, tuple(dict.fromkeys((*holder.claims, *more.get(holder.id, ())))), holder.address)
        for holder in own
    ]
    ours = {holder.id for holder in own}
    return (*merged, *(holder for holder in listed if holder.id not in ours))


def holder_of(claims: Iterable[Claim], holders: Iterable[Holder], but: str) -> tuple[Claim, Holder] | None:
    """The first claim that somebody else holds than the object with the id `but`, and who."""
    everyone = [holder for holder in holders if holder.id != but]
    for claim in claims:
        for holder in everyone:
            if any(claim.overlaps(held) for held in holder.claims):
                return claim, holder
    return None
