"""Networks: Compose's top-level `networks`, Engine API Network (POST /networks/create, 1.24 and later)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provisioner.kinds.compare import DECLARED
from provisioner.kinds.fields import SAME, Field, Raw, plain
from provisioner.kinds.ownership import user_labels
from provisioner.kinds.values import address, pairs
from provisioner.model.change import Impact

if TYPE_CHECKING:
    from provisioner.model.state import Spec

KIND = "network"


_POOL = {"Subnet": "subnet", "IPRange": "ip_range", "Gateway": "gateway", "AuxiliaryAddresses": "aux_addresses"}


def _decode_pools(raw: Raw) -> Any:
    configs = (raw.get("IPAM") or {}).get("Config") or []
    return _settled([{_POOL[key]: value for key, value in pool.items() if key in _POOL} for pool in configs])


def _parse_pools(body: Raw) -> Any:
    pools = (body.get("ipam") or {}).get("config")
    return _settled(pools or []) or None


def _settled(pools: list[Raw]) -> list[Raw]:
    """Address pools in one order, with every address in its canonical form and nothing that is empty."""
    result = [{key: _canonical(value) for key, value in pool.items() if value} for pool in pools]
    return sorted(filter(None, result), key=_subnet)


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: address(str(one)) for key, one in value.items()}
    return address(str(value))


def _encode_pools(raw: Raw, value: Any) -> None:
    if value:
        keys = {own: api for api, own in _POOL.items()}
        raw.setdefault("IPAM", {})["Config"] = [{keys[k]: v for k, v in pool.items()} for pool in value]


FIELDS: tuple[Field, ...] = (
    plain("driver", "Driver", "what carries the traffic", default="bridge", swarm=SAME),
    plain(
        "driver_opts", "Options", "options of the driver", default={}, read=pairs, keyed=True, chosen=True, swarm=SAME,
    ),
    Field(
        key="ipam.config", swarm=SAME, impact=Impact.REPLACE, summary="subnets, ranges, gateways",
        api="IPAM.Config", chosen=True, parse=_parse_pools, encode=_encode_pools, decode=_decode_pools,
    ),
    plain("ipam.driver", "IPAM.Driver", "who hands out addresses", default="default", swarm=SAME),
    plain(
        "ipam.options", "IPAM.Options", "options of the address driver", default={}, read=pairs, keyed=True, swarm=SAME,
    ),
    plain("internal", "Internal", "no way out", default=False, swarm=SAME),
    plain("attachable", "Attachable", "containers may join a Swarm network", default=False, swarm=SAME),
    plain("enable_ipv6", "EnableIPv6", "addresses of both families", default=False, chosen=True, swarm=SAME),
    plain(
        "enable_ipv4", "EnableIPv4", "IPv4 addresses", default=True, chosen=True, explicit=True, since=(1, 48),
        swarm=SAME,
    ),
    Field(
        key="labels", swarm=SAME, impact=Impact.REPLACE, summary="labels", api="Labels", default={}, keyed=True,
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


def declared(spec: Spec) -> list[str]:
    """What is recorded on a network beside its declared fields: the address families that it declares pools of."""
    return sorted({_family_path(pool) for pool in spec["ipam.config"] or ()})


def normalise(spec: Spec, observed: Spec) -> Spec:
    """Fill what the engine adds to declared pools: a gateway, and pools of a family of which none is declared.

    A pool of such a family that was declared when the network was made is not the engine's: it is to go.
    """
    pools, live = spec["ipam.config"], observed["ipam.config"]
    if not isinstance(pools, list) or not isinstance(live, list):
        return spec
    families, recorded = declared(spec), observed.get(DECLARED) or ()
    own = [pool for pool in live if _family_path(pool) not in (*families, *recorded)]
    gateways = {_subnet(pool): {"gateway": pool["gateway"]} for pool in live if "gateway" in pool}
    filled = [gateways.get(_subnet(pool), {}) | pool for pool in pools]
    return {**spec, "ipam.config": sorted(filled + own, key=_subnet)}


def _family_path(pool: Raw) -> str:
    """The family of a pool's addresses, as a path below its field; an engine's default is version 4."""
    texts = [str(pool[key]) for key in ("subnet", "ip_range", "gateway") if pool.get(key)]
    return f"ipam.config.ipv{6 if ':' in ''.join(texts) else 4}"


def _subnet(pool: Raw) -> str:
    return str(pool.get("subnet", ""))
