"""Every field without an engine: one change is one difference, and what is written is what is read back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from provisioner.document import Sources, read
from provisioner.kinds import container, network, volume
from provisioner.kinds.compare import compare, declared_fields
from provisioner.kinds.context import DecodeContext, EncodeContext, ParseContext
from provisioner.kinds.ownership import declared_paths
from provisioner.model.state import ImageFacts
from tests.fields import containers, objects, playbooks

if TYPE_CHECKING:
    from pathlib import Path

    from provisioner.kinds.fields import Field
    from tests.fields.sample import Sample

IDS = {"anchor": "a" * 64}
NAMES = DecodeContext(
    networks={"pure_own": "own", "pure_apart": "apart", "pure_beside": "beside", "pure_default": "default"},
    services={identity: name for name, identity in IDS.items()},
)
CONTAINERS = {"anchor": ("pure-anchor-1",), "on-the-bridge": ("pure-on-the-bridge-1",)}
IMAGE = ImageFacts(id="sha256:1", environment={"PATH": "/usr/bin:/bin"}, command=("sh",), platform="linux/amd64")
OLD, NEW = (1, 41), (1, 51)


@pytest.fixture(scope="module")
def bodies(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The canonical document of each state of all samples."""
    folder = tmp_path_factory.mktemp("pure")
    return [canonical(folder, state) for state in (playbooks.FIRST, playbooks.SECOND, playbooks.REMOVED)]


def canonical(folder: Path, state: int) -> dict[str, Any]:
    document = playbooks.of_containers(playbooks.apart(containers.SAMPLES), state)
    for section, samples in (("networks", objects.NETWORKS), ("volumes", objects.VOLUMES)):
        for sample in samples:
            document[section][f"sample-{sample.name}"] = sample.states[state]
    # What nothing uses is left out of a document.
    document["services"]["uses-all"] = {
        "image": containers.IMAGE,
        "networks": [f"sample-{sample.name}" for sample in objects.NETWORKS],
        "volumes": [f"sample-{sample.name}:/{sample.name}" for sample in objects.VOLUMES],
    }
    path = playbooks.write(folder, "pure", document)
    plain = read(Sources(files=(path,), environment={})).root.plain()
    assert isinstance(plain, dict)
    return plain


def service(bodies: list[dict[str, Any]], state: int, name: str) -> dict[str, Any]:
    body = bodies[state]["services"][name]
    return container.parse(body, ParseContext(service=name, image=body["image"], containers=CONTAINERS))


def inspected(spec: dict[str, Any], api_version: tuple[int, int]) -> dict[str, Any]:
    """What an engine that adds nothing answers for a container that is created like this and put on its networks."""
    engine_names = {key: name for name, key in NAMES.networks.items()}
    context = EncodeContext(
        labels={}, networks=engine_names, ids=IDS, api_version=api_version, revealed={"shown": "its value"},
        file_volumes={kind: (f"files_{kind}", "/mnt") for kind in ("configs", "secrets") if spec[kind]},
    )  # fmt: skip
    body = container.encode(spec, context)
    host, networking = body.pop("HostConfig"), body.pop("NetworkingConfig", {})
    attached = dict(networking.get("EndpointsConfig", {}))
    for key in spec["networks"]:
        attached.setdefault(engine_names[key], container.endpoint(spec, key))
    if "MacAddress" in body:
        for settings in attached.values():
            settings.setdefault("MacAddress", body["MacAddress"])
    return {
        "Id": "f" * 64,
        "Name": "/pure-1",
        "Config": body,
        "HostConfig": host,
        "NetworkSettings": {"Networks": attached},
    }


def differences(desired: dict[str, Any], raw: dict[str, Any], platform: str | None) -> list[str]:
    made_from = replace(IMAGE, platform=platform or IMAGE.platform)
    wanted = container.beyond_image(desired, IMAGE, observed=False)
    live = container.beyond_image(container.decode(raw, NAMES), made_from, observed=True)
    declared = declared_paths(raw["Config"]["Labels"])
    return [one.path for one in compare(container.FIELDS, wanted, live, declared=declared)]


