"""A usage-tracking environment that is up with all profiles: what its description asks for, asked from outside."""

from __future__ import annotations

import json
import stat
import urllib.request
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from tests.systems.environment import ask, eventually
from tests.systems.lifetime import started_in_order
from tests.systems.usage_tracking.environment import (
    APPLICATIONS,
    CORE,
    MONITORING,
    SECRETS,
    STORES,
    VOLUMES,
    somebody,
    usage_event,
)

if TYPE_CHECKING:
    from tests.systems.usage_tracking.conftest import FirstApply
    from tests.systems.usage_tracking.environment import Environment

pytestmark = [pytest.mark.engine, pytest.mark.system]

RUNNING = (*CORE, "nginx", *MONITORING)
HEALTHY = "health_status: healthy"


def test_services_start_in_the_documented_order(first_apply: FirstApply) -> None:
    """Stores, then the migration, then the applications, then the balancer and the monitoring."""
    needs = [("migrate", "postgres", HEALTHY)]
    needs += [(service, store, HEALTHY) for service in APPLICATIONS for store in STORES if store == "postgres"]
    needs += [(service, "redis", HEALTHY) for service in APPLICATIONS if service != "aggregation_service"]
    needs += [(service, "migrate", "die") for service in APPLICATIONS]
    needs += [("nginx", service, HEALTHY) for service in ("api_gateway", "query_service")]
    needs += [(service, needed, HEALTHY) for service in ("prometheus", "loki") for needed in APPLICATIONS]
    needs += [("grafana", "prometheus", HEALTHY), ("grafana", "loki", HEALTHY), ("promtail", "loki", HEALTHY)]
    started_in_order(first_apply.first, needs)


def test_the_first_apply_ended_with_every_check_of_every_profile(first_apply: FirstApply) -> None:
    assert " failed=0 " in first_apply.outcome.summary
    checks = [line for line in first_apply.outcome.everything.splitlines() if line.startswith("✔ the ")]
    assert "the balancer leads to the gateway" in first_apply.outcome.everything
    assert "Loki has a line of the gateway that Promtail shipped" in first_apply.outcome.everything
    assert checks


def test_a_second_apply_changes_nothing(system: Environment) -> None:
    before = system.identities()
    assert " changed=0 " in system.apply().summary
    assert system.identities() == before
    plan = system.provision("plan", "--detailed-exitcode")
    assert plan.code == 0, plan.everything


def test_every_service_is_healthy_and_the_migration_has_ended_well(system: Environment) -> None:
    assert {service: system.health(service) for service in RUNNING if service != "api_gateway"} == dict.fromkeys(
        set(RUNNING) - {"api_gateway"}, "healthy"
    )
    state = system.container("migrate").attrs["State"]
    assert (state["Status"], state["ExitCode"]) == ("exited", 0)


def test_limits_are_set_where_they_work(system: Environment) -> None:
    for service in APPLICATIONS:
        for container in system.replicas(service):
            host = container.attrs["HostConfig"]
            assert (host["NanoCpus"], host["Memory"]) == (500_000_000, 512 * 1024 * 1024), service


def test_nobody_of_our_own_is_root_or_can_change_itself(system: Environment) -> None:
    for service in (*APPLICATIONS, "nginx", "prometheus", "grafana", "loki"):
        container = system.replicas(service)[0]
        assert int(container.exec_run(["id", "-u"])[1]) != 0, service
        assert container.attrs["HostConfig"]["ReadonlyRootfs"], service
        assert container.attrs["HostConfig"]["CapDrop"] == ["ALL"], service


def test_workers_publish_nothing_and_the_rest_is_on_loopback(system: Environment) -> None:
    published = {service: system.published(service) for service in RUNNING if service != "api_gateway"}
    ports = system.variables
    assert published == {
        "postgres": {"5432/tcp": ports["POSTGRES_PORT"]},
        "redis": {"6379/tcp": ports["REDIS_PORT"]},
        "query_service": {"8002/tcp": ports["QUERY_SERVICE_PORT"]},
        "event_processor": {},
        "aggregation_service": {},
        "nginx": {"80/tcp": ports["ENTRY_PORT"]},
        "prometheus": {"9090/tcp": ports["PROMETHEUS_PORT"]},
        "grafana": {"3000/tcp": ports["GRAFANA_PORT"]},
        "loki": {"3100/tcp": ports["LOKI_PORT"]},
        "promtail": {},
    }


