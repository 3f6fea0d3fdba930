"""The stock-tracker system while it runs: every row of its table, seen from outside."""

from __future__ import annotations

import base64
import contextlib
import os
import re
import signal
import socket
import urllib.request
from typing import TYPE_CHECKING

import pytest

from tests.systems.browser import visit
from tests.systems.environment import eventually
from tests.systems.stock_tracker.environment import SERVICES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.systems.stock_tracker.environment import Environment

pytestmark = [pytest.mark.engine, pytest.mark.system]

MIB = 1024 * 1024


def test_every_acceptance_check_is_green(stock: Environment) -> None:
    outcome = stock.provision("verify")
    assert outcome.code == 0, outcome.everything
    assert "the stream can be followed through the page" in outcome.output


def test_a_second_apply_changes_nothing(stock: Environment) -> None:
    before = stock.identities()
    assert " changed=0 " in stock.apply().summary
    assert stock.identities() == before
    plan = stock.provision("plan", "--detailed-exitcode")
    assert plan.code == 0, plan.everything


def test_all_four_services_are_healthy_within_their_limits(stock: Environment) -> None:
    assert {name: stock.health(name) for name in SERVICES} == dict.fromkeys(SERVICES, "healthy")
    assert stock.limits() == {
        "timescaledb": 1024 * MIB, "redis": 128 * MIB, "backend": 512 * MIB, "frontend": 128 * MIB,
    }  # fmt: skip
    policies = {name: stock.container(name).attrs["HostConfig"]["RestartPolicy"]["Name"] for name in SERVICES}
    assert policies == dict.fromkeys(SERVICES, "unless-stopped")


def test_the_documented_ports_checks_and_start_period_are_the_defaults(stock: Environment) -> None:
    declared = stock.declared()
    ports = {name: (body["ports"][0]["published"], body["ports"][0]["host_ip"]) for name, body in declared.items()}
    assert ports == {
        "frontend": ("80", "127.0.0.1"), "backend": ("8000", "127.0.0.1"), "timescaledb": ("5432", "127.0.0.1"),
        "redis": ("6379", "127.0.0.1"),
    }  # fmt: skip
    assert declared["timescaledb"]["image"].startswith("timescale/timescaledb:")
    check, database = declared["timescaledb"]["healthcheck"], declared["timescaledb"]["environment"]
    assert (check["interval"], check["timeout"], check["retries"]) == ("5s", "3s", 5)
    assert "pg_isready" in check["test"][1]
    assert (database["POSTGRES_DB"], database["POSTGRES_USER"]) == ("stock_tracker", "stock")
    check = declared["redis"]["healthcheck"]
    assert (check["test"], check["interval"], check["timeout"], check["retries"]) == (
        ["CMD", "redis-cli", "ping"], "5s", "3s", 5,
    )  # fmt: skip
    assert declared["backend"]["healthcheck"]["start_period"] == "15s"
    assert "curl" not in str(declared["backend"]["healthcheck"]["test"])
    assert declared["backend"]["depends_on"].keys() == {"timescaledb", "redis"}
    conditions = {
        need["condition"] for name in ("backend", "frontend") for need in declared[name]["depends_on"].values()
    }
    assert conditions == {"service_healthy"}


def test_the_migrations_are_mounted_and_the_volumes_are_named(stock: Environment) -> None:
    mounts = {mount["Destination"]: mount for mount in stock.container("timescaledb").attrs["Mounts"]}
    assert mounts["/docker-entrypoint-initdb.d"]["RW"] is False
    assert mounts["/var/lib/postgresql/data"]["Name"] == f"{stock.project}_pgdata"
    # Beside those that hold the files of its secrets and configs.
    named = [name for name in stock.volumes() if not {"secrets", "configs"} & {*name.split(".")}]
    assert named == [f"{stock.project}_pgdata", f"{stock.project}_redis-data"]
    assert stock.networks() == [f"{stock.project}_app-network"]


