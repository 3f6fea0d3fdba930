"""What two environments on one engine can not both have is told with both places, and nothing else is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from provisioner.app.load import load_playbook
from provisioner.app.request import Request
from provisioner.model.span import Span
from provisioner.platforms.clashes import PlacedEnvironment, clashes

if TYPE_CHECKING:
    from pathlib import Path

    from provisioner.platforms.choice import Mode


class Place:
    """Writes playbooks and says where they are to run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(
        self, name: str, text: str, *, mode: Mode = "containers", engine: str = "one", nodes: int = 1
    ) -> PlacedEnvironment:
        file = self.folder / f"{name}.yml"
        file.write_text(text if text.startswith("name:") else f"name: {name}\n{text}")
        playbook = load_playbook(Request(files=(str(file),), directory=str(self.folder)))
        return PlacedEnvironment(name.title(), Span("prod.yml", 1, 3), playbook, mode, engine, nodes)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def told(*environments: PlacedEnvironment) -> list[str]:
    return [str(problem) for problem in clashes(environments)]


def web(ports: str, more: str = "") -> str:
    return f"services: {{web: {{image: x, ports: [{ports}]{more}}}}}\n"


def network(subnet: str, driver: str = "") -> str:
    kind = f"driver: {driver}, " if driver else ""
    return (
        "services: {web: {image: x, networks: [n]}}\n"
        f"networks: {{n: {{{kind}ipam: {{config: [{{subnet: {subnet}}}]}}}}}}\n"
    )


def test_environments_that_share_nothing(place: Place) -> None:
    assert told(place("a", web('"80:80"')), place("b", web('"81:80", "80"'))) == []


def test_one_host_port(place: Place) -> None:
    [problem] = told(place("a", web('"8080:80"')), place("b", web('"127.0.0.1:8080:80"')))
    assert "b.yml:2:" in problem
    assert "host port 127.0.0.1:8080/tcp is also published by service 'web' of the play 'A', at" in problem
    assert "a.yml:2:" in problem


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        ('"8080:80"', '"8080:80/udp"', False),
        ('"127.0.0.1:8080:80"', '"127.0.0.2:8080:80"', False),
        ('"127.0.0.1:8080:80"', '"127.0.0.1:8080:80"', True),
        ('"8000-8002:80"', '"8001:80"', False),
        ('"8080:80"', '"8080:81"', True),
    ],
)
def test_which_ports_meet(place: Place, one: str, other: str, *, clash: bool) -> None:
    assert bool(told(place("a", web(one)), place("b", web(other)))) is clash


def test_a_range_that_replicas_fill(place: Place) -> None:
    filled = place("a", web('"8000-8001:80"', ", deploy: {replicas: 2}"))
    assert len(told(filled, place("b", web('"8001:80"')))) == 1
    assert told(filled, place("b", web('"8001:80"', ", deploy: {replicas: 0}"))) == []


@pytest.mark.parametrize(
    ("one", "other", "nodes", "clash"),
    [
        ("host", "host", 1, True),
        ("host", "host", 3, False),
        ("ingress", "host", 3, True),
        ("ingress", "ingress", 3, True),
    ],
)
def test_ports_on_a_swarm(place: Place, one: str, other: str, nodes: int, *, clash: bool) -> None:
    environments = [
        place(name, web(f'{{target: 80, published: "80", mode: {mode}}}'), mode="swarm", nodes=nodes)
        for name, mode in (("a", one), ("b", other))
    ]
    assert bool(told(*environments)) is clash


def test_one_environment_twice(place: Place) -> None:
    text = "name: shop\n" + web('"80:80"')
    [problem] = told(place("a", text), place("b", text))
    assert "the plays 'A' and 'B' are one environment, shop; the first stands at prod.yml:1:3" in problem


def test_names_that_are_given(place: Place) -> None:
    one = "services: {web: {image: x, container_name: front, networks: [n], volumes: ['vol:/v']}}\n"
    one += "networks: {n: {name: shared}}\nvolumes: {vol: {name: data}}\n"
    problems = told(place("a", one), place("b", one))
    assert [problem.split(": the ", 1)[1].split(" is also")[0] for problem in problems] == [
        "container name 'front'", "network name 'shared'", "volume name 'data'"
    ]  # fmt: skip
    external = one.replace("name: shared}", "name: shared, external: true}").replace("front", "back")
    assert [problem.split("'")[1] for problem in told(place("a", one), place("b", external))] == ["data"]


def test_names_that_come_out_the_same(place: Place) -> None:
    [problem] = told(
        place("a", "name: a-b\nservices: {c: {image: x}}\n"), place("b", "name: a\nservices: {b-c: {image: x}}\n")
    )
    assert "the container name 'a-b-c-1'" in problem


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        ("172.20.0.0/16", "172.20.5.0/24", True),
        ("172.20.0.0/16", "172.21.0.0/16", False),
        ("10.0.0.0/8", "fd00::/8", False),
    ],
)
def test_subnets(place: Place, one: str, other: str, *, clash: bool) -> None:
    assert bool(told(place("a", network(one)), place("b", network(other)))) is clash


def test_subnets_of_an_overlay_and_of_a_bridge_are_apart(place: Place) -> None:
    overlay = place("a", network("172.20.0.0/16"), mode="swarm")
    assert told(overlay, place("b", network("172.20.0.0/16"))) == []
    assert len(told(overlay, place("c", network("172.20.0.0/16", "overlay"), mode="swarm"))) == 1


def test_environments_on_two_engines(place: Place) -> None:
    text = "name: shop\n" + web('"80:80"')
    assert told(place("a", text, engine="one"), place("b", text, engine="two")) == []
