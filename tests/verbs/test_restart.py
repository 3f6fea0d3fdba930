"""`restart`: the same services with new processes."""

from __future__ import annotations

import pytest

from tests.verbs.conftest import Verbs, service

pytestmark = pytest.mark.engine


def _starts(verbs: Verbs, name: str) -> list[str]:
    return [one.attrs["State"]["StartedAt"] for one in verbs.containers(name)]


def test_a_service_and_those_that_ask_for_it_are_restarted_and_nothing_else(verbs: Verbs) -> None:
    environment = verbs.environment
    follows = {"db": {"condition": "service_started", "restart": True}}
    environment.services(db=service(), web=service(depends_on=follows), other=service(depends_on=["db"]))
    environment.apply()
    before = {name: _starts(verbs, name) for name in ("db", "web", "other")}
    done = environment.run("restart", "-t", "1", "db")
    assert done.code == 0, done
    after = {name: _starts(verbs, name) for name in ("db", "web", "other")}
    assert after["db"] != before["db"]
    assert after["web"] != before["web"]
    assert after["other"] == before["other"]
    assert environment.run("restart", "--no-deps", "db").code == 0
    assert _starts(verbs, "web") == after["web"]
    assert environment.plan()["changes"] == []
    assert environment.apply().summary["changed"] == 0


def test_an_unknown_service_is_said_and_one_that_is_not_there(verbs: Verbs) -> None:
    verbs.environment.services(web=service())
    done = verbs.environment.run("restart", "wep")
    assert done.code == 64
    assert "did you mean 'web'?" in done.stderr
    done = verbs.environment.run("restart", "web")
    assert done.code == 1
    assert "service.web is not there" in done.stderr
