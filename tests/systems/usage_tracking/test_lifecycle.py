"""From nothing to nothing: a migration that fails, a backup restored, destroyed, brought up again, archived, gone."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.systems.environment import eventually
from tests.systems.rehearsal import with_archives
from tests.systems.usage_tracking.environment import (
    APPLICATIONS,
    CORE,
    MONITORING,
    PLAYBOOKS,
    VOLUMES,
    somebody,
    usage_event,
)
from tests.systems.usage_tracking.test_backup import bring_back

if TYPE_CHECKING:
    from pathlib import Path

    from tests.systems.usage_tracking.environment import Environment

pytestmark = [pytest.mark.engine, pytest.mark.system]

BROKEN = """\
revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    raise RuntimeError("this revision is broken on purpose")
"""
STORES_ONLY = ("--target", "service.postgres", "--target", "service.redis", "--no-verify")
ROWS = "select count(*), coalesce(sum(quantity), 0), max(event_id::text) from usage_events"
SUMS = "select count(*), sum(events), sum(quantity) from usage_by_minute"


def test_a_migration_that_fails_stops_the_apply_and_a_backup_fills_what_is_fresh(
    system: Environment, throwaway: Environment, tmp_path: Path
) -> None:
    _fails_at_the_migration(throwaway)

    # Something that is stored, and something that waits in the queue while the backup is made.
    customer = somebody()
    assert system.send(*[usage_event(customer, quantity=3) for _ in range(5)]).status == 202
    assert eventually(lambda: system.total(customer) == (5, 15), within=20)
    processor = system.container("event_processor")
    processor.stop()
    try:
        assert system.send(usage_event(customer, quantity=4)).status == 202
        rows, sums = system.sql(ROWS), system.sql(SUMS)
        _documented("back up", tmp_path, system, "old")
    finally:
        processor.start()
    assert (tmp_path / "prometheus_data.tar.gz").stat().st_size > 0

    # The failed migration has left the stores of the other environment, empty.
    throwaway.apply(*STORES_ONLY)
    _documented("restore", tmp_path, throwaway, "new")
    assert (throwaway.sql(ROWS), throwaway.sql(SUMS)) == (rows, sums)

    # What is destroyed finds its data again, and the event that waited is stored here, too.
    assert throwaway.provision("destroy", "--yes").code == 0
    assert not throwaway.containers()
    assert not throwaway.networks()
    assert {f"{throwaway.project}_{name}" for name in ("postgres_data", "redis_data")} <= set(throwaway.volumes())
    with_archives(throwaway)
    throwaway.apply()
    assert throwaway.services() == {*CORE, "migrate"}
    assert eventually(lambda: throwaway.total(customer) == (6, 19), within=30)
    bring_back(throwaway, customer)
    _ends_well(throwaway)


def _fails_at_the_migration(environment: Environment) -> None:
    revision = environment.playbooks / "services" / "migrations" / "versions" / "0003_broken.py"
    revision.write_text(BROKEN, encoding="utf-8")
    outcome = environment.provision("apply", "--yes")
    assert outcome.code == 1, outcome.everything
    assert "service.migrate" in outcome.everything
    assert "this revision is broken on purpose" in outcome.everything
    running = {each.labels["usage-tracking.service"] for each in environment.containers() if each.status == "running"}
    assert not running & set(APPLICATIONS)
    assert environment.sql("select to_regclass('alembic_version') is null") == "t"
    revision.unlink()


def _ends_well(environment: Environment) -> None:
    for service in APPLICATIONS:
        container = environment.container(service)
        container.stop(timeout=15)
        container.reload()
        assert container.attrs["State"]["ExitCode"] == 0, service
    assert environment.provision("destroy", "--volumes", "--yes").code == 0
    assert not environment.containers()
    assert not environment.networks()
    assert not environment.volumes()


def _documented(title: str, folder: Path, environment: Environment, variable: str) -> None:
    """Run what the README says under this title, with the environment's name in its variable."""
    text = (PLAYBOOKS / "README.md").read_text(encoding="utf-8")
    (script,) = re.findall(rf"```sh\n# {title}\n(.*?)```", text, re.S)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=folder, env={**os.environ, variable: environment.project},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    log = environment.container("postgres").logs(tail=60).decode(errors="replace")
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\nthe database says:\n{log}"


@pytest.mark.slow
def test_profiles_come_and_go_one_by_one_and_together(throwaway: Environment) -> None:
    throwaway.apply()
    assert throwaway.services() == {*CORE, "migrate"}
    before = throwaway.identities()

    throwaway.apply(profiles=("production",))
    assert throwaway.services() == {*CORE, "migrate", "nginx"}
    throwaway.apply(profiles=("production", "monitoring"))
    assert throwaway.services() == {*CORE, "migrate", "nginx", *MONITORING}
    assert {name: throwaway.identities()[name] for name in before} == before
    assert throwaway.provision("plan", "--detailed-exitcode", profiles=("production", "monitoring")).code == 0

    assert throwaway.provision("destroy", "--yes", profiles=("production", "monitoring")).code == 0
    throwaway.apply(profiles=("monitoring",))
    assert throwaway.services() == {*CORE, "migrate", *MONITORING}
    assert {name.removeprefix(f"{throwaway.project}_") for name in throwaway.volumes()} >= set(VOLUMES)


@pytest.mark.slow
def test_local_becomes_balanced_and_local_again_with_its_data(throwaway: Environment) -> None:
    (throwaway.playbooks / "balanced-too.yml").write_text(
        f"extends: balanced.yml\nenvironment: {throwaway.name}\n", encoding="utf-8"
    )
    entry = {**throwaway.variables, "ENTRY_PORT": throwaway.variables["NGINX_PORT"]}
    balanced = dataclasses.replace(throwaway, playbook="balanced-too", variables=entry)
    customer = somebody()
    throwaway.apply()
    assert throwaway.send(usage_event(customer)).status == 202
    balanced.apply("--scale", "api_gateway=3")
    assert balanced.send(usage_event(customer)).status == 202
    assert eventually(lambda: balanced.total(customer) == (2, 2), within=20)
    throwaway.apply()
    assert len(throwaway.replicas("api_gateway")) == 1
    assert throwaway.total(customer) == (2, 2)
