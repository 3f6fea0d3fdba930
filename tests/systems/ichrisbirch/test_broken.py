"""Ichrisbirch broken on purpose: each of its checks is seen to fail, and the tests of what no check can see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.systems.broken import (
    Edit,
    Mounted,
    Overlay,
    Row,
    Run,
    Sql,
    Stop,
    group_name,
    require_a_row_for_every_check,
    require_breaks_that_can_be_made,
    shows,
)
from tests.systems.ichrisbirch import test_running

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.systems.ichrisbirch.environment import Environment

API = "app/ichrisbirch/api.py"
AS_ROOT = (
    "  {name}:\n"
    "    user: '0:0'\n"
    "    secrets:\n"
)  # fmt: skip
DATABASE_SECRETS = (
    "      - {source: postgres_password, target: postgres_password, mode: 0444}\n"
    "      - {source: redis_password, target: redis_password, mode: 0444}\n"
)
APP_SECRETS = "      - {source: app_secret_key, target: app_secret_key, mode: 0444}\n"

GROUPS = (
    (Row(
        Stop("postgres"),
        (
            "the API reaches postgres", "the scheduler reaches postgres", "the page is served from the API",
            "the database is that of the environment, and its schema is there",
        ),
        (test_running.test_every_service_is_healthy_and_not_root,),
    ),),
    (Row(Stop("redis"), ("the API is well, in its own environment", "the API reaches Redis")),),
    (Row(Stop("api"), ("the page reaches the API", "the page is served from the API")),),
    # The apply that starts the scheduler meets an API that is still called unhealthy, and waits for its next verdict.
    (
        Row(Stop("scheduler"), ("the scheduler's summary is served",)),
        Row(
            Sql("alter table habits rename to away", "alter table away rename to habits"),
            ("the database is that of the environment, and its schema is there", "the page is served from the API"),
        ),
    ),
    (Row(
        Run(
            "redis", "REDISCLI_AUTH=$(cat /run/secrets/redis_password) redis-cli config set requirepass ''",
            'redis-cli config set requirepass "$(cat /run/secrets/redis_password)"',
        ),
        ("Redis asks for its password",),
    ),),
    # The source is mounted: what is written is read by itself.
    (
        Row(Mounted(API, "min_length=1", "min_length=0"), ("what is no habit is refused",)),
        Row(
            Mounted(API, '"environment": settings.environment', '"environment": "another"'),
            ("the API is well, in its own environment",),
        ),
    ),
    (Row(
        Overlay(
            "services:\n"
            + "".join(
                AS_ROOT.format(name=name) + (APP_SECRETS if name == "app" else DATABASE_SECRETS)
                for name in ("app", "scheduler", "api")
            )
            + "    environment: {LOG_LEVEL: info}\n"
        ),
        ("the API does not run as root", "the page does not run as root", "the scheduler does not run as root"),
        (
            test_running.test_every_service_is_healthy_and_not_root, test_running.test_operations,
            test_running.test_what_the_playbook_says_wins_over_the_dockerfile,
        ),
    ),),
)  # fmt: skip
# Of the environment of the tests.
TESTING = (
    (Row(Overlay("services:\n  postgres: {tmpfs: !reset null}\n"), ("the database lies in memory",)),),
)  # fmt: skip
# Of production.
PRODUCTION = (
    (
        Row(
            Overlay(
                "services:\n  api:\n    command: [gunicorn, 'ichrisbirch.wsgi_api:api', --worker-class,"
                " uvicorn_worker.UvicornWorker, --worker-tmp-dir, /dev/shm, --workers, '2', --bind, '0.0.0.0:8000']\n"
            ),
            ("gunicorn has four workers",),
        ),
        Row(
            Edit("nginx/nginx.conf", "location /api/ {", "location /another/ {"),
            ("nginx serves the API under its own path too",),
        ),
        Row(
            Edit("nginx/nginx.conf", "set $app http://app:5000;", "set $app http://api:8000;"),
            ("nginx serves the page",),
        ),
    ),
)  # fmt: skip


def test_every_check_has_its_row() -> None:
    require_a_row_for_every_check("ichrisbirch", (*GROUPS, *TESTING, *PRODUCTION), ("base", "dev", "test", "prod"))


def test_every_break_can_be_made(tmp_path: Path) -> None:
    require_breaks_that_can_be_made("ichrisbirch", GROUPS, "dev", tmp_path)
    (tmp_path / "test").mkdir()
    require_breaks_that_can_be_made("ichrisbirch", TESTING, "test", tmp_path / "test")
    (tmp_path / "prod").mkdir()
    require_breaks_that_can_be_made("ichrisbirch", PRODUCTION, "prod", tmp_path / "prod")


@pytest.mark.engine
@pytest.mark.system
@pytest.mark.whole
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("group", GROUPS, ids=group_name)
def test_what_is_broken_is_noticed(dev: Environment, group: Sequence[Row]) -> None:
    shows(dev, group, within=90)


@pytest.mark.engine
@pytest.mark.system
@pytest.mark.whole
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("group", TESTING, ids=group_name)
def test_what_is_broken_is_noticed_among_the_tests(testing: Environment, group: Sequence[Row]) -> None:
    shows(testing, group)


@pytest.mark.engine
@pytest.mark.system
@pytest.mark.whole
@pytest.mark.timeout(1200)
def test_what_is_broken_is_noticed_in_production(prod: Environment) -> None:
    prod.apply()
    for group in PRODUCTION:
        shows(prod, group, within=120)
