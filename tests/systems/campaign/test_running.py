"""A campaign environment that is up: what its description asks for, asked from outside and from inside."""

from __future__ import annotations

import base64
import json
import secrets
import stat
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from tests.systems.campaign.environment import ONE_SHOTS, OWN, SECRETS, SERVICES
from tests.systems.environment import eventually, request

if TYPE_CHECKING:
    from tests.systems.campaign.environment import Environment

pytestmark = [pytest.mark.engine, pytest.mark.system]


def test_every_acceptance_check_passes(local: Environment) -> None:
    outcome = local.provision("verify")
    assert outcome.code == 0, outcome.everything


def test_a_second_apply_changes_nothing(local: Environment) -> None:
    before = local.identities()
    assert " changed=0 " in local.apply().summary
    assert local.identities() == before
    plan = local.provision("plan", "--detailed-exitcode")
    assert plan.code == 0, plan.everything


def test_every_service_is_healthy_and_every_one_shot_has_ended_well(local: Environment) -> None:
    states = {service: local.container(service).attrs["State"] for service in (*SERVICES, *ONE_SHOTS)}
    assert {name: states[name]["Health"]["Status"] for name in SERVICES} == dict.fromkeys(SERVICES, "healthy")
    assert {name: (states[name]["Status"], states[name]["ExitCode"]) for name in ONE_SHOTS} == dict.fromkeys(
        ONE_SHOTS, ("exited", 0)
    )


def test_images_are_pinned(local: Environment) -> None:
    images = {service: local.container(service).attrs["Config"]["Image"] for service in ("postgres", "redis", "minio")}
    assert images == {
        "postgres": "postgis/postgis:16-3.4",
        "redis": "redis:7-alpine",
        "minio": "minio/minio:RELEASE.2024-10-02T17-50-41Z",
    }


