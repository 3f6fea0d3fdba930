"""The playbooks are Compose files underneath: what `provision export` makes of each system starts with Docker Compose.

Run where Compose is installed, as a plugin of the client or named by COMPOSE; skipped, and said so, elsewhere:

    COMPOSE=/usr/libexec/docker/cli-plugins/docker-compose .venv/bin/python -m pytest tests/systems/test_compose.py
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import secrets
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.systems.campaign.environment import Environment as Campaign
from tests.systems.environment import Environment, ask, eventually, unused_subnet
from tests.systems.ichrisbirch.environment import Environment as Ichrisbirch
from tests.systems.lifetime import made_environment
from tests.systems.stock_tracker.environment import Environment as StockTracker
from tests.systems.telecom.environment import Environment as Telecom
from tests.systems.usage_tracking.environment import Environment as UsageTracking
from tests.systems.usage_tracking.environment import somebody, usage_event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = [pytest.mark.engine, pytest.mark.system, pytest.mark.slow]


@dataclass(frozen=True, slots=True)
class System:
    """`works` says whether an environment that is up does what it is for."""

    kind: type[Environment]
    playbook: str
    works: Callable[[Any], bool]


def _telecom_works(telecom: Telecom) -> bool:
    return int(telecom.sql("select count(*) from pm_events where element like 'gnb-%'")) > 0


def _usage_tracking_works(usage_tracking: UsageTracking) -> bool:
    customer = somebody()
    assert usage_tracking.send(usage_event(customer, quantity=3)).status == 202
    return eventually(lambda: usage_tracking.total(customer) == (1, 3), within=20)


def _campaign_works(campaign: Campaign) -> bool:
    return bool(ask(f"{campaign.url('FRONTEND_PORT')}/api/health").json["status"] == "ok")


def _ichrisbirch_works(ichrisbirch: Ichrisbirch) -> bool:
    ichrisbirch.add_habit("composed")
    return b"composed" in ichrisbirch.page().body


def _stock_tracker_works(stock_tracker: StockTracker) -> bool:
    return bool(stock_tracker.page("/api/health").json["status"] == "ok") and stock_tracker.stored() > 0


SYSTEMS = (
    System(Telecom, "local", _telecom_works),
    System(UsageTracking, "local", _usage_tracking_works),
    System(Campaign, "local", _campaign_works),
    System(Ichrisbirch, "dev", _ichrisbirch_works),
    System(StockTracker, "local", _stock_tracker_works),
)


@pytest.fixture(scope="session")
def compose() -> list[str]:
    """The beginning of Compose's command line."""
    command = [os.environ["COMPOSE"]] if os.environ.get("COMPOSE") else ["docker", "compose"]
    done = subprocess.run([*command, "version", "--short"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip("Docker Compose is not installed as a plugin, and COMPOSE names none")
    return command


@pytest.fixture(params=SYSTEMS, ids=lambda system: system.kind.SYSTEM)
def system(request: pytest.FixtureRequest) -> System:
    made: System = request.param
    return made


@pytest.fixture
def environment(system: System, engine_url: str, tmp_path: Path) -> Iterator[Environment]:
    """An environment that is not up, and that only Compose brings up."""
    with made_environment(system.kind, engine_url, tmp_path, system.playbook) as made:
        if system.kind is UsageTracking:
            free = {"USAGE_SUBNET": unused_subnet(made.engine)}
            made = dataclasses.replace(made, variables={**made.variables, **free})
        yield made


def test_compose_starts_what_is_exported(system: System, environment: Environment, compose: list[str]) -> None:
    file = environment.folder / "compose.yaml"
    exported = environment.provision("export", "--output", str(file))
    assert exported.code == 0, exported.everything
    provide_secrets(file, exported.messages)

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [*compose, "-f", str(file), "--profile", "*", *arguments],
            capture_output=True, text=True, timeout=1200, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    try:
        run("up", "--detach", "--build", "--quiet-pull")
        services = set(run("config", "--services").split())
        assert eventually(lambda: _well(environment, services), within=240), run("ps", "--all")
        assert eventually(lambda: system.works(environment), within=60)
        assert {each.labels["com.docker.compose.project"] for each in environment.containers()} == {environment.project}
    finally:
        run("down", "--volumes", "--timeout", "20")
    assert not environment.containers()
    assert not environment.volumes()
    assert not environment.networks()


def _well(environment: Environment, services: set[str]) -> bool:
    """Every service has a container, which is healthy, or has done its work."""
    found = {}
    for container in environment.containers():
        state = container.attrs["State"]
        ended = state["Status"] == "exited" and state["ExitCode"] == 0
        found[container.labels["com.docker.compose.service"]] = (
            ended or state.get("Health", {}).get("Status") == "healthy"
        )
    return found.keys() == services and all(found.values())


def provide_secrets(file: Path, notes: str) -> None:
    """Do what the notes of an export ask for: files with random text, or with what they say each is built of."""
    values: dict[str, str] = {}
    asked = re.findall(
        r"^note: secret (\w+): put it into (\S+); (?:it is built as (.*)|any random text will do)$", notes, re.M
    )
    assert len(asked) == notes.count("note: secret ") > 0, notes
    # What is built of others comes after them.
    for name, place, built in sorted(asked, key=lambda each: each[2] != ""):
        text = json.JSONDecoder().raw_decode(built)[0] if built.startswith('"') else built
        values[name] = re.sub(r"<(\w+)>", lambda part: values[part[1]], text) or secrets.token_hex(16)
        path = file.parent / place
        path.parent.mkdir(exist_ok=True)
        path.write_text(values[name], encoding="utf-8")
