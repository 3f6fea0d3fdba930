"""Stock-tracker broken on purpose: each of its checks is seen to fail, and the tests of what no check can see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.systems.broken import (
    Edit,
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
from tests.systems.stock_tracker import test_running

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.systems.stock_tracker.environment import Environment

NGINX = "frontend/nginx.conf"

GROUPS = (
    (Row(
        Stop("timescaledb"),
        (
            "the page proxies /api, and the backend collects into its database", "the backend reaches the database",
            "prices keep arriving in the database", "the backend answers on its own port",
        ),
        (test_running.test_all_four_services_are_healthy_within_their_limits,),
    ),),
    (Row(Stop("redis"), ("Redis responds to PING", "the backend reaches Redis")),),
    (Row(
        Stop("backend"),
        ("prices are served through the page", "the stream can be followed through the page"),
        (test_running.test_the_page_upgrades_a_connection_to_the_stream,),
    ),),
    (Row(Stop("frontend"), ("the page is served",)),),
    *(
        (Row(
            Run("redis", f"redis-cli config set {name} {value}", f"redis-cli config set {name} {right}"),
            ("Redis keeps to its limit and writes its file",),
        ),)
        for name, value, right in (
            ("appendonly", "no", "yes"), ("maxmemory", "0", "96mb"), ("maxmemory-policy", "noeviction", "allkeys-lru"),
        )
    ),
    (Row(
        Sql("alter view candles rename to away", "alter view away rename to candles"),
        ("the migrations made a hypertable and its candles",),
        (test_running.test_prices_can_be_asked_for_through_the_page_only_as_they_are,),
    ),),
    (
        Row(
            Edit(NGINX, "location /api/ {", "location /other/ {"),
            (
                "the page proxies /api, and the backend collects into its database",
                "prices are served through the page", "what is no symbol is refused",
            ),
            (test_running.test_prices_can_be_asked_for_through_the_page_only_as_they_are,),
        ),
        Row(
            Edit(NGINX, "location /ws/ {", "location /another/ {"),
            ("the stream can be followed through the page",),
            (test_running.test_the_page_upgrades_a_connection_to_the_stream,),
        ),
        Row(
            Edit(NGINX, "try_files $uri /index.html;", "try_files $uri =410;"),
            ("the page is served under its own paths too",),
        ),
        Row(
            Edit("frontend/index.html", "<title>Stock tracker</title>", "<title>Another</title>"),
            ("the page is served",),
        ),
        Row(
            Overlay(
                "networks:\n  another: {driver: bridge}\n"
                "services:\n"
                "  redis: {restart: 'no', networks: [another], deploy: {resources: {limits: {memory: 256M}}}}\n"
                "  backend: {environment: {CORS_ORIGINS: 'http://elsewhere.example'}}\n"
            ),
            tests=(
                test_running.test_all_four_services_are_healthy_within_their_limits,
                test_running.test_a_browser_lets_only_the_documented_origin_ask_the_backend_itself,
                test_running.test_the_migrations_are_mounted_and_the_volumes_are_named,
            ),
        ),
    ),
)  # fmt: skip


def test_every_check_has_its_row() -> None:
    require_a_row_for_every_check("stock-tracker", GROUPS, ("base", "local"))


def test_every_break_can_be_made(tmp_path: Path) -> None:
    require_breaks_that_can_be_made("stock-tracker", GROUPS, "local", tmp_path)


@pytest.mark.engine
@pytest.mark.system
@pytest.mark.whole
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("group", GROUPS, ids=group_name)
def test_what_is_broken_is_noticed(stock: Environment, group: Sequence[Row]) -> None:
    shows(stock, group)
