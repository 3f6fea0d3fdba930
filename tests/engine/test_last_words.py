"""A failed apply is understood later: what it said is kept without secrets; `status` and `why` tell what is wrong."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from tests.engine.environment import service

if TYPE_CHECKING:
    from tests.engine.environment import Environment

pytestmark = pytest.mark.engine

VALUE = "s3cr3t-of-the-test"


def test_what_failed_said_is_kept_without_its_secret_and_outlives_the_rollback(environment: Environment) -> None:
    environment.write(f"KEY={VALUE}\n", ".env.local")
    (environment.folder / ".env.local").chmod(0o600)
    with_key = {"secrets": {"key": {"sources": ["env_local"], "env": "KEY"}}}
    good = service(secrets=["key"])
    environment.write({"services": {"web": good}, **with_key})
    environment.apply()
    before = environment.container("web-1").id
    bad = service(
        secrets=["key"], environment={"DB_PASSWORD": "pw-of-the-test"},
        command=["sh", "-c", "echo no login with $$(cat /run/secrets/key) or $$DB_PASSWORD; exec sleep infinity"],
        healthcheck={"test": ["CMD-SHELL", "cat /run/secrets/key; exit 7"], "interval": "0.2s", "retries": 2},
    )  # fmt: skip
    environment.write({"services": {"web": bad}, **with_key})
    outcome = environment.run("apply", "--yes")
    assert outcome.code == 3, outcome
    assert "web[1]: rolled back" in outcome.stdout
    assert "out of service for" in outcome.stdout
    assert environment.container("web-1").id == before, "what failed is gone"
    history, document = environment.run("history"), environment.run("history", "--json")
    why = environment.run("why", "web")
    for told in (outcome, history, document, why):
        assert VALUE not in told.text
        assert "pw-of-the-test" not in told.text
    assert "| no login with (sensitive) or (sensitive)" in history.stdout
    assert "health check exited with 7: (sensitive)" in history.stdout
    assert "| no login with (sensitive) or (sensitive)" in why.stdout
    failure = json.loads(document.stdout)["failures"][0]
    assert failure["outcome"] == "rolled back"
    assert "no login with (sensitive) or (sensitive)" in failure["failures"][0]["evidence"]
    environment.write({"services": {"web": good}, **with_key})
    environment.apply()
    environment.require_inert()


def test_an_unhealthy_one_and_a_crash_loop_are_found_without_docker(environment: Environment) -> None:
    environment.services(
        app=service(
            healthcheck={"test": ["CMD-SHELL", "echo the disk is full; exit 1"], "interval": "0.2s", "retries": 1}
        ),
        crash={"image": "busybox:1.36", "command": ["sh", "-c", "sleep 0.2; echo lost the config; exit 9"],
               "restart": "always"},
        ok=service(ports=["127.0.0.1::80"]),
    )  # fmt: skip
    environment.apply("--keep-going", code=1)
    time.sleep(1)
    status = environment.run("status")
    assert status.code == 0
    assert "its health check fails: the disk is full" in status.stdout
    assert "lost the config" in status.stdout
    assert "2 objects are not well: service.app[1], service.crash[1]." in status.stdout
    assert environment.run("status", "--exit-code").code == 3
    assert environment.run("status", "ok", "--exit-code").code == 0
    found = {one["address"]: one for one in json.loads(environment.run("status", "--json").stdout)["objects"]}
    assert found["service.crash[1]"]["restarts"] > 0
    assert found["service.ok[1]"]["trouble"] is None
    assert found["service.ok[1]"]["id"] == environment.container("ok-1").id
    port = int(environment.container("ok-1").ports["80/tcp"][0]["HostPort"])
    assert found["service.ok[1]"]["ports"] == [
        {"host": "127.0.0.1", "port": port, "target": 80, "protocol": "tcp"}
    ]  # fmt: skip
    why = json.loads(environment.run("why", "app", "--json").stdout)
    assert why["objects"][0]["trouble"] == "its health check fails"
    assert why["objects"][0]["health_log"][-1]["output"] == "the disk is full"
    crash = environment.run("why", "service.crash")
    assert "| lost the config" in crash.stdout
    assert "restarted" in crash.stdout


def test_the_recap_says_where_it_is(environment: Environment) -> None:
    environment.services(web=service(ports=["127.0.0.1::80"]), db=service(ports=["127.0.0.1::5432"]))
    outcome = environment.run("apply", "--yes")
    web = environment.container("web-1").ports["80/tcp"][0]["HostPort"]
    db = environment.container("db-1").ports["5432/tcp"][0]["HostPort"]
    lines = outcome.stdout.splitlines()
    assert lines[-3:-1] == [f"db  → 127.0.0.1:{db}", f"web → http://127.0.0.1:{web}"]
    assert lines[-1].startswith(f"{environment.project}: ok=")