@pytest.mark.parametrize("service", OWN)
def test_an_own_service_does_not_run_as_root_and_can_not_change_itself(local: Environment, service: str) -> None:
    assert int(local.run_in(service, "id -u")) != 0
    host = local.container(service).attrs["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]


@pytest.mark.parametrize("service", OWN)
def test_the_runtime_image_has_nothing_of_the_build(local: Environment, service: str) -> None:
    found = local.run_in(service, "find /app /usr/share/nginx -name typescript -o -name tsx 2>/dev/null; :")
    assert not found


@pytest.mark.parametrize("service", SERVICES)
def test_what_ends_is_started_again_unless_it_was_stopped(local: Environment, service: str) -> None:
    assert local.container(service).attrs["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"


def test_published_ports_are_on_loopback_and_postgres_and_redis_have_none(local: Environment) -> None:
    published = {service: local.published(service) for service in SERVICES}
    ports = local.variables
    assert published == {
        "postgres": {},
        "redis": {},
        "rules-engine": {},
        "scheduler": {},
        "minio": {"9000/tcp": ports["S3_PORT"], "9001/tcp": ports["S3_CONSOLE_PORT"]},
        "api": {"3000/tcp": ports["API_PORT"]},
        "frontend": {"8080/tcp": ports["FRONTEND_PORT"]},
    }


def test_the_frontend_shares_no_network_with_the_stores(local: Environment) -> None:
    networks = {service: set(local.container(service).attrs["NetworkSettings"]["Networks"]) for service in SERVICES}
    backend, frontend = f"{local.project}_backend-network", f"{local.project}_frontend-network"
    assert networks.pop("api") == {backend, frontend}
    assert networks.pop("frontend") == {frontend}
    assert all(joined == {backend} for joined in networks.values()), networks


def test_the_console_makes_a_bucket(local: Environment) -> None:
    address = local.url("S3_CONSOLE_PORT")
    values = local.secrets()
    login = {"accessKey": values["S3_ACCESS_KEY"], "secretKey": values["S3_SECRET_KEY"]}
    with urllib.request.urlopen(_post(f"{address}/api/v1/login", login), timeout=10) as response:
        session = {"Cookie": response.headers["Set-Cookie"].partition(";")[0]}
    bucket = f"made-by-hand-{secrets.token_hex(4)}"
    assert request(_post(f"{address}/api/v1/buckets", {"name": bucket}, session)).status in (200, 201)
    buckets = request(urllib.request.Request(f"{address}/api/v1/buckets", headers=session)).json["buckets"]
    assert {"campaign-assets", bucket} <= {each["name"] for each in buckets}


def test_the_console_lets_nobody_in_without_the_keys(local: Environment) -> None:
    address = local.url("S3_CONSOLE_PORT")
    wrong = {"accessKey": "minio_access_key", "secretKey": "minio_secret_key"}
    assert request(_post(f"{address}/api/v1/login", wrong)).status in (401, 403)
    assert request(_post(f"{address}/api/v1/buckets", {"name": "uninvited"})).status in (401, 403)


def test_an_asset_is_stored_and_read_back_byte_for_byte(local: Environment) -> None:
    token = local.token()
    campaign = local.campaign(token)
    content = secrets.token_bytes(300_000)
    assert local.ask(f"/api/campaigns/{campaign}/asset").status == 404
    assert local.upload(f"/api/campaigns/{campaign}/asset", content, "image/png", token).status == 204
    assert local.ask(f"/api/campaigns/{campaign}/asset").body == content


def test_a_visit_near_an_active_campaign_is_matched_and_others_are_not(local: Environment) -> None:
    token = local.token()
    near, later, small = (
        local.campaign(token),
        local.campaign(token, starts=3000),
        local.campaign(token, radius_m=50),
    )
    for visitor, longitude in (("near", 13.4180), ("far", 13.4300)):
        recorded = local.ask("/api/visits", {"visitor": visitor, "longitude": longitude, "latitude": 52.5219})
        assert recorded.status == 202, recorded

    def visitors(campaign: str) -> list[str]:
        return [match["visitor"] for match in local.ask(f"/api/campaigns/{campaign}/matches").json]

    assert eventually(lambda: visitors(near) == ["near"], within=10)
    assert eventually(lambda: local.sql("select count(*) from visits where evaluated_at is null") == "0", within=10)
    assert (visitors(near), visitors(later), visitors(small)) == (["near"], [], [])
    (match,) = local.ask(f"/api/campaigns/{near}/matches").json
    assert 300 < match["distance_m"] < 350


def test_services_tell_each_other_over_redis(local: Environment) -> None:
    """Who listens hears of a visit from the API, and of its match from the rules engine."""
    campaign = local.campaign(local.token())
    # In a file, and by nobody who has to be joined: a stream of an exec is closed by nothing but its own response.
    listen = ["sh", "-c", "timeout 30 redis-cli subscribe visits.recorded visits.matched >/dev/shm/heard"]
    local.container("redis").exec_run(listen, detach=True)
    subscribed = "redis-cli pubsub numsub visits.matched | tail -n 1"
    assert eventually(lambda: local.run_in("redis", subscribed) == "1", within=10)
    visit = {"visitor": "heard", "longitude": 13.4132, "latitude": 52.5219}
    assert local.ask("/api/visits", visit).status == 202

    def heard() -> str:
        return local.run_in("redis", "cat /dev/shm/heard")

    assert eventually(lambda: "message\nvisits.recorded" in heard(), within=15), heard()
    matched = "message\nvisits.matched"
    assert eventually(lambda: campaign in heard().partition(matched)[2], within=15), heard()


def test_the_scheduler_starts_and_ends_a_campaign_at_its_times(local: Environment) -> None:
    campaign = local.campaign(local.token(), starts=2, ends=5)
    seen: list[str] = []

    def has_ended() -> bool:
        status = local.ask(f"/api/campaigns/{campaign}").json["status"]
        if status not in seen:
            seen.append(status)
        return bool(status == "ended")

    assert eventually(has_ended, within=20)
    assert seen == ["scheduled", "active", "ended"]


@pytest.mark.parametrize("path", ["/", "/campaigns", "/campaigns/00000000-0000-4000-8000-000000000001"])
def test_the_page_is_served_under_all_its_paths_and_brings_its_script(local: Environment, path: str) -> None:
    page = local.ask(path)
    assert page.status == 200
    assert b'<div id="root">' in page.body
    script = page.body.partition(b'src="')[2].partition(b'"')[0].decode()
    assert script.startswith("/assets/")
    assert b"Campaigns" in local.ask(script).body
    assert local.ask("/assets/nothing.js").status == 404


@pytest.mark.parametrize(
    ("path", "document", "status"),
    [
        ("/api/visits", {"visitor": "x", "longitude": 181, "latitude": 0}, 422),
        ("/api/visits", [], 422),
        ("/api/campaigns/1", None, 422),
        ("/api/campaigns/00000000-0000-4000-8000-000000000001", None, 404),
        ("/api/campaigns", {"name": "uninvited"}, 401),
        ("/api/sessions", {"name": "nobody", "password": "of no account"}, 401),
    ],
)
def test_what_is_wrong_is_refused(local: Environment, path: str, document: Any, status: int) -> None:
    assert local.ask(path, document).status == status


def test_a_token_that_another_secret_signed_is_refused(local: Environment) -> None:
    header, payload, _ = local.token().split(".")
    assert local.ask("/api/campaigns", {}, token=f"{header}.{payload}.{secrets.token_urlsafe(32)}").status == 401


def test_a_token_is_good_for_as_long_as_is_declared(local: Environment) -> None:
    payload = local.token().split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims["exp"] - claims["iat"] == 7 * 24 * 3600


def test_secrets_are_kept_in_a_private_file(local: Environment) -> None:
    file = local.secret_file
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert set(local.secrets()) == set(SECRETS)


def test_a_service_has_the_secrets_it_needs_and_no_others(local: Environment) -> None:
    found = {service: local.run_in(service, "ls /run/secrets 2>/dev/null; :").split() for service in SERVICES}
    assert found == {
        "postgres": ["postgres_password"],
        "redis": [],
        "minio": ["s3_access_key", "s3_secret_key"],
        "api": ["database_url", "jwt_secret", "s3_access_key", "s3_secret_key"],
        "rules-engine": ["database_url"],
        "scheduler": ["database_url"],
        "frontend": [],
    }


def test_a_secret_is_readable_for_its_service_only(local: Environment) -> None:
    assert local.run_in("api", "stat -Lc '%u %a' /run/secrets/jwt_secret") == "1000 400"
    assert local.run_in("api", "cat /run/secrets/jwt_secret") == local.secrets()["JWT_SECRET"]


def test_no_secret_can_be_read_from_the_engine_the_logs_or_the_processes(local: Environment) -> None:
    exposed = local.exposed()
    for name, value in local.secrets().items():
        assert value not in exposed, name


def test_variables_come_from_where_they_should(local: Environment) -> None:
    environment = dict(line.split("=", 1) for line in local.container("api").attrs["Config"]["Env"])
    assert environment["S3_BUCKET"] == "campaign-assets"
    assert environment["REDIS_URL"] == "redis://redis:6379"
    assert environment["NODE_ENV"] == "production"
    assert "command line" in local.provision("config", "--explain", "API_PORT").output
    secret = local.provision("config", "--explain", "jwt_secret")
    assert "env_local" in secret.output
    assert local.secrets()["JWT_SECRET"] not in secret.everything


@pytest.mark.parametrize("service", SERVICES)
def test_the_logs_of_a_service_can_be_read(local: Environment, service: str) -> None:
    outcome = local.provision("logs", service, "--tail", "20")
    assert outcome.code == 0, outcome.everything
    assert outcome.output.strip()


def test_own_services_log_one_json_object_a_line(local: Environment) -> None:
    for service in ("api", "rules-engine", "scheduler"):
        lines = local.container(service).logs(tail=20).decode().splitlines()
        assert lines
        assert {json.loads(line)["service"] for line in lines} == {service}


def test_the_api_says_who_is_away_and_recovers(local: Environment) -> None:
    redis = local.container("redis")
    redis.stop()
    try:
        assert eventually(lambda: local.ask("/api/health").status == 503, within=15)
        health = local.ask("/api/health").json
        assert (health["database"]["status"], health["redis"]["status"]) == ("ok", "away")
        # The list is cached in redis, and is read from the database without it.
        assert local.ask("/api/campaigns").status == 200
    finally:
        redis.start()
    assert eventually(lambda: local.ask("/api/health").status == 200, within=30)
    assert eventually(lambda: local.container("redis").attrs["State"]["Health"]["Status"] == "healthy", within=30)
    assert local.container("api").attrs["RestartCount"] == 0


def _post(url: str, document: Any, headers: dict[str, str] | None = None) -> urllib.request.Request:
    return urllib.request.Request(
        url, json.dumps(document).encode(), {"Content-Type": "application/json", **(headers or {})}
    )
