"""`stop`, `start`, `scale`: what somebody wants beside the file is kept, said, and ended by what ends it."""

from __future__ import annotations

import json

import pytest

from tests.verbs.conftest import Verbs, service

pytestmark = pytest.mark.engine


def test_what_is_stopped_is_said_everywhere_and_started_again(verbs: Verbs) -> None:
    environment = verbs.environment
    environment.services(db=service(), web=service(depends_on=["db"]))
    environment.apply()
    done = environment.run("stop", "-t", "1", "web")
    assert done.code == 0, done
    assert verbs.containers("web") == []
    assert len(verbs.containers("db")) == 1

    plan = environment.plan()
    [change] = plan["changes"]
    assert change["address"] == "service.web"
    assert "stopped on purpose (since " in change["reason"]
    assert "an apply starts it" in change["reason"]
    drift = environment.run("drift")
    assert drift.code == 2
    assert "stopped on purpose" in drift.stdout
    assert "stopped on purpose" in environment.run("status").stdout

    # Stopped twice is stopped since the first time.
    assert environment.run("stop", "web").code == 0
    assert environment.plan()["changes"][0]["reason"] == change["reason"]

    assert environment.run("start", "web").code == 0
    assert len(verbs.containers("web")) == 1
    assert environment.plan()["changes"] == []
    assert environment.apply().summary["changed"] == 0

    assert environment.run("stop").code == 0
    assert verbs.containers("db") == []
    applied = environment.run("apply", "--yes")
    assert applied.code == 0, applied
    assert "stopped on purpose" in applied.stdout
    # What an apply has started is not known to be stopped any more.
    verbs.containers("web")[0].kill() if not verbs.swarm else environment.run("stop", "web")
    said = environment.plan()["changes"][0]["reason"]
    assert ("stopped on purpose" in said) == verbs.swarm


def test_what_is_scaled_stays_so_until_the_file_says_another_number(verbs: Verbs) -> None:
    environment = verbs.environment
    environment.services(web=service(), other=service())
    environment.apply()
    done = environment.run("scale", "web=2")
    assert done.code == 0, done
    assert len(verbs.containers("web")) == 2
    plan = environment.plan()
    assert plan["changes"] == []
    assert any("it has 2 replicas on purpose" in note["message"] for note in plan["notes"])
    assert environment.apply().summary["changed"] == 0
    assert environment.apply().summary["changed"] == 0
    assert environment.run("drift").code == 0

    # For one apply the command line may say another number; that ends it.
    assert [one["address"].partition("[")[0] for one in environment.plan("--scale", "web=1")["changes"]] == [
        "service.web"
    ]

    deploy = {"endpoint_mode": "dnsrr", "update_config": {"monitor": "100ms"}, "replicas": 3}
    environment.services(web=service(deploy=deploy), other=service())
    environment.apply()
    assert len(verbs.containers("web")) == 3
    assert environment.plan()["changes"] == []

    # All of it is forgotten with the environment.
    assert environment.run("scale", "web=2").code == 0
    assert environment.run("stop").code == 0
    environment.destroy()
    assert "on purpose" not in json.dumps(environment.plan())


def test_an_unknown_service_is_said(verbs: Verbs) -> None:
    verbs.environment.services(web=service())
    for words in (["stop", "wep"], ["start", "wep"], ["scale", "wep=2"]):
        done = verbs.environment.run(*words)
        assert done.code == 64, done
        assert "did you mean 'web'?" in done.stderr
