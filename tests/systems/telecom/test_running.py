"""The telecom system while it runs: every row of its table, seen from outside."""

from __future__ import annotations

import json
import stat
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.systems.environment import eventually
from tests.systems.telecom.environment import SERVICES

if TYPE_CHECKING:
    from tests.systems.telecom.environment import Environment

pytestmark = [pytest.mark.engine, pytest.mark.system]


def test_every_acceptance_check_is_green(telecom: Environment) -> None:
    outcome = telecom.provision("verify")
    assert outcome.code == 0, outcome.everything
    assert "events keep arriving" in outcome.output


def test_a_second_apply_changes_nothing(telecom: Environment) -> None:
    before = telecom.identities()
    assert " changed=0 " in telecom.apply().summary
    assert telecom.identities() == before


def test_a_plan_after_the_apply_has_nothing_to_do(telecom: Environment) -> None:
    outcome = telecom.provision("plan", "--detailed-exitcode")
    assert outcome.code == 0, outcome.everything


def test_every_service_is_healthy(telecom: Environment) -> None:
    assert {service: telecom.health(service) for service in SERVICES} == dict.fromkeys(SERVICES, "healthy")


def test_images_are_pinned(telecom: Environment) -> None:
    assert telecom.container("postgres").attrs["Config"]["Image"] == "postgres:16-alpine"
    assert telecom.container("grafana").attrs["Config"]["Image"] == "grafana/grafana:11.2.0"


def test_postgres_is_not_published(telecom: Environment) -> None:
    assert not telecom.published("postgres")


@pytest.mark.parametrize("service", ["ingest", "grafana"])
def test_a_published_port_is_on_loopback_only(telecom: Environment, service: str) -> None:
    assert telecom.published(service) == {"3000/tcp": telecom.variables[f"{service.upper()}_PORT"]}


def test_the_documented_values_are_the_defaults(telecom: Environment) -> None:
    services = json.loads(telecom.provision("config", "--format", "json", variables={}).output)["services"]
    database, ingest = services["postgres"]["environment"], services["ingest"]["environment"]
    assert (database["POSTGRES_DB"], database["POSTGRES_USER"]) == ("telecom", "telecom")
    assert (ingest["DB_HOST"], ingest["DB_PORT"], ingest["DB_NAME"], ingest["DB_USER"]) == (
        "postgres", "5432", "telecom", "telecom",
    )  # fmt: skip
    for name in ("ingest", "pmgen"):
        assert services[name]["build"]["context"].endswith(f"playbooks/telecom/services/{name}")
    assert services["ingest"]["ports"][0]["published"] == "3000"
    assert services["grafana"]["ports"][0]["published"] == "3001"
    assert services["pmgen"]["environment"]["EMIT_INTERVAL_MS"] == "5000"
    assert services["pmgen"]["environment"]["INGEST_URL"] == "http://ingest:3000/v1/events/pm"


def test_the_schema_was_made_by_the_first_start(telecom: Environment) -> None:
    kinds = telecom.sql("select relname, relkind from pg_class where relname in ('pm_events', 'pm_kpi') order by 1")
    assert kinds.splitlines() == ["pm_events|r", "pm_kpi|v"]


def test_events_keep_arriving(telecom: Environment) -> None:
    before = telecom.generated_events()
    assert eventually(lambda: telecom.generated_events() > before, within=15)


def test_they_arrive_as_often_as_was_asked_for(telecom: Environment) -> None:
    """Two measurements a second: with the default there would be two at most."""
    lately = "element like 'gnb-%' and received_at > now() - interval '5s'"
    moments = f"select count(distinct measured_at) from pm_events where {lately}"
    assert eventually(lambda: int(telecom.sql(moments)) >= 5, within=30)


def test_the_kpi_view_counts_what_was_stored(telecom: Environment) -> None:
    element = f"lab-{uuid.uuid4().hex[:8]}"
    for attempts, successes, dropped in ((100, 90, 9), (100, 100, 10)):
        event = _event(element=element, attempts=attempts, successes=successes, dropped=dropped)
        assert telecom.post_event(event).status == 201
    kpi = telecom.sql(f"select events, setup_success_rate, drop_rate from pm_kpi where element = '{element}'")
    assert kpi == "2|95.00|10.00"


def test_an_event_that_is_sent_twice_is_stored_once(telecom: Environment) -> None:
    event_id = str(uuid.uuid4())
    first, second = (telecom.post_event(_event(event_id=event_id)) for _ in range(2))
    assert (first.status, second.status) == (201, 201)
    assert first.json == {"status": "stored", "event_id": event_id, "repeated": False}
    assert second.json == {"status": "stored", "event_id": event_id, "repeated": True}
    assert telecom.sql(f"select count(*) from pm_events where event_id = '{event_id}'") == "1"


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"{not json", 400, "expected JSON"),
        (b"[]", 422, "expected a JSON object"),
        (b'{"element": "x", "cell": "y", "measured_at": "2000-01-01T00:00:00Z"}', 422, "counters: expected an object"),
        (b"[" * 60_000, 400, "expected JSON"),
        (b" " * 70_000, 413, "at most 65536 bytes"),
    ],
)
def test_a_malformed_event_is_rejected_with_its_reason(
    telecom: Environment, body: bytes, status: int, reason: str
) -> None:
    answer = telecom.post_event(body)
    assert answer.status == status
    assert answer.json["status"] == "rejected"
    assert reason in answer.json["reasons"][0]


