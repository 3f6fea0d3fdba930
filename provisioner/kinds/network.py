"""Networks: Compose's top-level `networks`, Engine API Network (POST /networks/create, 1.24 and later)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provisioner.kinds.compare import declared_fields
from provisioner.kinds.context import DecodeContext, EncodeContext, ParseContext
from provisioner.kinds.fields import SAME, Field, custom, decode_fields, encode_fields, parse_fields, plain
from provisioner.kinds.labels import decode_labels, encode_labels, parse_labels
from provisioner.kinds.ownership import DECLARED_FIELDS
from provisioner.kinds.values import address, pairs

if TYPE_CHECKING:
    from provisioner.model.edges import ComposeBody, EngineBody
    from provisioner.model.state import Spec

# Networks that every engine, or every node of a Swarm, has by itself.
OF_THE_ENGINE = frozenset({"bridge", "host", "none", "ingress", "docker_gwbridge"})
_POOL = {"Subnet": "subnet", "IPRange": "ip_range", "Gateway": "gateway", "AuxiliaryAddresses": "aux_addresses"}


def _decode_pools(raw: EngineBody) -> Any:
    configs = (raw.get("IPAM") or {}).get("Config") or []
    return _canonical_pools([{_POOL[key]: value for key, value in pool.items() if key in _POOL} for pool in configs])


def _parse_pools(body: ComposeBody) -> Any:
    pools = (body.get("ipam") or {}).get("config")
    return _canonical_pools(pools or []) or None


def _canonical_pools(pools: list[EngineBody]) -> list[EngineBody]:
    """Address pools in one order, with every address in its canonical form and nothing that is empty."""
    result = [{key: _canonical(value) for key, value in pool.items() if value} for pool in pools]
    return sorted(filter(None, result), key=_subnet)


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: address(str(text)) for key, text in value.items()}
    return address(str(value))


def _encode_pools(raw: EngineBody, value: Any) -> None:
    keys = {own: api for api, own in _POOL.items()}
    raw.setdefault("IPAM", {})["Config"] = [{keys[key]: text for key, text in pool.items()} for pool in value]


def _align_pools(desired: Spec, observed: Spec, recorded: frozenset[str]) -> tuple[Any, Any]:
    """The declared pools with what the engine adds: a gateway, and pools of a family of which none is declared.

    A pool of such a family that was declared when the network was made is not the engine's: it is to go.
    """
    pools, live = desired["ipam.config"], observed["ipam.config"]
    if not pools or not live:
        return pools, live
    own = [pool for pool in live if _family_path(pool) not in (*_families(pools), *recorded)]
    gateways = {_subnet(pool): {"gateway": pool["gateway"]} for pool in live if "gateway" in pool}
    filled = [gateways.get(_subnet(pool), {}) | pool for pool in pools]
    return sorted(filled + own, key=_subnet), live


def _families(pools: list[EngineBody] | None) -> list[str]:
    """The families of addresses of which pools are declared, which is recorded on a network."""
    return sorted({_family_path(pool) for pool in pools or ()})


def _family_path(pool: EngineBody) -> str:
    """The family of a pool's addresses, as a path below its field; an engine's default is version 4."""
    texts = [str(pool[key]) for key in ("subnet", "ip_range", "gateway") if pool.get(key)]
    return f"ipam.config.ipv{6 if ':' in ''.join(texts) else 4}"


def _subnet(pool: EngineBody) -> str:
    return str(pool.get("subnet", ""))


FIELDS: tuple[Field, ...] = (
    plain("driver", "Driver", "what carries the traffic", default="bridge", swarm=SAME),
    plain(
        "driver_opts", "Options", "options of the driver", default={}, read=pairs, keyed=True, chosen=True, swarm=SAME,
    ),
    custom(
        "ipam.config", "IPAM.Config", "subnets, ranges, gateways", _parse_pools, _encode_pools, _decode_pools,
        chosen=True, align=_align_pools, declares=_families, swarm=SAME,
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
    custom(
        "labels", "Labels", "labels", parse_labels, encode_labels, decode_labels, default={}, keyed=True, swarm=SAME,
    ),
)  # fmt: skip


def parse(body: ComposeBody) -> Spec:
    """The spec of a network from its canonical body."""
    return parse_fields(FIELDS, body, ParseContext())


def encode(spec: Spec, labels: dict[str, str]) -> EngineBody:
    """The body of POST /networks/create, without the name. `labels` are the ownership labels."""
    raw: EngineBody = {"CheckDuplicate": True, "Labels": {}}
    encode_fields(FIELDS, raw, spec, EncodeContext())
    raw["Labels"].update(labels)
    return raw


def record_labels(spec: Spec) -> dict[str, str]:
    """The label with what can not be read back from the engine: which of the chosen fields were declared."""
    paths = declared_fields(FIELDS, spec)
    return {DECLARED_FIELDS: ",".join(paths)} if paths else {}


def decode(raw: EngineBody) -> Spec:
    """The spec of a network from its inspection (GET /networks/{id})."""
    return decode_fields(FIELDS, raw, DecodeContext())
