"""Work on the sources: a change to a mounted file shows, without a build and in the same containers."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from tests.systems.environment import eventually, unused_subnet
from tests.systems.lifetime import made_environment
from tests.systems.usage_tracking.environment import APPLICATIONS, Environment, usage_event

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.engine, pytest.mark.system, pytest.mark.slow]


@pytest.fixture(scope="module")
def dev(engine_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """An environment that extends dev.yml, applied once."""
    folder = tmp_path_factory.mktemp("usage-tracking-dev")
    with made_environment(Environment, engine_url, folder, "dev") as environment:
        free = {"USAGE_SUBNET": unused_subnet(environment.engine)}
        environment = dataclasses.replace(environment, variables={**environment.variables, **free})
        environment.apply()
        yield environment


def test_the_gateway_shows_a_changed_source(dev: Environment) -> None:
    before = _identities(dev)
    _replace(dev.playbooks / "services" / "api_gateway" / "__main__.py", '"accepted"', '"taken"')
    assert eventually(lambda: _status(dev) == "taken", within=60)
    assert _identities(dev) == before


def test_a_changed_source_is_nothing_to_apply(dev: Environment) -> None:
    _replace(dev.playbooks / "services" / "query_service" / "__main__.py", '"rejected"', '"refused"')
    plan = dev.provision("plan", "--detailed-exitcode")
    assert plan.code == 0, plan.everything


def test_all_show_a_changed_source_that_they_share(dev: Environment) -> None:
    before = _identities(dev)
    _replace(dev.playbooks / "services" / "common" / "logs.py", '"service": self', '"changed": "yes", "service": self')
    for service in APPLICATIONS:
        assert eventually(lambda name=service: _says(dev, name, '"changed": "yes"'), within=60), service
    assert _identities(dev) == before


def _replace(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text, f"{file} has no {old}"
    file.write_text(text.replace(old, new), encoding="utf-8")


def _status(dev: Environment) -> str:
    """Empty while the service is starting again."""
    try:
        return str(dev.send(usage_event("developer")).json["status"])
    except OSError:
        return ""


def _says(dev: Environment, service: str, text: str) -> bool:
    return text in dev.container(service).logs(tail=50).decode(errors="replace")


def _identities(dev: Environment) -> dict[str, tuple[str, str, int]]:
    return {each.name: (each.id, each.attrs["Image"], each.attrs["RestartCount"]) for each in dev.containers()}
