"""Campaign broken on purpose: each of its checks is seen to fail, and the tests of what no check can see."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.systems.broken import (
    Edit,
    Join,
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
from tests.systems.campaign import test_running

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.systems.campaign.environment import Environment

NGINX = "packages/frontend/nginx.conf"
TO_THE_API = "set $api http://api:3000;"
HEALTH = "the frontend proxies /api, and the API reaches PostGIS, Redis and its bucket"
POINT = "st_makepoint{}(double precision, double precision)"

GROUPS = (
    (Row(
        Stop("postgres"),
        (HEALTH, "the API reaches postgres", "the API answers from the database through the frontend"),
        (test_running.test_every_service_is_healthy_and_every_one_shot_has_ended_well,),
    ),),
    (Row(
        Stop("redis"),
        (
            HEALTH, "the API reaches Redis", "the rules engine reaches Redis", "the scheduler reaches Redis",
            "Redis gives back what was set",
        ),
    ),),
    (Row(
        Stop("minio"),
        (
            HEALTH, "the API reaches the storage", "a file is stored in the bucket and read back",
            "the console answers", "the storage's console can be opened", "the storage asks for keys",
        ),
    ),),
    (
        Row(Stop("api"), ("the API answers on its own port", HEALTH)),
        Row(Stop("scheduler"), ("the scheduler reaches Redis",)),
    ),
    (
        Row(Stop("frontend"), ("the frontend serves the page",)),
        Row(
            Sql(
                "update pg_extension set extname = 'away' where extname = 'postgis'",
                "update pg_extension set extname = 'postgis' where extname = 'away'",
            ),
            ("PostGIS is enabled",),
        ),
        Row(
            Sql("alter table schema_migrations rename to away", "alter table away rename to schema_migrations"),
            ("the schema is there",),
        ),
        Row(
            Run("redis", "redis-cli acl setuser default -set", "redis-cli acl setuser default +set"),
            ("Redis gives back what was set",),
        ),
    ),
    (Row(
        Sql(
            f"alter function {POINT.format('')} rename to st_makepoint_away",
            f"alter function {POINT.format('_away')} rename to st_makepoint",
        ),
        ("PostGIS makes a point and measures a distance", HEALTH),
    ),),
    (Row(
        Join("frontend", "backend-network"),
        (
            "the frontend can not reach postgres", "the frontend can not reach Redis",
            "the frontend can not reach the storage",
        ),
        (test_running.test_the_frontend_shares_no_network_with_the_stores,),
    ),),
    (Row(Edit(NGINX, "location /api/ {", "location /another/ {"), (HEALTH,)),),
    (
        Row(
            Edit(NGINX, "try_files $uri /index.html;", "try_files $uri =410;"),
            ("the frontend serves the page under its own paths too",),
            (partial(
                test_running.test_the_page_is_served_under_all_its_paths_and_brings_its_script, path="/campaigns/1",
            ),),
        ),
        Row(
            Edit(NGINX, TO_THE_API, f"proxy_intercept_errors on; error_page 401 =200 /healthz; {TO_THE_API}"),
            ("nobody makes a campaign without a token",),
            (test_running.test_a_token_that_another_secret_signed_is_refused,),
        ),
        Row(
            Overlay(
                "services:\n"
                "  scheduler: {read_only: false, restart: 'no'}\n"
                "  redis: {image: 'redis:7.4-alpine', ports: ['127.0.0.1::6379']}\n"
            ),
            tests=(
                test_running.test_images_are_pinned,
                test_running.test_published_ports_are_on_loopback_and_postgres_and_redis_have_none,
                partial(
                    test_running.test_an_own_service_does_not_run_as_root_and_can_not_change_itself,
                    service="scheduler",
                ),
                partial(test_running.test_what_ends_is_started_again_unless_it_was_stopped, service="scheduler"),
            ),
        ),
    ),
)  # fmt: skip


def test_every_check_has_its_row() -> None:
    require_a_row_for_every_check("campaign", GROUPS, ("base", "local"))


def test_every_break_can_be_made(tmp_path: Path) -> None:
    require_breaks_that_can_be_made("campaign", GROUPS, "local", tmp_path)


@pytest.mark.engine
@pytest.mark.system
@pytest.mark.whole
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("group", GROUPS, ids=group_name)
def test_what_is_broken_is_noticed(local: Environment, group: Sequence[Row]) -> None:
    shows(local, group)