def test_all_are_on_one_bridge_with_the_subnet_that_was_asked_for(system: Environment) -> None:
    (network,) = (each for each in system.engine.networks.list() if each.name == f"{system.project}_usage_network")
    assert network.attrs["Driver"] == "bridge"
    assert [pool["Subnet"] for pool in network.attrs["IPAM"]["Config"]] == [system.variables["USAGE_SUBNET"]]
    for container in system.containers():
        assert set(container.attrs["NetworkSettings"]["Networks"]) == {network.name}, container.name


def test_every_store_has_its_volume(system: Environment) -> None:
    assert {f"{system.project}_{name}" for name in VOLUMES} <= set(system.volumes())
    mounted = {
        service: {mount["Destination"]: mount.get("Name") for mount in system.container(service).attrs["Mounts"]}
        for service in (*STORES, "prometheus", "grafana", "loki")
    }
    for service, folder, volume in (
        ("postgres", "/var/lib/postgresql/data", "postgres_data"),
        ("redis", "/data", "redis_data"),
        ("prometheus", "/prometheus", "prometheus_data"),
        ("grafana", "/var/lib/grafana", "grafana_data"),
        ("loki", "/loki", "loki_data"),
    ):
        assert mounted[service][folder] == f"{system.project}_{volume}"


def test_an_event_goes_its_whole_way(system: Environment) -> None:
    customer, event = somebody(), str(uuid.uuid4())
    sent = system.send(usage_event(customer, event_id=event, quantity=2.5))
    assert (sent.status, sent.json) == (202, {"status": "accepted", "event_ids": [event]})
    assert eventually(lambda: system.event(event).status == 200, within=15)
    assert system.event(event).json["customer"] == customer
    assert eventually(lambda: system.total(customer) == (1, 2.5), within=15)


def test_an_event_that_is_sent_again_counts_once_and_a_late_one_is_added(system: Environment) -> None:
    customer = somebody()
    event = usage_event(customer, quantity=2)
    for _ in range(3):
        assert system.send(event).status == 202
    assert eventually(lambda: system.total(customer) == (1, 2), within=15)
    assert system.send(usage_event(customer, quantity=5, occurred_at="2001-01-01T12:00:59Z")).status == 202
    assert eventually(lambda: system.total(customer) == (2, 7), within=15)


def test_sums_are_by_minute_hour_or_day(system: Environment) -> None:
    customer = somebody()
    times = ("12:00:01", "12:00:59", "12:01:00", "13:00:00")
    events = [usage_event(customer, quantity=1, occurred_at=f"2001-01-01T{time}Z") for time in times]
    assert system.send(*events).status == 202
    assert eventually(lambda: system.total(customer)[0] == 4, within=15)
    for bucket, expected in (("minute", [2, 1, 1]), ("hour", [3, 1]), ("day", [4])):
        answer = system.usage(customer, bucket=bucket).json
        assert [each["events"] for each in answer["buckets"]] == expected, bucket


def test_an_answer_is_cached_for_a_moment(system: Environment) -> None:
    query = f"customer={somebody()}&metric=requests&from=2001-01-01T00:00:00Z&to=2001-01-02T00:00:00Z"

    def outcome() -> str:
        with urllib.request.urlopen(f"{system.url('QUERY_SERVICE_PORT')}/v1/usage?{query}", timeout=10) as response:
            return str(response.headers["X-Cache"])

    assert outcome() == "miss"
    assert eventually(lambda: outcome() == "hit", within=30)
    assert eventually(lambda: outcome() == "miss", within=30)


@pytest.mark.parametrize(
    ("changes", "status", "reason"),
    [
        ({"customer": ""}, 422, "customer"),
        ({"metric": "a b"}, 422, "metric"),
        ({"quantity": -1}, 422, "quantity"),
        ({"quantity": "much"}, 422, "quantity"),
        ({"occurred_at": "yesterday"}, 422, "occurred_at"),
        ({"occurred_at": "2001-01-01T12:00:00"}, 422, "occurred_at"),
        ({"occurred_at": "2999-01-01T12:00:00Z"}, 422, "future"),
        ({"event_id": "7"}, 422, "event_id"),
        ({"vendor": "x"}, 422, "vendor"),
    ],
)
def test_a_wrong_event_is_refused_with_its_reason(
    system: Environment, changes: dict[str, Any], status: int, reason: str
) -> None:
    answer = system.send({**usage_event("refused"), **changes})
    assert (answer.status, answer.json["status"]) == (status, "rejected")
    assert any(reason in each for each in answer.json["reasons"]), answer.json