@pytest.mark.parametrize("sample", containers.SAMPLES, ids=lambda sample: sample.name)
def test_container(sample: Sample, bodies: list[dict[str, Any]]) -> None:
    specs = [service(bodies, state, sample.name) for state in range(3)]
    for api_version in (OLD, NEW):
        live = [inspected(spec, api_version) for spec in specs]
        for state in range(3):
            assert differences(specs[state], live[state], specs[state]["platform"]) == []
        for state in (playbooks.SECOND, playbooks.REMOVED):
            before = specs[state - 1]["platform"]
            assert playbooks.wrong([sample], state, differences(specs[state], live[state - 1], before)) == []


@pytest.mark.parametrize(
    ("section", "kind", "fields", "sample"),
    [("networks", network, network.FIELDS, sample) for sample in objects.NETWORKS]
    + [("volumes", volume, volume.FIELDS, sample) for sample in objects.VOLUMES],
    ids=lambda value: getattr(value, "name", ""),
)
def test_object(
    section: str, kind: Any, fields: tuple[Field, ...], sample: Sample, bodies: list[dict[str, Any]]
) -> None:
    specs = [kind.parse(body[section][f"sample-{sample.name}"]) for body in bodies]
    live = []
    for spec in specs:
        raw = kind.encode(spec, {})
        if kind is volume:
            raw["Options"] = raw.pop("DriverOpts", None)
        live.append((kind.decode(raw), frozenset(declared_fields(fields, spec))))
    for state in range(3):
        observed, declared = live[state]
        assert compare(fields, specs[state], observed, declared=declared) == ()
    for state in (playbooks.SECOND, playbooks.REMOVED):
        observed, declared = live[state - 1]
        paths = [one.path for one in compare(fields, specs[state], observed, declared=declared)]
        assert playbooks.wrong([sample], state, paths) == []


@pytest.mark.parametrize(
    ("fields", "samples"),
    [(container.FIELDS, containers.SAMPLES), (network.FIELDS, objects.NETWORKS), (volume.FIELDS, objects.VOLUMES)],
    ids=["container", "network", "volume"],
)
def test_every_field_has_a_sample(fields: tuple[Field, ...], samples: tuple[Sample, ...]) -> None:
    sampled = {sample.field for sample in samples}
    assert sampled == {field.key for field in fields}
    tried = {sample.field for sample in samples if not sample.untried}
    untried = {sample.field: sample.untried for sample in samples if sample.untried and sample.field not in tried}
    assert all(untried.values())
    # Whatever is added here needs a kernel, a device or a system that no engine of the tests has.
    assert sorted(untried) == sorted(_NOT_HERE & sampled)


_NOT_HERE = {
    "platform", "cpu_rt_runtime", "cpu_rt_period", "cpu_count", "cpu_percent", "privileged", "gpus", "isolation",
    "storage_opt", "driver", "ipam.driver",
}  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "actual", "same"),
    [
        ("linux/amd64", "linux/amd64", True),
        ("linux/x86_64", "linux/amd64", True),
        ("amd64", "linux/amd64", True),
        ("linux/arm64", "linux/arm64/v8", True),
        ("linux/arm64/v8", "linux/arm64/v8", True),
        ("linux/arm/v6", "linux/arm/v7", False),
        ("linux/arm64", "linux/amd64", False),
        ("windows/amd64", "linux/amd64", False),
    ],
)
def test_platform_is_that_of_the_image(wanted: str, actual: str, same: bool) -> None:
    raw = {"Config": {"Image": "a"}, "HostConfig": {}, "Id": "f" * 64, "Name": "/a", "NetworkSettings": {}}
    image = ImageFacts(id="1", platform=actual)
    observed = container.beyond_image(container.decode(raw, NAMES), image, observed=True)
    differences = compare(container.FIELDS, {**observed, "platform": wanted}, observed)
    assert [one.path for one in differences] == ([] if same else ["platform"])


def test_a_secret_in_the_environment_is_never_read_back(bodies: list[dict[str, Any]]) -> None:
    spec = service(bodies, playbooks.FIRST, "environment-secret")
    raw = inspected(spec, NEW)
    assert "A=its value" in raw["Config"]["Env"]
    observed = container.decode(raw, NAMES)
    assert observed["environment"]["A"] == {"secret": "shown", "version": ""}
    assert "its value" not in repr(observed)
