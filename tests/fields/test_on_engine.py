"""Every field on real engines: set, unchanged; changed, exactly that difference, mended; removed, the same."""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import docker
import pytest

from provisioner.app.apply_request import apply
from provisioner.app.plan_request import make_plan
from provisioner.app.request import Request
from provisioner.cli.interrupt import Interrupt
from provisioner.errors import PlaybookInvalid
from provisioner.model.plan import Policy
from tests.engine_fixtures import remove_project
from tests.engine_in_container import Engines
from tests.fields import company, containers, objects, playbooks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from provisioner.model.plan import Plan
    from tests.fields.playbooks import Groups
    from tests.fields.sample import Body, Sample, Version

pytestmark = pytest.mark.engine


@dataclass(frozen=True)
class Target:
    """An engine: its address and its API version."""

    url: str
    api: Version


@pytest.fixture(scope="module", params=["this", "28.5"])
def target(request: pytest.FixtureRequest, engine_url: str) -> Iterator[Target]:
    """The engine under test, and a current one in a container."""
    with contextlib.closing(docker.DockerClient(base_url=engine_url)) as outer:
        if request.param == "this":
            yield Target(engine_url, _version(engine_url))
            return
        project = f"pt-{secrets.token_hex(4)}"
        try:
            with contextlib.closing(Engines(outer, project)) as engines:
                inner = engines.start(request.param)
                # The fields of block I/O name a device, which must be there.
                inner.container.exec_run(["mknod", "/dev/vda", "b", "254", "0"])
                yield Target(inner.url, _version(inner.url))
        finally:
            remove_project(outer, project)


def _version(url: str) -> Version:
    with contextlib.closing(docker.APIClient(base_url=url, version="auto")) as client:
        major, _, minor = client.api_version.partition(".")
    return int(major), int(minor)


class Environment:
    """A playbook in one of its states, against one engine."""

    def __init__(self, folder: Path, target: Target) -> None:
        self.folder = folder
        self.project = f"pt-{secrets.token_hex(4)}"
        self.target = target

    def request(self, playbook: Body) -> Request:
        path = playbooks.write(self.folder, self.project, playbook)
        return Request(files=(path,), directory=str(self.folder), host=self.target.url)

    def plan(self, playbook: Body) -> Plan:
        return make_plan(self.request(playbook), Policy(), {})

    def apply(self, playbook: Body, *, prune: bool = False) -> None:
        result = apply(
            self.request(playbook), Policy(parallel=4, prune=prune), {}, approve=lambda plan: True,
            listener=lambda event: None, verify=False, interrupt=Interrupt(),
        )  # fmt: skip
        assert result.report is not None, [str(problem) for problem in result.plan.refusals]
        failures = [f"{one.step.address} {one.step.verb}: {one.error}" for one in result.report.failures]
        assert not failures, "\n".join(failures)
        left = [
            f"{c.address}: {d.path}: {d.before!r} → {d.after!r}" for c in result.report.remaining for d in c.differences
        ]
        assert not left, "still different after the apply:\n" + "\n".join(left)


@pytest.fixture
def environment(tmp_path: Path, target: Target) -> Iterator[Environment]:
    made = Environment(tmp_path, target)
    yield made
    with contextlib.closing(docker.DockerClient(base_url=target.url, timeout=120)) as client:
        remove_project(client, made.project)


def differences(plan: Plan) -> dict[str, list[str]]:
    """The paths of the differences of each object, replicas by their service."""
    found = {str(change.address.whole): [one.path for one in change.differences] for change in plan.details}
    return {address: paths for address, paths in found.items() if paths}


def prove(environment: Environment, groups: Groups, kind: str, playbook: Callable[[Groups, int], Body]) -> None:
    """Set, change and remove all of them, each change with exactly the differences that it must give."""
    environment.apply(playbook(groups, playbooks.FIRST))
    assert differences(environment.plan(playbook(groups, playbooks.FIRST))) == {}
    for state in (playbooks.SECOND, playbooks.REMOVED):
        found = differences(environment.plan(playbook(groups, state)))
        faults = [
            fault
            for name, samples in groups.items()
            for fault in playbooks.wrong(samples, state, found.pop(f"{kind}.{name}", []))
        ]
        faults += [f"{address}: {paths}, and nothing was changed there" for address, paths in found.items()]
        assert not faults, "\n".join(faults)
        environment.apply(playbook(groups, state))
        assert differences(environment.plan(playbook(groups, state))) == {}