def test_of_several_events_all_are_taken_or_none(system: Environment) -> None:
    customer = somebody()
    answer = system.send(usage_event(customer), {**usage_event(customer), "quantity": -1})
    assert answer.status == 422
    assert system.send(*[usage_event(customer) for _ in range(501)]).status == 422
    assert system.run_in("redis", "redis-cli xlen usage:events") == "0"


def test_the_hypertable_is_timescales_and_the_schema_alembics(system: Environment) -> None:
    assert system.sql("select hypertable_name from timescaledb_information.hypertables") == "usage_events"
    assert system.sql("select version_num from alembic_version") == "0002"
    assert int(system.sql("select count(*) from timescaledb_information.chunks")) > 0


def test_the_queue_is_not_evicted_and_both_files_are_kept(system: Environment) -> None:
    config = system.run_in("redis", "redis-cli config get maxmemory-policy; redis-cli config get appendonly")
    assert config.split() == ["maxmemory-policy", "volatile-lru", "appendonly", "yes"]
    assert system.run_in("redis", "redis-cli ttl usage:events") == "-1"


def test_secrets_are_kept_in_a_private_file_and_shown_nowhere(system: Environment) -> None:
    file = system.secret_file
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert set(system.secrets()) == set(SECRETS)
    exposed = system.exposed()
    for name, value in system.secrets().items():
        assert value not in exposed, name


def test_logs_are_one_json_object_a_line(system: Environment) -> None:
    for service in ("query_service", "event_processor", "aggregation_service"):
        assert {line["service"] for line in system.log(service)} == {service}


@pytest.mark.parametrize("service", ["event_processor", "nginx", "migrate"])
def test_the_logs_of_one_service_can_be_read(system: Environment, service: str) -> None:
    outcome = system.provision("logs", service, "--tail", "20")
    assert outcome.code == 0, outcome.everything
    assert outcome.output.strip()
    assert all(f"service.{service}" in line for line in outcome.output.splitlines()), outcome.output


def test_prometheus_measures_every_replica_and_knows_what_alerts_to_raise(system: Environment) -> None:
    def targets() -> dict[str, int]:
        return {labels["job"]: int(value) for labels, value in system.prometheus("count by (job) (up == 1)")}

    expected = {"prometheus": 1, **dict.fromkeys(APPLICATIONS, 1), "api_gateway": 2}
    assert eventually(lambda: targets() == expected, within=30), targets()
    rules = ask(f"{system.url('PROMETHEUS_PORT')}/api/v1/rules").json["data"]["groups"][0]["rules"]
    assert {rule["name"]: rule["health"] for rule in rules} == dict.fromkeys(
        ("ServiceAway", "QueueGrows", "EventsRejected"), "ok"
    )
    flags = ask(f"{system.url('PROMETHEUS_PORT')}/api/v1/status/flags").json["data"]
    # 200 hours.
    assert flags["storage.tsdb.retention.time"] in ("200h", "8d8h")


def test_prometheus_hands_its_samples_out(system: Environment) -> None:
    answer = ask(f"{system.url('PROMETHEUS_PORT')}/federate?match[]=%7Bjob!=%22%22%7D")
    assert answer.status == 200
    assert b"usage_events_accepted_total" in answer.body


def test_promtail_ships_the_logs_of_every_container(system: Environment) -> None:
    customer = somebody()
    assert system.send(usage_event(customer)).status == 202
    lines = '{service="nginx"} |= "/v1/events"'
    assert eventually(lambda: len(system.loki(lines)) > 0, within=30)
    names = ask(f"{system.url('LOKI_PORT')}/loki/api/v1/label/service/values").json["data"]
    assert {*CORE, "migrate", "nginx", "prometheus", "grafana"} <= set(names)
    containers = {labels["container"] for labels, _ in system.loki('{service="api_gateway"}')}
    assert all(name.startswith(f"{system.project}-api_gateway-") for name in containers), containers


