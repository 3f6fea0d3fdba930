"""Short ways to write the samples of a container's fields."""

from __future__ import annotations

from typing import Any

from tests.fields.sample import Sample
from tests.quick_check import passing_once

IMAGE = "busybox:1.36"
WAIT = ["sleep", "infinity"]
ON_A_NETWORK: dict[str, Any] = {"network_mode": None}


def plain(key: str, first: Any, second: Any = None, /, **more: Any) -> Sample:
    """A field whose key in the service is its own key."""
    other = None if second is None else {key: second}
    return Sample(more.pop("name", key.replace("_", "-")), more.pop("field", key), {key: first}, other, **more)


def limit(name: str, key: str, section: str, first: Any, second: Any, field: str, **more: Any) -> Sample:
    """A field that is said under deploy.resources."""
    return Sample(
        name,
        field,
        {"deploy": {"resources": {section: {key: first}}}},
        {"deploy": {"resources": {section: {key: second}}}},
        **more,
    )


def attached(name: str, first: Any, second: Any = None, /, **more: Any) -> Sample:
    """An option of a service's attachment to a network of its own."""
    key = more.pop("key", name.replace("-", "_"))
    return Sample(
        f"networks-{name}",
        "networks",
        {"networks": {"own": {key: first}}},
        None if second is None else {"networks": {"own": {key: second}}},
        rest={"network_mode": None, "networks": {"own": None}},
        **more,
    )


def mounted(name: str, first: Any, second: Any = None, /, **more: Any) -> Sample:
    """A mount at /data."""
    return Sample(
        f"volumes-{name}",
        "volumes",
        {"volumes": [{"target": "/data", **first}]},
        None if second is None else {"volumes": [{"target": "/data", **second}]},
        **more,
    )


def checked(name: str, first: Any, second: Any = None, /, **more: Any) -> Sample:
    """A part of a health check."""
    quick = passing_once()
    return Sample(
        f"healthcheck-{name}",
        "healthcheck",
        {"healthcheck": {**quick, **first}},
        None if second is None else {"healthcheck": {**quick, **second}},
        rest={"healthcheck": quick},
        **more,
    )


def shared(kind: str, first: Any, second: Any) -> Sample:
    """A file of a config or secret."""
    return Sample(
        f"{kind}-file",
        kind,
        {kind: [{"source": "own_file", "target": f"/etc/{kind}", **first}]},
        {kind: [{"source": "own_file", "target": f"/etc/{kind}", **second}]},
        top={kind: {"own_file": {"file": "own.txt"}}},
    )
