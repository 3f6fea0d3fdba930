"""Telecom broken on purpose: each of its checks is seen to fail, and the tests of what no check can see."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.systems.broken import (
    Edit,
    Mounted,
    Overlay,
    Row,
    Sql,
    Stop,
    group_name,
    require_a_row_for_every_check,
    require_breaks_that_can_be_made,
    shows,
)
from tests.systems.telecom import test_running

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.systems.telecom.environment import Environment

EVENTS = "services/ingest/ingest/events.py"
DATA_SOURCE = "grafana/provisioning/datasources/telecom.yml"
CALLED = (
    "update pm_events set event_id = '00000000-0000-4000-8000-00000000000{}' "
    "where event_id = '00000000-0000-4000-8000-00000000000{}'"
)

GROUPS = (
    (Row(
        Stop("postgres"),
        ("ingest is healthy and has its database", "ingest reaches postgres:5432", "a valid event is stored"),
        (test_running.test_every_service_is_healthy, test_running.test_the_schema_was_made_by_the_first_start),
    ),),
    (
        Row(Stop("ingest"), ("pmgen reaches ingest:3000", "ingest is healthy and has its database")),
        Row(Stop("grafana"), ("Grafana is healthy",), (test_running.test_every_panel_of_the_dashboard_has_data,)),
    ),
    (
        Row(Stop("pmgen"), ("events keep arriving",), (test_running.test_events_keep_arriving,)),
        Row(Sql(CALLED.format(2, 1), CALLED.format(1, 2)), ("the stored event is in pm_events, once",)),
        Row(
            Sql("alter view pm_kpi rename to away", "alter view away rename to pm_kpi"),
            ("the KPI view answers", "Grafana reads the KPIs from postgres"),
            (test_running.test_the_kpi_view_counts_what_was_stored,),
        ),
        Row(
            Sql("grant insert on pm_events to dashboard_reader", "revoke insert on pm_events from dashboard_reader"),
            ("the dashboard's role can read the events and not write them",),
        ),
    ),
    (Row(
        Sql("revoke select on pm_kpi from dashboard_reader", "grant select on pm_kpi to dashboard_reader"),
        ("Grafana reads the KPIs from postgres",),
    ),),
    (
        Row(
            Edit(
                EVENTS, "raise NotJsonError(str(error)) from error", "raise InvalidEventError(['no JSON']) from error"
            ),
            ("a body that is not JSON is rejected",),
            (partial(
                test_running.test_a_malformed_event_is_rejected_with_its_reason,
                body=b"{not json", status=400, reason="expected JSON",
            ),),
        ),
        Row(
            Edit(EVENTS, 'reasons.append("counters: expected an object")', "reasons.extend([])"),
            ("an event without counters is rejected with its reason",),
        ),
        Row(Mounted(DATA_SOURCE, "telecom-postgres", "another", restart="grafana"), ("Grafana has its data source",)),
        Row(
            Mounted("grafana/dashboards/network-performance.json", "Network performance", "Another", restart="grafana"),
            ("Grafana has its dashboard, shown without a login",),
        ),
        Row(
            Overlay(
                "services:\n"
                "  postgres: {image: 'postgres:16.4-alpine', ports: ['127.0.0.1::5432']}\n"
                "  pmgen: {environment: {EMIT_INTERVAL_MS: '5000'}, user: '0:0'}\n"
            ),
            tests=(
                test_running.test_images_are_pinned,
                test_running.test_postgres_is_not_published,
                test_running.test_they_arrive_as_often_as_was_asked_for,
                partial(test_running.test_a_service_does_not_run_as_root, service="pmgen"),
            ),
        ),
    ),
)  # fmt: skip


def test_every_check_has_its_row() -> None:
    require_a_row_for_every_check("telecom", GROUPS, ("base", "local"))


def test_every_break_can_be_made(tmp_path: Path) -> None:
    require_breaks_that_can_be_made("telecom", GROUPS, "local", tmp_path)


@pytest.mark.engine
@pytest.mark.system
@pytest.mark.whole
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("group", GROUPS, ids=group_name)
def test_what_is_broken_is_noticed(telecom: Environment, group: Sequence[Row]) -> None:
    shows(telecom, group)