def test_every_panel_of_the_dashboard_has_data(system: Environment) -> None:
    panels = system.grafana("/api/dashboards/uid/usage-tracking").json["dashboard"]["panels"]
    assert {panel["type"] for panel in panels} == {"stat", "timeseries", "logs"}

    def values(panel: dict[str, Any]) -> list[Any]:
        answer = system.grafana("/api/ds/query", {"from": "now-15m", "to": "now", "queries": panel["targets"]})
        assert answer.status == 200, (panel["title"], answer)
        frames = answer.json["results"]["A"]["frames"]
        return [value for frame in frames for value in frame["data"]["values"][-1] if value is not None]

    for panel in panels:
        assert eventually(lambda panel=panel: len(values(panel)) > 0, within=30), panel["title"]


def test_grafana_lets_only_the_administrator_in(system: Environment) -> None:
    code, _ = system.container("grafana").exec_run(
        ["wget", "-q", "-O", "/dev/null", "http://admin:admin@127.0.0.1:3000/api/datasources"]
    )
    assert code != 0
    sources = system.grafana("/api/datasources").json
    assert {(each["type"], each["url"]) for each in sources} == {
        ("prometheus", "http://prometheus:9090"),
        ("loki", "http://loki:3100"),
    }


def test_a_process_that_is_killed_comes_back_by_itself(system: Environment) -> None:
    worker = system.container("event_processor")
    # Its own first process, from the engine's side: what a crash does. `docker kill` would count as stopped by hand.
    worker.exec_run(["python", "-c", "import os, signal; os.kill(1, signal.SIGTERM)"])
    assert eventually(lambda: system.container("event_processor").attrs["RestartCount"] > 0, within=30)
    assert eventually(lambda: system.health("event_processor") == "healthy", within=30)


def test_an_event_waits_while_the_processor_and_the_database_are_away(system: Environment) -> None:
    customer, event = somebody(), str(uuid.uuid4())
    postgres = system.container("postgres")
    postgres.stop()
    try:
        assert system.send(usage_event(customer, event_id=event)).status == 202
        assert eventually(lambda: system.event(event).status == 503, within=15)
    finally:
        postgres.start()
    assert eventually(lambda: system.health("postgres") == "healthy", within=60)
    assert eventually(lambda: system.event(event).status == 200, within=60)
    assert eventually(lambda: system.total(customer) == (1, 1), within=30)


def test_one_service_is_restarted(system: Environment) -> None:
    before = system.identities()
    outcome = system.provision("restart", "aggregation_service")
    assert outcome.code == 0, outcome.everything
    now = system.identities()
    assert {name for name in now if now[name] != before[name]} == {f"{system.project}-aggregation_service-1"}
    assert eventually(lambda: system.health("aggregation_service") == "healthy", within=30)


@pytest.mark.slow
def test_somebody_is_told_when_a_service_is_away(system: Environment) -> None:
    aggregation = system.container("aggregation_service")
    aggregation.stop()
    firing = 'ALERTS{alertname="ServiceAway", alertstate="firing", job="aggregation_service"}'
    try:
        assert eventually(lambda: system.prometheus(firing) != [], within=60)
    finally:
        aggregation.start()
    assert eventually(lambda: system.prometheus(firing) == [], within=60)
    assert eventually(lambda: system.health("aggregation_service") == "healthy", within=30)


def test_a_changed_file_is_a_change_of_the_service_that_reads_it(system: Environment) -> None:
    file = system.playbooks / "docker" / "prometheus.yml"
    text = file.read_text(encoding="utf-8")
    file.write_text(f"{text}# changed\n", encoding="utf-8")
    try:
        plan = system.provision("plan", "--json")
    finally:
        file.write_text(text, encoding="utf-8")
    changes = {each["address"]: each["action"] for each in json.loads(plan.output)["changes"]}
    changed = {address for address, action in changes.items() if action not in ("unchanged", "keep", "none")}
    assert "service.prometheus" in changed, plan.output
    assert not [address for address in changed if address.startswith("service.") and address != "service.prometheus"]


def test_images_can_be_pulled_and_states_seen(system: Environment) -> None:
    pull = system.provision("pull", "--ignore-buildable")
    assert pull.code == 0, pull.everything
    status = system.provision("ps")
    assert status.code == 0, status.everything
    assert "service.event_processor" in status.output