def test_the_api_and_the_collection_are_one_process(stock: Environment) -> None:
    assert stock.run_in("backend", "cat /proc/1/task/1/children") == ""
    before = stock.stored()
    assert stock.page("/api/prices").status == 200
    assert eventually(lambda: stock.stored() > before, within=30)


def test_nothing_of_ours_runs_as_root(stock: Environment) -> None:
    for name in ("backend", "frontend"):
        assert stock.run_in(name, "id -u") != "0", name


def test_the_password_is_a_file_and_appears_nowhere(stock: Environment) -> None:
    (password,) = stock.secrets().values()
    assert stock.run_in("timescaledb", "cat /run/secrets/db_password") == password
    assert password in stock.run_in("backend", "cat /run/secrets/database_url")
    assert password not in stock.exposed()


def test_prices_can_be_asked_for_through_the_page_only_as_they_are(stock: Environment) -> None:
    prices = stock.page("/api/prices")
    assert prices.status == 200
    assert {price["symbol"] for price in prices.json} == {"FPT", "HPG", "MWG", "VCB", "VNM"}
    candles = stock.page("/api/candles/FPT?limit=1")
    assert candles.status == 200
    assert candles.json[0]["symbol"] == "FPT"
    assert stock.page("/api/prices/FPT?limit=0").status == 422
    assert stock.page("/api/prices/fpt;drop").status == 422


def test_a_browser_lets_only_the_documented_origin_ask_the_backend_itself(stock: Environment) -> None:
    def allowed(origin: str) -> str | None:
        asked = urllib.request.Request(f"{stock.url('BACKEND_PORT')}/api/prices", headers={"Origin": origin})
        with urllib.request.urlopen(asked, timeout=10) as response:
            return response.headers.get("Access-Control-Allow-Origin")  # type: ignore[no-any-return]

    assert allowed("http://localhost") == "http://localhost"
    assert allowed("http://elsewhere.example") is None


def test_the_page_upgrades_a_connection_to_the_stream(stock: Environment) -> None:
    with contextlib.closing(socket.create_connection(("127.0.0.1", int(stock.variables["FRONTEND_PORT"])), 10)) as line:
        key = base64.b64encode(os.urandom(16)).decode()
        line.sendall(
            f"GET /ws/prices HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        got = b""
        while b'"price"' not in got:
            more = line.recv(4096)
            assert more, got
            got += more
    assert got.startswith(b"HTTP/1.1 101")


@pytest.mark.browser
def test_the_page_shows_live_prices_without_a_click(stock: Environment, tmp_path: Path) -> None:
    pages: list[str] = []

    def shows_prices() -> bool:
        pages.append(visit(f"{stock.url('FRONTEND_PORT')}/", tmp_path / f"profile-{len(pages)}"))
        return re.search(r"<td>VNM</td><td>\d+\.\d\d</td>", pages[-1]) is not None

    assert eventually(shows_prices, within=60), pages[-1][:4000]
    assert "<title>Stock tracker</title>" in pages[-1]


@pytest.mark.parametrize("name", SERVICES)
def test_a_killed_process_comes_back_by_itself(stock: Environment, name: str) -> None:
    container = stock.container(name)
    started = container.attrs["State"]["StartedAt"]
    os.kill(container.attrs["State"]["Pid"], signal.SIGKILL)

    def is_back() -> bool:
        container.reload()
        return container.attrs["State"]["StartedAt"] != started and stock.health(name) == "healthy"

    assert eventually(is_back, within=90)
    assert stock.page("/api/health").status == 200


def test_the_backend_waits_for_a_database_that_is_away(stock: Environment) -> None:
    stock.container("timescaledb").stop(timeout=30)
    try:
        assert eventually(lambda: stock.page("/api/health").status == 503, within=30)
        assert stock.page("/api/prices").json == {"detail": "the database does not answer"}
    finally:
        stock.apply()
    assert eventually(lambda: stock.page("/api/health").status == 200, within=60)
    before = stock.stored()
    assert eventually(lambda: stock.stored() > before, within=30)
