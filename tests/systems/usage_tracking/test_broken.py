"""Usage-tracking broken on purpose: each of its checks is seen to fail, and the tests of what no check can see."""

from __future__ import annotations

from dataclasses import dataclass
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
from tests.systems.usage_tracking import test_running
from tests.systems.usage_tracking.environment import Environment, somebody, usage_event

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.systems import environment

NGINX = "docker/nginx.conf"
TO_THE_GATEWAY = "set $api_gateway http://api_gateway:8000;"
SUM = "update usage_by_minute set events = {} where customer = 'acceptance' and metric = 'checks'"


@dataclass(frozen=True)
class Unread(Stop):
    """The processor is stopped, and an event waits."""

    def breaks(self, environment: environment.Environment) -> None:
        super().breaks(environment)
        assert isinstance(environment, Environment)
        assert environment.send(usage_event(somebody())).status == 202


GROUPS = (
    (Row(
        Stop("postgres"),
        (
            "the gateway has its queue and its database", "the processor reaches the database",
            "the aggregation reaches the database", "the processor stores it",
        ),
        (test_running.test_every_service_is_healthy_and_the_migration_has_ended_well,),
    ),),
    (Row(
        Stop("redis"),
        (
            "the gateway has its queue and its database", "the gateway accepts an event",
            "the gateway reaches the queue",
        ),
    ),),
    (
        Row(
            Stop("api_gateway"),
            ("the gateway is healthy", "the gateway accepts an event", "the balancer leads to the gateway"),
        ),
        Row(
            Stop("prometheus"),
            ("Prometheus knows how many events were stored",),
            (test_running.test_prometheus_hands_its_samples_out,),
        ),
        Row(Stop("grafana"), ("Grafana is healthy",), (test_running.test_every_panel_of_the_dashboard_has_data,)),
    ),
    (
        Row(
            Stop("query_service"),
            (
                "the aggregation adds it up once, and the query service answers with the sum",
                "the balancer leads to the query service",
            ),
        ),
        Row(Stop("promtail"), ("Loki has a line of the gateway that Promtail shipped",)),
    ),
    (
        Row(Unread("event_processor"), ("nothing waits in the queue for long", "Prometheus scrapes all four services")),
        Row(Stop("nginx"), ("the balancer is healthy", "the balancer leads to the gateway")),
    ),
    (
        Row(
            Stop("aggregation_service"),
            ("the aggregation reaches the database", "Prometheus scrapes all four services"),
        ),
        Row(
            Sql("alter table usage_events rename to away", "alter table away rename to usage_events"),
            ("the database is TimescaleDB, and usage_events a hypertable",),
            (test_running.test_the_hypertable_is_timescales_and_the_schema_alembics,),
        ),
        Row(
            Sql("update alembic_version set version_num = '0001'", "update alembic_version set version_num = '0002'"),
            ("Alembic has brought the schema to its head",),
        ),
        Row(
            Sql(SUM.format(7), SUM.format(1)),
            ("the aggregation adds it up once, and the query service answers with the sum",),
        ),
    ),
    *(
        (Row(
            Run("redis", f"redis-cli config set {name} {value}", f"redis-cli config set {name} {right}"),
            ("Redis has 512 MB, evicts the least recently used, and keeps an append-only file",),
        ),)
        for name, value, right in (
            ("maxmemory", "64mb", "512mb"), ("maxmemory-policy", "noeviction", "volatile-lru"),
            ("appendonly", "no", "yes"),
        )
    ),
    (
        Row(
            Edit(
                NGINX, TO_THE_GATEWAY,
                f"proxy_intercept_errors on; error_page 400 422 =202 /healthz; {TO_THE_GATEWAY}",
            ),
            ("an event without a quantity is rejected with its reason", "a body that is not JSON is rejected"),
        ),
        Row(Edit(NGINX, "location = /metrics {", "location = /another {"), ("the balancer shows nobody the metrics",)),
        Row(Edit("docker/alerts.yml", "ServiceAway", "Another"), ("Prometheus has the rules of its alerts",)),
        Row(
            Edit(
                "docker/grafana/provisioning/datasources/usage-tracking.yml", "http://loki:3100", "http://loki:3101",
            ),
            ("Grafana has both data sources",),
        ),
        Row(
            Edit("docker/grafana/dashboards/usage-tracking.json", '"title": "Usage tracking"', '"title": "Another"'),
            ("Grafana has its dashboard, shown without a login",),
        ),
        Row(
            Overlay(
                "services:\n"
                "  prometheus:\n"
                "    command: !override\n"
                "      - --config.file=/etc/prometheus/prometheus.yml\n"
                "      - --storage.tsdb.path=/prometheus\n"
                "      - --storage.tsdb.retention.time=10h\n"
                "  event_processor:\n"
                "    ports: ['127.0.0.1::9100']\n"
                "    read_only: false\n"
                "    deploy: {resources: {limits: {cpus: '0.4', memory: 256M}}}\n"
            ),
            ("Prometheus keeps its metrics for as long as was asked",),
            (
                test_running.test_limits_are_set_where_they_work,
                test_running.test_nobody_of_our_own_is_root_or_can_change_itself,
                test_running.test_workers_publish_nothing_and_the_rest_is_on_loopback,
            ),
        ),
    ),
)  # fmt: skip


def test_every_check_has_its_row() -> None:
    require_a_row_for_every_check("usage-tracking", GROUPS, ("base", "local", "balanced"))


def test_every_break_can_be_made(tmp_path: Path) -> None:
    require_breaks_that_can_be_made("usage-tracking", GROUPS, "balanced", tmp_path)


@pytest.mark.engine
@pytest.mark.system
@pytest.mark.whole
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("group", GROUPS, ids=group_name)
def test_what_is_broken_is_noticed(system: Environment, group: Sequence[Row]) -> None:
    shows(system, group, within=120)
