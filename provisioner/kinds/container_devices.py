"""A container's devices: files of the host, and devices by their capability or name (HostConfig.DeviceRequests)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.kinds import values
from provisioner.kinds.fields import Field, Refused, custom, plain, set_path

if TYPE_CHECKING:
    from provisioner.model.edges import ComposeBody, EngineBody
    from provisioner.model.specs import Device, DeviceRequest


def _is_cdi(device: ComposeBody) -> bool:
    """Whether a device is named the Container Device Interface's way: vendor.com/class=name."""
    source = str(device["source"])
    return not source.startswith("/") and "/" in source and "=" in source


def _devices(body: ComposeBody) -> dict[str, Device]:
    result: dict[str, Device] = {}
    for device in body.get("devices") or []:
        if _is_cdi(device):
            continue
        target = device.get("target") or device["source"]
        result[target] = {"source": device["source"], "permissions": device.get("permissions") or "rwm"}
    return result


def _encode_devices(raw: EngineBody, value: dict[str, Device]) -> None:
    devices = [
        {"PathOnHost": d["source"], "PathInContainer": target, "CgroupPermissions": d["permissions"]}
        for target, d in sorted(value.items())
    ]
    set_path(raw, "HostConfig.Devices", devices)


def _decode_devices(raw: EngineBody) -> dict[str, Device]:
    return {
        d["PathInContainer"]: {"source": d["PathOnHost"], "permissions": d["CgroupPermissions"]}
        for d in raw["HostConfig"].get("Devices") or []
    }


def _device_requests(body: ComposeBody) -> list[DeviceRequest]:
    wanted = [*(((body.get("deploy") or {}).get("resources") or {}).get("reservations") or {}).get("devices", [])]
    wanted += [{**gpu, "capabilities": ["gpu", *gpu.get("capabilities", [])]} for gpu in body.get("gpus") or []]
    requests: list[DeviceRequest] = [
        {
            "driver": request.get("driver") or "",
            "count": int(request.get("count") or (0 if request.get("device_ids") else -1)),
            "device_ids": values.sorted_texts(request.get("device_ids")),
            "capabilities": values.sorted_texts(request.get("capabilities")),
            "options": values.pairs(request.get("options"), "="),
        }
        for request in wanted
    ]
    named = [str(device["source"]) for device in body.get("devices") or [] if _is_cdi(device)]
    if named:
        requests.append({"driver": "cdi", "count": 0, "device_ids": sorted(named), "capabilities": [], "options": {}})
    return requests


def _encode_device_requests(raw: EngineBody, value: list[DeviceRequest]) -> None:
    requests = [
        {
            "Driver": request["driver"], "Count": request["count"], "DeviceIDs": request["device_ids"] or None,
            "Capabilities": [request["capabilities"]] if request["capabilities"] else None,
            "Options": request["options"],
        }
        for request in value
    ]  # fmt: skip
    set_path(raw, "HostConfig.DeviceRequests", requests)


def _decode_device_requests(raw: EngineBody) -> list[DeviceRequest]:
    return [
        {
            "driver": r.get("Driver") or "",
            "count": r.get("Count") or 0,
            "device_ids": values.sorted_texts(r.get("DeviceIDs")),
            "capabilities": values.sorted_texts((r.get("Capabilities") or [[]])[0]),
            "options": r.get("Options") or {},
        }
        for r in raw["HostConfig"].get("DeviceRequests") or []
    ]


DEVICES: tuple[Field, ...] = (
    custom(
        "devices", "HostConfig.Devices", "devices of the host", _devices, _encode_devices, _decode_devices, default={},
        keyed=True, swarm=Refused("use deploy.resources.reservations.generic_resources, or a plain engine"),
    ),
    plain(
        "device_cgroup_rules", "HostConfig.DeviceCgroupRules", "rules for devices", default=[],
        read=values.sorted_texts, out=values.sorted_texts, swarm=Refused("run the service on a plain engine"),
    ),
    custom(
        "gpus", "HostConfig.DeviceRequests", "devices by capability", _device_requests, _encode_device_requests,
        _decode_device_requests, sources=("gpus", "deploy.resources.reservations.devices"),
        swarm=Refused("use deploy.resources.reservations.generic_resources"),
    ),
)  # fmt: skip
