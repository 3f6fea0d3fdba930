"""`provision apply` of playbooks/local.yml from nothing: all five systems beside each other on one plain engine."""

from __future__ import annotations

import contextlib
import json
import secrets
from typing import TYPE_CHECKING

import docker
import pytest

from tests.engine_fixtures import remove_project
from tests.engine_in_container import Engines
from tests.systems.production.environment import Production, states

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.engine, pytest.mark.system, pytest.mark.whole, pytest.mark.timeout(5400),
    pytest.mark.xdist_group("local"),
]  # fmt: skip

PLAYS = ("Telecom", "Campaign", "Usage tracking", "Ichrisbirch", "Stock tracker")
# What stays of each until it is said that it shall not: its history.
PROJECTS = ("campaign-local", "ichrisbirch-dev", "stock-tracker-local", "telecom-local", "usage-tracking-local")
ALL = ("--tags", "all,others")


@pytest.fixture(scope="module")
def local(engine_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    """The list on an engine of its own, of which nothing is up yet.

    Its ports are on the loopback of that engine's machine, so that is where the commands are typed.
    """
    project = f"pt-{secrets.token_hex(4)}"
    with contextlib.closing(docker.DockerClient(base_url=engine_url, timeout=120)) as outer:
        try:
            with contextlib.closing(Engines(outer, project)) as engines:
                machine = engines.start("28.5")
                within = ("nsenter", f"--net=/proc/{machine.container.attrs['State']['Pid']}/ns/net")
                folder = tmp_path_factory.mktemp("local")
                made = Production.make(folder, machine.url, "127.0.0.1", target="local", within=within)
                with contextlib.closing(docker.DockerClient(base_url=machine.url, timeout=300)) as engine:
                    made.bring_images(engine_url, engine)
                yield made
        finally:
            remove_project(outer, project)


def test_all_five_come_up_from_nothing_and_then_nothing_changes(local: Production) -> None:
    first = local.apply(*ALL)
    assert states(first) == [(name, "done") for name in PLAYS], first["everything"]
    assert first["exit_code"] == 0
    verified = local.provision("verify", "--json", *ALL)
    assert verified.code == 0, verified.everything
    assert all(play["summary"]["passed"] > 10 for play in json.loads(verified.output)["plays"])

    second = local.apply(*ALL)
    assert [(play["name"], play["changed"]) for play in second["plays"]] == [(name, 0) for name in PLAYS], second
    plan = local.provision("plan", "--detailed-exitcode", *ALL)
    assert plan.code == 0, plan.everything


def test_it_is_taken_down_in_reverse(local: Production) -> None:
    ended = local.provision("destroy", "--yes", "--json", "--volumes", *ALL)
    assert ended.code == 0, ended.everything
    assert [play["name"] for play in json.loads(ended.summary)["plays"]] == list(reversed(PLAYS))
    with contextlib.closing(docker.DockerClient(base_url=local.url, timeout=60)) as engine:
        left = [str(container.name) for container in engine.containers.list(all=True)]
        assert sorted(left) == [f"{project}.ledger" for project in PROJECTS]
        assert engine.volumes.list() == []
        ended = local.provision("destroy", "--yes", "--volumes", "--history", *ALL)
        assert ended.code == 0, ended.everything
        assert engine.containers.list(all=True) == []
        assert {network.name for network in engine.networks.list()} == {"bridge", "host", "none"}
