"""Work on the sources: a change to a mounted file shows, without a build and in the same containers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.systems.campaign.environment import OWN
from tests.systems.environment import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.systems.campaign.environment import Environment

pytestmark = [pytest.mark.engine, pytest.mark.system]


def test_every_acceptance_check_passes_in_development_too(dev: Environment) -> None:
    outcome = dev.provision("verify")
    assert outcome.code == 0, outcome.everything


def test_the_api_reloads_a_changed_source(dev: Environment) -> None:
    before = _images_and_containers(dev)
    _replace(dev.playbooks / "packages" / "api" / "src" / "about.ts", '"1.0.0"', '"1.0.0-changed"')
    assert eventually(lambda: _answer(dev, "/api/health/live", "API_PORT").find(b"1.0.0-changed") > 0, within=30)
    assert _images_and_containers(dev) == before


def test_the_api_reloads_a_changed_source_that_the_services_share(dev: Environment) -> None:
    before = _images_and_containers(dev)
    file = dev.playbooks / "packages" / "shared" / "src" / "log.ts"
    _replace(file, "JSON.stringify({ time:", 'JSON.stringify({ changed: "yes", time:')
    for service in ("api", "rules-engine", "scheduler"):
        assert eventually(lambda name=service: '"changed":"yes"' in _log(dev, name), within=30), service
    assert _images_and_containers(dev) == before


@pytest.mark.parametrize("service", ["rules-engine", "scheduler"])
def test_a_worker_reloads_a_changed_source(dev: Environment, service: str) -> None:
    before = _images_and_containers(dev)
    _replace(dev.playbooks / "packages" / service / "src" / "main.ts", '"working"', '"working on the change"')
    assert eventually(lambda: "working on the change" in _log(dev, service), within=30)
    assert _images_and_containers(dev) == before


def test_the_page_shows_a_changed_source(dev: Environment) -> None:
    before = _images_and_containers(dev)
    assert b"Every campaign" not in dev.ask("/src/App.tsx").body
    _replace(dev.playbooks / "packages" / "frontend" / "src" / "App.tsx", '"Campaigns"', '"Every campaign"')
    assert eventually(lambda: b"Every campaign" in _answer(dev, "/src/App.tsx", "FRONTEND_PORT"), within=30)
    assert _images_and_containers(dev) == before


def test_a_changed_source_is_nothing_to_apply(dev: Environment) -> None:
    _replace(dev.playbooks / "packages" / "api" / "src" / "health.ts", '"here"', '"still here"')
    plan = dev.provision("plan", "--detailed-exitcode")
    assert plan.code == 0, plan.everything


@pytest.mark.parametrize("service", OWN)
def test_sources_can_not_be_written_from_inside(dev: Environment, service: str) -> None:
    mounts = [mount for mount in dev.container(service).attrs["Mounts"] if mount["Type"] == "bind"]
    assert mounts
    assert not any(mount["RW"] for mount in mounts)


def _replace(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text, f"{file} has no {old}"
    file.write_text(text.replace(old, new), encoding="utf-8")


def _answer(dev: Environment, path: str, port: str) -> bytes:
    """Empty while the service is starting again."""
    try:
        return dev.ask(path, port=port).body
    except OSError:
        return b""


def _log(dev: Environment, service: str) -> str:
    return str(dev.container(service).logs(tail=50).decode(errors="replace"))


def _images_and_containers(dev: Environment) -> dict[str, tuple[str, str, int]]:
    return {each.name: (each.id, each.attrs["Image"], each.attrs["RestartCount"]) for each in dev.containers()}
