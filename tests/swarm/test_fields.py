"""Every field of a Swarm service, in theory and on real engines: set, unchanged; changed, exactly that difference,
mended; removed, the same.
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import docker
import pytest

from provisioner.app.load import load_playbook
from provisioner.app.request import Request
from provisioner.kinds import service
from provisioner.kinds.container_mounts import ROOTS, file_address
from provisioner.kinds.context import DecodeContext, EncodeContext
from provisioner.model.address import Address
from provisioner.platforms import swarm as platform
from provisioner.platforms.lowering import InputVersions
from tests.fields import company
from tests.fields.playbooks import wrong
from tests.swarm import samples
from tests.swarm.environment import QUICK, paths
from tests.swarm.samples import FIRST, REMOVED, SAMPLES, SECOND

if TYPE_CHECKING:
    from pathlib import Path

    from provisioner.model.state import Resource, Spec
    from tests.fields.sample import Sample
    from tests.swarm.conftest import Swarm
    from tests.swarm.environment import SwarmEnvironment
    from tests.swarm.samples import Groups

VERSIONS = {file_address(kind, key): f"{kind}-{key}" for kind in ROOTS for key in ("one", "two")}
# What the engine knows the networks, and the configs and secrets by.
NETWORK_IDS = {"net-default": "default", "net-apart": "apart", "net-beside": "beside", "net-host": "host"}
FILE_IDS = {f"{kind}-{key}-id": (key, f"{kind}-{key}") for kind in ROOTS for key in ("one", "two")}


def lowered(folder: Path, body: dict[str, Any]) -> Resource:
    """The one service of a playbook."""
    (folder / "one.txt").write_text("1\n")
    (folder / "two.txt").write_text("2\n")
    path = folder / "compose.yaml"
    path.write_text(json.dumps({"name": "pt", **body}))
    playbook = load_playbook(Request(files=(str(path),), directory=str(folder)))
    [name] = playbook.services
    return platform.lower(playbook, InputVersions(versions=VERSIONS)).resources[Address("service", name)]


def there_and_back(resource: Resource) -> Spec:
    """A spec as it is read from the engine after it was sent to it."""
    wiring = EncodeContext(
        name=resource.name,
        labels={"provisioner.environment": "pt"},
        image=f"{resource.spec['image']}@sha256:0",
        networks={key: identity for identity, key in NETWORK_IDS.items()},
        files={
            file_address(kind, key): (f"{kind}-{key}-id", f"pt_{key}.x") for kind in ROOTS for key in ("one", "two")
        },
        volumes={"pt_stored": {"Labels": {"provisioner.environment": "pt", "declared": "yes"}}},
    )
    sent = json.loads(json.dumps(service.encode(resource.spec, wiring)))
    return service.decode({"Spec": sent}, DecodeContext(networks=NETWORK_IDS, files=FILE_IDS))


@pytest.mark.parametrize("sample", [one for one in SAMPLES if one.first], ids=lambda sample: sample.name)
def test_a_field_there_and_back(sample: Sample, tmp_path: Path) -> None:
    groups = samples.apart([sample])
    states = [lowered(tmp_path, samples.playbook(groups, state)) for state in (FIRST, SECOND, REMOVED)]
    for one in states:
        assert service.differences(one.spec, there_and_back(one)) == ()
    for state, before, after in ((SECOND, *states[:2]), (REMOVED, *states[1:])):
        found = [one.path for one in service.differences(after.spec, there_and_back(before))]
        assert wrong([sample], state, found) == []


def test_every_field_has_a_sample() -> None:
    assert {field.key for field in service.FIELDS} == {sample.field for sample in SAMPLES}


@pytest.mark.engine
def test_all_fields_on_an_engine(
    environment: SwarmEnvironment, swarm: Swarm, tmp_path_factory: pytest.TempPathFactory
) -> None:
    environment.write("1\n", "one.txt")
    environment.write("2\n", "two.txt")
    groups = samples.pack(one for one in SAMPLES if not one.untried and one.since <= swarm.api)
    environment.write(samples.playbook(groups, FIRST))
    environment.apply()
    environment.require_inert()
    for before, state in ((FIRST, SECOND), (SECOND, REMOVED)):
        expected = expected_differences(tmp_path_factory.mktemp("pure"), groups, before, state)
        environment.write(samples.playbook(groups, state))
        assert paths(environment.plan()) == expected
        environment.apply()
        environment.require_inert()


def expected_differences(folder: Path, groups: Groups, before: int, after: int) -> dict[str, list[str]]:
    """What each service's samples give together, according to the pure half."""
    found = {}
    for name, together in groups.items():
        one, other = (lowered(folder, samples.playbook({name: together}, state)) for state in (before, after))
        different = [change.path for change in service.differences(other.spec, there_and_back(one))]
        if different:
            found[f"service.{name}"] = different
    return found


@pytest.mark.engine
@pytest.mark.parametrize("part", ["some", pytest.param("all", marks=pytest.mark.whole)])
def test_nothing_differs_in_company(environment: SwarmEnvironment, swarm: Swarm, part: str) -> None:
    """Over an image with every field set, with zero, empty and off for each key that has them on a Swarm."""
    values = company.bodies((), environment.project, containers_too=False)
    names = company.some(values) if part == "some" else list(values)
    image = f"{environment.project}-full:1"
    with contextlib.closing(docker.DockerClient(base_url=swarm.url, timeout=120)) as client:
        client.images.build(fileobj=company.image_context(), custom_context=True, tag=image)
    base = {"image": image, "stop_grace_period": "0s", "deploy": QUICK["deploy"]}
    had = 0
    for those in company.a_few_at_once(names):
        services = {name: {**base, **values[name]} for name in those}
        environment.write({"services": services})
        for name in refused(environment):
            del services[name]
        had += len(services)
        environment.write({"services": services})
        environment.apply("--prune")
        environment.require_inert()
    assert had > len(names) / 2, "most of them can be had on a Swarm"


def refused(environment: SwarmEnvironment) -> set[str]:
    """The services of which a Swarm has not what they ask for; the plan says so."""
    outcome = environment.run("plan", "--json")
    if outcome.code == 0:
        return set()
    assert outcome.code == 65, outcome
    problems = json.loads(outcome.stderr)["error"]["problems"]
    return {problem["path"].split(".")[1] for problem in problems}
