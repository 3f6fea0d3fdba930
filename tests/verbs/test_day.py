"""A day with six services, on a plain engine and on a Swarm with the same playbook, and not one `docker`."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.quick_check import passing_once
from tests.verbs.conftest import Verbs, service

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.engine

_PSQL = "psql -X -q -tA -v ON_ERROR_STOP=1 -U postgres"
# It says why it is not well, as long as there is the file that says so.
_WEB = "test ! -e /data/full || { echo the disk is full >&2; exit 1; }"
# It dies of a bad job, again and again.
_WORKER = "while [ ! -e /data/poison ]; do echo worked; sleep 1; done; echo poisoned by job 17 >&2; exit 4"
_OFTEN = {"interval": "1s", "timeout": "5s", "retries": 2}


def _playbook(version: str, port: int) -> dict[str, Any]:
    waits = {"postgres": {"condition": "service_healthy"}, "redis": {"condition": "service_healthy"}}
    through_swarm = {"update_config": {"monitor": "500ms"}, "restart_policy": {"delay": "200ms"}}
    quick = {"endpoint_mode": "dnsrr", **through_swarm}
    return {
        "services": {
            "postgres": service(
                image="postgres:16-alpine", command=[], environment={"POSTGRES_HOST_AUTH_METHOD": "trust"},
                volumes=["pgdata:/var/lib/postgresql/data"], stop_signal="SIGINT", deploy=quick,
                healthcheck={**passing_once("pg_isready -q -h 127.0.0.1 -U postgres"), "retries": 900},
            ),
            "redis": service(
                image="redis:7-alpine", command=[], deploy=quick,
                healthcheck={**passing_once("redis-cli ping"), "retries": 300},
            ),
            "migrate": service(
                image="postgres:16-alpine", job={"run": "on_change"}, deploy={"endpoint_mode": "dnsrr"},
                depends_on={"postgres": {"condition": "service_healthy"}},
                command=["sh", "-c", f"{_PSQL} -h postgres -c 'create table if not exists orders (number int)'"],
            ),
            "api": service(
                environment={"VERSION": version}, deploy=quick, restart="always",
                depends_on={**waits, "migrate": {"condition": "service_completed_successfully"}},
            ),
            "worker": service(
                command=["sh", "-c", _WORKER], volumes=["jobs:/data"], deploy=quick, restart="always",
                depends_on=["redis"],
            ),
            "web": service(
                image="nginx:1.27-alpine", command=[], stop_signal="SIGQUIT", ports=[f"{port}:80"],
                volumes=["pages:/data"], healthcheck={**_OFTEN, "test": ["CMD-SHELL", _WEB]},
                deploy=through_swarm, depends_on=["api"],
            ),
        },
        "volumes": {"pgdata": {}, "jobs": {}, "pages": {}},
    }  # fmt: skip


def test_a_day(verbs: Verbs, unused_port: int) -> None:
    day = _Day(verbs, unused_port)
    day.comes_up()
    day.is_migrated()
    day.is_changed_and_rolled_back()
    day.has_files_copied()
    day.is_scaled_and_watched()
    day.has_one_that_is_not_well()
    day.has_one_that_dies_again_and_again()
    day.rests_at_night_and_goes_on()
    day.is_taken_down()


class _Day:
    """The environment, and what is done with it, in this order."""

    def __init__(self, verbs: Verbs, port: int) -> None:
        self.verbs = verbs
        self.environment = verbs.environment
        self.port = port
        self.folder: Path = verbs.environment.folder

    def comes_up(self) -> None:
        self.environment.write(_playbook("1", self.port))
        assert "changed=0" not in self._do("up", "-d")
        assert "All is well" in self._do("status", "--exit-code")
        assert self._do("port", "web", "80") == f"0.0.0.0:{self.port}\n"
        assert "changed=0" in self._do("up", "-d")

    def is_migrated(self) -> None:
        """Once more, and by another command in the service's place."""
        self._do("run", "--rm", "-T", "migrate")
        insert = f"{_PSQL} -h postgres -c 'insert into orders values (7)'"
        self._do("run", "--rm", "-T", "migrate", "sh", "-c", insert)
        assert self._orders() == "7\n"
        assert self.verbs.one_offs() == []

    def is_changed_and_rolled_back(self) -> None:
        postgres = self._id("postgres")
        self.environment.write(_playbook("2", self.port))
        assert "service.api" in self._do("plan")
        self._do("apply", "--yes")
        assert self._do("exec", "-T", "api", "sh", "-c", "echo $VERSION") == "2\n"
        self._do("rollback", "--yes")
        assert self._do("exec", "-T", "api", "sh", "-c", "echo $VERSION") == "1\n"
        assert len(json.loads(self._do("history", "--json"))["revisions"]) == 3
        self._do("apply", "--yes")
        assert self._do("exec", "-T", "api", "sh", "-c", "echo $VERSION") == "2\n"
        assert (self._id("postgres"), self._orders()) == (postgres, "7\n")

    def has_files_copied(self) -> None:
        (self.folder / "page.html").write_text("a page\n")
        self._do("cp", "page.html", "web:/usr/share/nginx/html/page.html")
        assert self._do("exec", "-T", "web", "cat", "/usr/share/nginx/html/page.html") == "a page\n"
        self._do("cp", "web:/etc/nginx/nginx.conf", "taken.conf")
        assert "http" in (self.folder / "taken.conf").read_text()

    def is_scaled_and_watched(self) -> None:
        followed = self.environment.start("events", "--json", "worker")
        try:
            self._do("scale", "worker=2")
            assert self._do("ps", "--services", "--status", "running").split().count("worker") == 1
            assert len(self._do("ps", "-q", "worker").split()) == 2
            others = {name: self._id(name) for name in ("api", "redis", "web")}
            self._do("restart", "-t", "1", "worker")
            assert {name: self._id(name) for name in others} == others
            time.sleep(0.5)
            os.kill(followed.pid, signal.SIGINT)
            told = [json.loads(line) for line in followed.communicate(timeout=30)[0].splitlines()]
        finally:
            followed.kill()
        assert {one["service"] for one in told} == {"worker"}
        assert ("container", "start") in {(one["type"], one["action"]) for one in told}
        assert "changed=0" in self._do("apply", "--yes")
        assert len(self.verbs.containers("worker")) == 2
        assert "sleep 1" in self._do("top", "worker")
        shown = self._do("stats", "--no-stream", "--format", "{{.Name}} {{.PIDs}}").splitlines()
        assert len(shown) == 6, shown
        assert "worked" in self._do("logs", "--no-log-prefix", "--tail", "1", "worker")

    def has_one_that_is_not_well(self) -> None:
        # On a Swarm what is there again is watched for twice as long as what ended before it had lived.
        self._do("restart", "web")
        self._do("exec", "-T", "web", "touch", "/data/full")
        self._until_said("the disk is full", "status", "--exit-code", code=3)
        self._until_said("the disk is full", "why", "service.web")
        self._do("run", "--rm", "-T", "--no-deps", "--entrypoint", "rm", "web", "-f", "/data/full")
        self._until_said("All is well", "status", "--exit-code")

    def has_one_that_dies_again_and_again(self) -> None:
        self._do("exec", "-T", "worker", "touch", "/data/poison")
        self._until_said("poisoned by job 17", "status", "--exit-code", code=3)
        said = self._until_said("poisoned by job 17", "why", "service.worker")
        assert "restart" in said or "again and again" in said
        self._do("run", "--rm", "-T", "--no-deps", "worker", "rm", "/data/poison")
        # The engine tries it less and less often: nobody waits for that.
        self._do("restart", "-t", "1", "worker")
        self._until_said("All is well", "status", "--exit-code")

    def rests_at_night_and_goes_on(self) -> None:
        self._do("stop", "-t", "5")
        assert "At rest on purpose" in self._do("status", "--exit-code")
        assert [self.verbs.containers(name) for name in ("api", "worker", "web", "postgres", "redis")] == [[]] * 5
        # Who changes one of them starts that one, and no other.
        self.environment.write(_playbook("3", self.port))
        self._do("apply", "--yes", "--target", "service.redis")
        assert "stopped on purpose" in self._do("plan")
        assert (len(self.verbs.containers("redis")), self.verbs.containers("worker")) == (1, [])
        self._do("start")
        # The other version of the api is declared, and not applied yet.
        self._until_said("Nothing is broken", "status", "--exit-code")
        assert len(self.verbs.containers("worker")) == 2
        self._do("apply", "--yes")
        assert self.environment.plan()["changes"] == []

    def is_taken_down(self) -> None:
        self._do("down", "-t", "5")
        project = self.environment.project
        left = {one.name for one in self.environment.engine.volumes.list()}
        assert {f"{project}_pgdata", f"{project}_jobs", f"{project}_pages"} <= left

    def _do(self, *words: str, code: int | None = 0) -> str:
        """What the command says on standard output."""
        done = self.environment.run(*words)
        assert code is None or done.code == code, (words, done)
        return done.stdout

    def _until_said(self, text: str, *words: str, code: int | None = 0) -> str:
        """The same command until it says so, for at most a minute: an engine looks when its time has come."""
        return _until(lambda: self.environment.run(*words), text, code)

    def _id(self, name: str) -> str:
        [container] = self.verbs.containers(name)
        return str(container.id)

    def _orders(self) -> str:
        return self._do("exec", "-T", "postgres", "sh", "-c", f"{_PSQL} -c 'select number from orders'")


def _until(call: Callable[[], Any], text: str, code: int | None) -> str:
    deadline = time.monotonic() + 60
    while True:
        done = call()
        if text in done.stdout and code in (None, done.code):
            return str(done.stdout)
        assert time.monotonic() < deadline, done
        time.sleep(0.3)