@pytest.mark.parametrize("service", ["ingest", "pmgen", "grafana"])
def test_a_service_does_not_run_as_root(telecom: Environment, service: str) -> None:
    _, output = telecom.container(service).exec_run(["id", "-u"])
    assert int(output) != 0


def test_generated_passwords_are_kept_in_a_private_file(telecom: Environment) -> None:
    file = telecom.secret_file
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert set(telecom.secrets()) == {
        "TELECOM_DB_PASSWORD",
        "TELECOM_DASHBOARD_DB_PASSWORD",
        "TELECOM_GRAFANA_ADMIN_PASSWORD",
    }


def test_no_password_can_be_read_from_the_engine(telecom: Environment) -> None:
    exposed = telecom.exposed()
    for name, value in telecom.secrets().items():
        assert value not in exposed, name


def test_every_panel_of_the_dashboard_has_data(telecom: Environment) -> None:
    answer = telecom.grafana("/api/dashboards/uid/telecom-pm")
    assert answer.status == 200
    panels = answer.json["dashboard"]["panels"]
    assert {panel["type"] for panel in panels} == {"stat", "timeseries", "table"}
    for panel in panels:
        query = {"from": "now-15m", "to": "now", "queries": panel["targets"]}
        result = telecom.grafana("/api/ds/query", query)
        assert result.status == 200, (panel["title"], result)
        columns = result.json["results"]["A"]["frames"][0]["data"]["values"]
        assert any(value is not None for value in columns[0]), panel["title"]


def test_a_visitor_can_not_change_the_events_through_the_dashboard(telecom: Environment) -> None:
    statement = {"refId": "A", "datasource": {"uid": "telecom-postgres"}, "rawSql": "delete from pm_events returning 1"}
    answer = telecom.grafana("/api/ds/query", {"from": "now-1m", "to": "now", "queries": [statement]})
    assert answer.status in (400, 500)
    assert telecom.generated_events() > 0


def test_pmgen_survives_ingest_being_away_and_loses_nothing(telecom: Environment) -> None:
    pmgen, ingest = telecom.container("pmgen"), telecom.container("ingest")
    ingest.stop()
    try:
        away = datetime.now(UTC)
        assert eventually(lambda: "ingest is away" in _log_since(telecom, "pmgen", away), within=15)
        pmgen.reload()
        assert pmgen.attrs["State"]["Status"] == "running"
    finally:
        ingest.start()
    measured_meanwhile = f"select count(*) from pm_events where measured_at between '{away}' and '{datetime.now(UTC)}'"
    assert eventually(lambda: int(telecom.sql(measured_meanwhile)) > 0, within=30)
    pmgen.reload()
    assert pmgen.attrs["RestartCount"] == 0
    assert eventually(lambda: telecom.health("ingest") == "healthy", within=30)


def test_ingest_survives_postgres_being_restarted(telecom: Environment) -> None:
    telecom.container("postgres").restart()
    assert eventually(lambda: _answers(telecom), within=30)
    assert telecom.container("ingest").attrs["RestartCount"] == 0
    assert eventually(lambda: telecom.health("postgres") == "healthy", within=30)


def test_logs_are_one_json_object_a_line(telecom: Environment) -> None:
    for service in ("ingest", "pmgen"):
        lines = telecom.container(service).logs(tail=20).decode().splitlines()
        assert lines
        assert {json.loads(line)["service"] for line in lines} == {service}


def _event(
    *, event_id: str | None = None, element: str = "lab", attempts: int = 10, successes: int = 10, dropped: int = 0
) -> bytes:
    document: dict[str, Any] = {
        "element": element,
        "cell": f"{element}-1",
        "measured_at": "2001-01-01T00:00:00Z",
        "counters": {
            "setup_attempts": attempts,
            "setup_successes": successes,
            "dropped_calls": dropped,
            "traffic_mb": 1.0,
            "latency_ms": 1.0,
        },
    }
    return json.dumps({**document, "event_id": event_id} if event_id else document).encode()


def _answers(telecom: Environment) -> bool:
    try:
        return telecom.post_event(_event()).status == 201
    except OSError:
        return False


def _log_since(telecom: Environment, service: str, moment: datetime) -> str:
    return str(telecom.container(service).logs(since=moment.timestamp()).decode(errors="replace"))
