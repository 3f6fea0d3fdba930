"""A sample of every field of a network and of a volume."""

from __future__ import annotations

from typing import Any

from tests.fields.sample import Sample


def plain(key: str, first: Any, second: Any = None, /, **more: Any) -> Sample:
    other = None if second is None else {key: second}
    return Sample(more.pop("name", key.replace("_", "-")), more.pop("field", key), {key: first}, other, **more)


def pool(name: str, first: Any, second: Any, **more: Any) -> Sample:
    """An address pool of a network."""
    return Sample(f"ipam-{name}", "ipam.config", {"ipam": {"config": [first]}}, {"ipam": {"config": [second]}}, **more)


NETWORKS = (
    plain("driver", "macvlan", "ipvlan", untried="the kernel has bridges only"),
    plain(
        "driver_opts",
        {"com.docker.network.bridge.enable_icc": "false"},
        {"com.docker.network.bridge.enable_icc": "true"},
        changed=("driver_opts.com.docker.network.bridge.enable_icc",),
    ),
    pool("subnet", {"subnet": "10.213.11.0/24"}, {"subnet": "10.213.12.0/24"}),
    pool(
        "gateway",
        {"subnet": "10.213.13.0/24", "gateway": "10.213.13.9"},
        {"subnet": "10.213.13.0/24", "gateway": "10.213.13.10"},
    ),
    pool(
        "ip-range",
        {"subnet": "10.213.14.0/24", "ip_range": "10.213.14.128/25"},
        {"subnet": "10.213.14.0/24", "ip_range": "10.213.14.64/26"},
    ),
    pool(
        "aux",
        {"subnet": "10.213.15.0/24", "aux_addresses": {"router": "10.213.15.7"}},
        {"subnet": "10.213.15.0/24", "aux_addresses": {"router": "10.213.15.8"}},
    ),
    Sample(
        "ipam-driver",
        "ipam.driver",
        {"ipam": {"driver": "null"}},
        untried="the engine's other address driver belongs to networks without addresses",
    ),
    Sample(
        "ipam-options",
        "ipam.options",
        {"ipam": {"options": {"a": "1"}}},
        {"ipam": {"options": {"a": "2"}}},
        changed=("ipam.options.a",),
    ),
    plain("internal", True),
    plain("attachable", True),
    plain(
        "enable_ipv6", True, rest={"ipam": {"config": [{"subnet": "10.213.16.0/24"}, {"subnet": "fd00:213:16::/64"}]}}
    ),
    plain("enable_ipv4", False, since=(1, 48), rest={"enable_ipv6": True}),
    plain("labels", {"a": "1"}, ["a=2"], changed=("labels.a",)),
)

VOLUMES = (
    plain("driver", "other", untried="there is no other volume driver"),
    plain(
        "driver_opts",
        {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"},
        {"type": "tmpfs", "device": "tmpfs", "o": "size=2m"},
        changed=("driver_opts.o",),
        removed=("driver_opts.device", "driver_opts.o", "driver_opts.type"),
    ),
    plain("labels", {"a": "1"}, {"a": "2"}, changed=("labels.a",)),
)
