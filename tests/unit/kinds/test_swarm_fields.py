"""Zero, "" and [] in the fields of a Swarm service: what is sent is what is read back, and nothing is lost."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kinds import service
from provisioner.kinds.context import DecodeContext, EncodeContext, ParseContext
from provisioner.model.state import ImageFacts

CONTEXT = EncodeContext(name="a", image="i")
IMAGE = ImageFacts(id="1", entrypoint=("sh", "-c"), command=("sleep", "1"))


def parse(body: dict[str, Any]) -> dict[str, Any]:
    return service.parse({"image": "i", **body}, ParseContext(service="a", image="i"))


def read_back(spec: dict[str, Any]) -> dict[str, Any]:
    return service.decode({"Spec": service.encode(spec, CONTEXT)}, DecodeContext())


EMPTY: tuple[tuple[Any, str], ...] = (
    ("", "user working_dir hostname stop_signal isolation"),
    ("0s", "stop_grace_period"),
    (0, "cpus mem_limit mem_reservation pids_limit oom_score_adj shm_size"),
    (False, "tty stdin_open read_only init"),
    ([], "entrypoint command environment labels group_add ports expose volumes tmpfs cap_add cap_drop security_opt"),
    ([], "dns dns_opt dns_search extra_hosts configs secrets"),
    ({}, "environment labels healthcheck sysctls ulimits networks deploy"),
)


@pytest.mark.parametrize(("key", "empty"), [(key, empty) for empty, keys in EMPTY for key in keys.split()])
def test_an_empty_value_of_every_key_comes_back(key: str, empty: Any) -> None:
    spec = service.with_image_command(parse({key: empty}), IMAGE)
    assert service.differences(spec, read_back(spec)) == ()


def test_no_grace_is_not_the_engines_own() -> None:
    none, zero = parse({}), parse({"stop_grace_period": "0s"})
    assert service.encode(zero, CONTEXT)["TaskTemplate"]["ContainerSpec"]["StopGracePeriod"] == 0
    assert "StopGracePeriod" not in service.encode(none, CONTEXT)["TaskTemplate"]["ContainerSpec"]
    assert [one.path for one in service.differences(zero, read_back(none))] == ["stop_grace_period"]
    assert [one.path for one in service.differences(none, read_back(zero))] == ["stop_grace_period"]


@pytest.mark.parametrize("empty", [[], [""]])
def test_an_empty_entrypoint_leaves_the_command(empty: list[str]) -> None:
    """The image's entrypoint is out of the way, as it is on a plain engine."""
    sent = service.encode(parse({"entrypoint": empty, "command": ["a", "b"]}), CONTEXT)["TaskTemplate"]["ContainerSpec"]
    assert sent["Command"] == ["a", "b"]
    assert "Args" not in sent
    own = service.with_image_command(parse({"entrypoint": empty}), IMAGE)
    assert service.encode(own, CONTEXT)["TaskTemplate"]["ContainerSpec"]["Command"] == ["sleep", "1"]
