"""Networks: Compose's top-level `networks`, Engine API Network (POST /networks/create, 1.24 and later)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provisioner.kinds.fields import Field, Raw, plain
from provisioner.kinds.ownership import user_labels
from provisioner.kinds.values import address, pairs
from provisioner.model.change import Impact

if TYPE_CHECKING:
    from provisioner.model.state import Facts, Spec

KIND = "network"


_POOL = {"Subnet": "subnet", "IPRange": "ip_range", "Gateway": "gateway", "AuxiliaryAddresses": "aux_addresses"}


def _decode_pools(raw: Raw) -> Any:
    configs = (raw.get("IPAM") or {}).get("Config") or []
    return _settled([{_POOL[key]: value for key, value in pool.items() if key in _POOL} for pool in configs])


def _parse_pools(body: Raw) -> Any:
    pools = (body.get("ipam") or {}).get("config")
    return _settled(pools) if pools else None


def _settled(pools: list[Raw]) -> list[Raw]:
    """Address pools in one order, with every address in its canonical form and nothing that is empty."""
    result = [{key: _canonical(value) for key, value in pool.items() if value} for pool in pools]
    return sorted(result, key=lambda pool: str(pool.get("subnet", "")))


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: address(str(one)) for key, one in value.items()}
    return address(str(value))


def _encode_pools(raw: Raw, value: Any) -> None:
    if value:
        keys = {own: api for api, own in _POOL.items()}
        raw.setdefault("IPAM", {})["Config"] = [{keys[k]: v for k, v in pool.items()} for pool in value]


FIELDS: tuple[Field, ...] = (
    plain("driver", "Driver", "what carries the traffic", default="bridge"),
    plain("driver_opts", "Options", "options of the driver", default={}, read=pairs, keyed=True, chosen=True),
    Field(
        key="ipam.config", impact=Impact.REPLACE, summary="subnets, ranges, gateways", api="IPAM.Config", chosen=True,
        parse=_parse_pools, encode=_encode_pools, decode=_decode_pools,
    ),
    plain("ipam.driver", "IPAM.Driver", "who hands out addresses", default="default"),
    plain("ipam.options", "IPAM.Options", "options of the address driver", default={}, read=pairs, keyed=True),
    plain("internal", "Internal", "no way out", default=False),
    plain("attachable", "Attachable", "containers may join a Swarm network", default=False),
    plain("enable_ipv6", "EnableIPv6", "addresses of both families", default=False, chosen=True),
    plain("enable_ipv4", "EnableIPv4", "IPv4 addresses", default=True, chosen=True, explicit=True, since=(1, 48)),
    Field(
        key="labels", impact=Impact.REPLACE, summary="labels", api="Labels", default={}, keyed=True,
        parse=lambda body: dict(pairs(body.get("labels"), "=")),
        encode=lambda raw, value: raw.setdefault("Labels", {}).update(value),
        decode=lambda raw: dict(user_labels(raw.get("Labels"))),
    ),
)  # fmt: skip


def parse(body: Raw) -> Spec:
    """The spec of a network from its canonical body."""
    return {field.key: field.parse(body) for field in FIELDS}


def encode(spec: Spec, labels: dict[str, str]) -> Raw:
    """The body of POST /networks/create, without the name. `labels` are the ownership labels."""
    raw: Raw = {"CheckDuplicate": True, "Labels": {}}
    for field in FIELDS:
        field.encode(raw, spec[field.key])
    raw["Labels"].update(labels)
    return raw


def decode(raw: Raw) -> Spec:
    """The spec of a network from its inspection (GET /networks/{id})."""
    return {field.key: field.decode(raw) for field in FIELDS}


def normalise(spec: Spec, observed: Spec, facts: Facts) -> Spec:
    """Fill what the engine adds to a declared pool: the gateway that nobody named."""
    pools, live = spec["ipam.config"], observed["ipam.config"]
    if not isinstance(pools, list) or not isinstance(live, list) or len(pools) != len(live):
        return spec
    filled: Any = []
    for pool, actual in zip(pools, live, strict=True):
        added = {k: v for k, v in actual.items() if k == "gateway" and k not in pool}
        filled.append({**pool, **added} if pool.get("subnet") == actual.get("subnet") else pool)
    return {**spec, "ipam.config": filled}