def possible(samples: tuple[Sample, ...], target: Target) -> list[Sample]:
    return [one for one in samples if not one.untried and one.since <= target.api]


def test_fields_of_containers(environment: Environment, target: Target) -> None:
    groups = playbooks.pack(possible(containers.SAMPLES, target))
    prove(environment, groups, "service", playbooks.of_containers)


def test_fields_of_networks(environment: Environment, target: Target) -> None:
    groups = playbooks.apart(possible(objects.NETWORKS, target))
    prove(environment, groups, "network", playbooks.of_networks)


def test_fields_of_volumes(environment: Environment, target: Target) -> None:
    """A volume is never replaced: the difference is shown, and refused."""
    groups = playbooks.apart(possible(objects.VOLUMES, target))
    first = playbooks.of_volumes(groups, playbooks.FIRST)
    environment.apply(first)
    assert differences(environment.plan(first)) == {}
    for state in (playbooks.SECOND, playbooks.REMOVED):
        plan = environment.plan(playbooks.of_volumes(groups, state))
        found = differences(plan)
        for name, samples in groups.items():
            assert playbooks.wrong(samples, state, found.pop(f"volume.{name}", [])) == []
        assert found == {}
        assert sorted(problem.path for problem in plan.refusals) == sorted(f"volume.{name}" for name in groups)
        assert plan.steps == ()
    assert differences(environment.plan(first)) == {}


def test_what_the_kernel_has_not_is_a_failure(environment: Environment, target: Target) -> None:
    """An engine makes the container without it, and warns; that would be a difference for ever."""
    with contextlib.closing(docker.APIClient(base_url=target.url)) as client:
        host = client.create_host_config() | {"BlkioWeight": 300}
        made = client.create_container(containers.IMAGE, name=f"{environment.project}-asked", host_config=host)
    sample = next(one for one in containers.SAMPLES if one.name == "blkio-weight")
    playbook = playbooks.of_containers(playbooks.apart([sample]), playbooks.FIRST)
    if not made["Warnings"]:
        environment.apply(playbook)
        return
    with pytest.raises(AssertionError, match=r"service\.blkio-weight\[1\] create: .*discarded"):
        environment.apply(playbook)


def test_what_the_engine_is_too_old_for_is_refused(environment: Environment, target: Target) -> None:
    samples = [one for one in containers.SAMPLES if one.since > target.api]
    if not samples:
        assert target.api >= max(one.since for one in containers.SAMPLES)
        return
    for sample in samples:
        with pytest.raises(PlaybookInvalid) as refused:
            environment.plan(playbooks.of_containers(playbooks.apart([sample]), playbooks.FIRST))
        text = str(refused.value)
        assert "compose.yaml:1:" in text
        assert f"services.{sample.name}" in text
        assert "{}.{}".format(*sample.since) in text
        assert "{}.{}".format(*target.api) in text


@pytest.mark.parametrize("part", ["some", pytest.param("all", marks=pytest.mark.whole)])
def test_nothing_differs_in_company(environment: Environment, target: Target, part: str) -> None:
    """An image with every field set, a network of both families, a container outside, and zero, empty and off.

    As many services at once as an engine starts in a few seconds; `script/test --fields` tries all of them.
    """
    samples = possible(containers.SAMPLES, target)
    services = company.bodies(samples, environment.project)
    names = company.some(services) if part == "some" else list(services)
    image, outer = f"{environment.project}-full:1", f"{environment.project}-outer"
    with contextlib.closing(docker.DockerClient(base_url=target.url, timeout=120)) as client:
        client.images.build(fileobj=company.image_context(), custom_context=True, tag=image)
        client.containers.run(image, name=outer, detach=True, ipc_mode="shareable")
    for those in company.a_few_at_once(names):
        playbook = company.playbook({name: services[name] for name in those}, samples, image, target.api)
        environment.apply(playbook, prune=True)
        assert differences(environment.plan(playbook)) == {}
