"""What the engine in memory adds to networks and attachments by itself, as real engines do. Pure.

Sources: the answers of engines 20.10 and 28.5; Engine API 1.44 (DNSNames) and 1.45 (no short id among the aliases).
"""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING

from provisioner.kinds.refusals import refused

if TYPE_CHECKING:
    from provisioner.model.edges import EngineBody, EngineJson

_DNS_NAMES, _NO_SHORT_ID, _OWN_V6_POOLS = (1, 44), (1, 45), (1, 47)


def address_pools(body: EngineJson, number: int, api_version: tuple[int, int]) -> EngineBody:
    """The IPAM of a new network: its own pools with their gateways, and one of each family that has none.

    `number` is different for each network, so that what is chosen for it overlaps nothing that is chosen for others.
    """
    ipam: EngineJson = body.get("IPAM") or {}
    pools = [dict(pool) for pool in ipam.get("Config") or ()]
    versions = {ip_network(pool["Subnet"], strict=False).version for pool in pools}
    if body.get("EnableIPv4") is not False and 4 not in versions:
        pools.append({"Subnet": f"172.{16 + number // 256}.{number % 256}.0/24"})
    if body.get("EnableIPv6") and 6 not in versions:
        if api_version < _OWN_V6_POOLS:
            text = "could not find an available, non-overlapping IPv6 address pool among the defaults"
            raise refused(400, f"{text} to assign to the network")
        pools.append({"Subnet": f"fdff:{number:x}::/64"})
    for pool in pools:
        pool.setdefault("Gateway", str(ip_network(pool["Subnet"], strict=False)[1]))
    return {"Driver": ipam.get("Driver") or "default", "Options": ipam.get("Options"), "Config": pools}


def attached(container: EngineJson, endpoint: EngineJson, api_version: tuple[int, int]) -> EngineBody:
    """The endpoint of a container on a network, with the names that the engine finds it by."""
    short_id, hostname = container["Id"][:12], container["Config"].get("Hostname") or ""
    aliases = list(endpoint.get("Aliases") or ())
    if api_version < _NO_SHORT_ID:
        aliases.append(short_id)
    if api_version < _DNS_NAMES:
        aliases += [hostname] if hostname and hostname not in aliases else []
        return {**endpoint, "Aliases": aliases}
    names = [container["Name"].lstrip("/"), *aliases, short_id, hostname]
    return {**endpoint, "Aliases": aliases, "DNSNames": [name for name in dict.fromkeys(names) if name]}
