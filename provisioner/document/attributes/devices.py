"""Devices: mappings of device files, GPUs and device reservations."""

from __future__ import annotations

from dataclasses import replace

from provisioner.document.attributes.shapes import AS_TEXT, FREE, LIST, STRUCT, TEXT, field, null_is_text, pairs
from provisioner.document.quantities import to_integer
from provisioner.document.shape import INTEGER, NULL, SEQUENCE, STRING, Place, Row, Shape, mapping, scalar, sequence
from provisioner.model.node import Node

ALL = -1


def _count(node: Node) -> int:
    if node.value == "all":
        return ALL
    value = to_integer(node)
    if not isinstance(value, int) or value < ALL:
        raise ValueError("expected a number of devices, or all")
    return value


def _expand_device(node: Node, place: Place) -> Node | None:
    """HOST:CONTAINER:PERMISSIONS as a mapping."""
    parts = str(node.value).split(":")
    if len(parts) > 3 or not parts[0]:
        place.wrong("expected HOST[:CONTAINER[:PERMISSIONS]]", node.span, "or write a mapping with source and target")
        return None
    entries = {
        "source": scalar(parts[0], node),
        "target": scalar(parts[1] if len(parts) > 1 else parts[0], node),
        "permissions": scalar(parts[2] if len(parts) > 2 else "rwm", node),
    }
    return mapping(entries, Node({}, node.span, None, {}, node.tag))


def _all(node: Node, place: Place) -> Node | None:
    if node.value != "all":
        place.wrong("expected all, or a list of devices", node.span)
        return None
    return sequence([mapping({"count": scalar(ALL, node)}, Node({}, node.span))], node)


def _canonical_form(node: Node, place: Place) -> Node:
    """A request that names neither a number nor devices asks for all of them."""
    if node.get("count") is not None and node.get("device_ids") is not None:
        place.wrong("'count' and 'device_ids' exclude each other", node.span, "keep one of them")
    if node.get("count") is None and node.get("device_ids") is None:
        return mapping({**node.mapping, "count": Node(ALL, node.span)}, node)
    return node


def device_request(at: str) -> tuple[Row, ...]:
    """The rows of a list of device requests at `at`."""
    gpus = at.endswith("gpus")
    request = STRUCT if gpus else replace(STRUCT, required=("capabilities",))
    return (
        Row(at, LIST, "Devices it needs.", expand=_all if gpus else None, short=(STRING,) if gpus else ()),
        Row(f"{at}.*", request, finish=_canonical_form),
        Row(f"{at}.*.capabilities", LIST),
        Row(f"{at}.*.capabilities.*", TEXT),
        Row(f"{at}.*.driver", TEXT),
        Row(f"{at}.*.count", Shape((INTEGER, STRING), "a number of devices, or all", _count, format="count")),
        Row(f"{at}.*.device_ids", LIST),
        Row(f"{at}.*.device_ids.*", TEXT),
        Row(f"{at}.*.options", FREE, expand=pairs, short=(SEQUENCE,)),
        Row(f"{at}.*.options.*", AS_TEXT, expand=null_is_text, short=(NULL,)),
    )


def _target(node: Node) -> str:
    return field(node, "target") or field(node, "source")


ROWS = (
    Row("services.*.devices", LIST, "Device files it gets.", unique=_target),
    Row("services.*.devices.*", replace(STRUCT, required=("source",)), expand=_expand_device, short=(STRING,)),
    Row("services.*.devices.*.source", TEXT),
    Row("services.*.devices.*.target", TEXT),
    Row("services.*.devices.*.permissions", TEXT),
    Row("services.*.device_cgroup_rules", LIST),
    Row("services.*.device_cgroup_rules.*", TEXT),
    *device_request("services.*.gpus"),
)
