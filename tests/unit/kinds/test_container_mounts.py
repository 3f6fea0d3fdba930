"""SELinux labels of mounts: on named volumes too, in both forms, as far as an engine can take them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from provisioner.document import Sources, read
from provisioner.kinds import service
from provisioner.kinds.container_mounts import decode_volumes, encode_volumes, parse_volumes, with_anonymous
from provisioner.kinds.context import DecodeContext, EncodeContext, ParseContext

if TYPE_CHECKING:
    from pathlib import Path


def canonical(folder: Path, mount: Any) -> dict[str, Any]:
    path = folder / "compose.yaml"
    document = {"name": "p", "services": {"a": {"image": "i", "volumes": [mount]}}, "volumes": {"data": {}}}
    path.write_text(json.dumps(document))
    body = read(Sources(files=(str(path),), environment={})).root.plain()
    found: dict[str, Any] = body["services"]["a"]  # type: ignore[index, call-overload]
    return found


def mounted(**options: Any) -> dict[str, Any]:
    return {"type": "volume", "source": "data", "target": "/data", **options}


@pytest.mark.parametrize(
    ("short", "expected"),
    [
        ("data:/data", mounted(volume={})),
        ("data:/data:Z", mounted(volume={}, bind={"selinux": "Z"})),
        ("data:/data:z,ro", mounted(volume={}, bind={"selinux": "z"}, read_only=True)),
        ("data:/data:nocopy,z", mounted(volume={"nocopy": True}, bind={"selinux": "z"})),
        ("data:/data:rslave", mounted(volume={}, bind={"propagation": "rslave"})),
    ],
)
def test_the_short_form_keeps_what_it_says(tmp_path: Path, short: str, expected: dict[str, Any]) -> None:
    assert canonical(tmp_path, short)["volumes"] == [expected]


@pytest.mark.parametrize(
    "mount",
    [
        "data:/data:Z",
        "data:/data:ro,nocopy,z",
        mounted(bind={"selinux": "z"}),
        mounted(bind={"selinux": "z"}, volume={"subpath": "x"}),
        mounted(bind={"selinux": "z"}, volume={"labels": {"a": "1"}}),
        {"type": "volume", "target": "/data", "bind": {"selinux": "z"}},
        {"type": "bind", "source": "/tmp", "target": "/data", "bind": {"selinux": "z", "recursive": "disabled"}},
        {"type": "bind", "source": "/tmp", "target": "/data", "bind": {"selinux": "Z", "create_host_path": False}},
        {"type": "tmpfs", "target": "/data", "bind": {"selinux": "z"}},
    ],
    ids=str,
)
def test_what_is_sent_is_what_is_read_back(tmp_path: Path, mount: Any) -> None:
    spec = parse_volumes(canonical(tmp_path, mount), ParseContext(volumes={"data": "p_data"}))
    raw: dict[str, Any] = {}
    encode_volumes(raw, spec)
    read_back = decode_volumes(raw, {})
    for entry in (*spec.values(), *read_back.values()):
        entry.pop("create_host_path", None)
    assert read_back == spec


def test_swarm_has_no_labels_of_mounts(tmp_path: Path) -> None:
    body = canonical(tmp_path, "data:/data:Z")
    spec = service.parse(body, ParseContext(service="a", image="i"))
    sent = service.encode(spec, EncodeContext(name="a", image="i"))
    assert service.differences(spec, service.decode({"Spec": sent}, DecodeContext())) == ()


@pytest.mark.parametrize(
    ("declared", "mounted"),
    [
        ({}, {"type": "volume", "source": "f" * 64}),
        ({"/d": {"type": "volume"}}, {"type": "volume", "source": "f" * 64}),
        ({"/d": {"type": "volume", "read_only": True}}, {"type": "volume", "read_only": True, "source": "f" * 64}),
        ({"/d": {"type": "volume", "source": "named"}}, {"type": "volume", "source": "named"}),
        ({"/d": {"type": "bind", "source": "/host"}}, {"type": "bind", "source": "/host"}),
        ({"/d": {"type": "tmpfs"}}, {"type": "tmpfs"}),
    ],
)
def test_only_what_has_no_name_goes_on_with_the_volume_of_the_one_before(declared: Any, mounted: Any) -> None:
    assert with_anonymous(declared, {"/d": "f" * 64})["/d"] == mounted
