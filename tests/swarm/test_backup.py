"""Backups and restores on a Swarm: the bodies of the plain engine's tests, for what is the mode's matter."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.command_line import carry_out
from tests.engine import test_backup_postgres as postgres
from tests.engine.environment import Environment
from tests.engine.environment import service as plain_service
from tests.engine.test_backup import run_in as run_on
from tests.engine_fixtures import remove_project
from tests.swarm.environment import SwarmEnvironment, service

if TYPE_CHECKING:
    import docker

pytestmark = pytest.mark.engine

STATE = "cd /data && find . | sort | xargs stat -c '%n %u:%g %a %Y %h %F' && cat a && readlink link"
FILES = (
    "mkdir -p deep && echo one > a && chown 70:71 a && chmod 640 a && ln a deep/hard && ln -s a link && chmod 1777 ."
)


def playbook(**more: Any) -> dict[str, Any]:
    backup = {
        "command": ["sh", "-c", "cat /rows/table"], "restore": ["sh", "-c", "cat > /rows/table"], "replaces": ["rows"],
    }  # fmt: skip
    return {
        "services": {
            "keeper": service(volumes=["files:/data"]), "store": service(volumes=["rows:/rows"], backup=backup),
        },
        "volumes": {"files": {}, "rows": {}},
        "backup": {"to": "./archives"},
        **more,
    }  # fmt: skip


def run_in(swarmed: SwarmEnvironment, name: str, script: str) -> str:
    return swarmed.output(name, "sh", "-c", script).decode()


def test_what_was_there_is_there_again(environment: SwarmEnvironment) -> None:
    environment.write(playbook())
    environment.apply()
    run_in(environment, "keeper", f"cd /data && {FILES}")
    run_in(environment, "store", "seq 1000 > /rows/table")
    before = run_in(environment, "keeper", STATE), run_in(environment, "store", "md5sum < /rows/table")
    made = environment.run("backup", "--json")
    assert made.code == 0, made
    assert json.loads(made.stdout)["mode"] == "swarm"
    environment.require_inert()
    run_in(environment, "keeper", "rm -rf /data/a /data/deep; echo other > /data/new")
    run_in(environment, "store", "echo lost > /rows/table")
    assert environment.run("restore", "latest", "--yes").code == 1
    done = environment.run("restore", "latest", "--yes", "--replace")
    assert done.code == 0, done
    assert (run_in(environment, "keeper", STATE), run_in(environment, "store", "md5sum < /rows/table")) == before
    environment.require_inert()
    undone = environment.run("restore", "--undo", "--yes")
    assert undone.code == 0, undone
    assert run_in(environment, "store", "cat /rows/table") == "lost\n"


def test_a_volume_can_not_be_stopped_for(environment: SwarmEnvironment) -> None:
    environment.write(playbook(volumes={"files": {"backup": {"consistency": "stop"}}, "rows": {}}))
    environment.apply()
    refused = environment.run("backup")
    assert (refused.code, "is for plain containers" in refused.stderr) == (1, True), refused
    assert not list(environment.folder.glob("archives/*/manifest.json"))


def test_a_rehearsal_proves_and_leaves_nothing(environment: SwarmEnvironment) -> None:
    rows = {"service": "store", "command": ["sh", "-c", "wc -l < /rows/table"], "stdout": "1000"}
    book = playbook(verify=[{"name": "rows", "exec": rows}], secrets={"key": {"generate": {}}})
    book["services"]["keeper"]["secrets"] = ["key"]
    environment.write(book)
    environment.apply("--no-verify")
    run_in(environment, "keeper", f"cd /data && {FILES}")
    run_in(environment, "store", "seq 1000 > /rows/table")
    assert environment.run("backup").code == 0
    before = environment.inventory()
    done = environment.run("rehearse", "--latest", "--json")
    assert done.code == 0, done
    proven = json.loads(done.stdout)
    assert (proven["proven"], [check["name"] for check in proven["checks"]]) == (True, ["rows"])
    assert environment.inventory() == before
    book["services"]["store"]["backup"]["restore"] = ["sh", "-c", "exit 5"]
    environment.write(book)
    told = environment.run("rehearse", "--latest")
    assert (told.code, "exit code 5" in told.stderr) == (1, True), told
    assert environment.inventory() == before


@pytest.mark.parametrize("swarm", ["28.5"], indirect=True)
def test_the_rows_of_an_older_engine(
    environment: SwarmEnvironment, engine: docker.DockerClient, engine_url: str
) -> None:
    """An archive of containers on one engine, restored on a Swarm of another version: rows, bytes, owners, modes."""
    older = Environment(environment.folder, environment.project, engine, engine_url)
    book = postgres.playbook()
    book["services"]["keeper"] = plain_service(volumes=["files:/data"])
    book["volumes"]["files"] = {}
    try:
        older.write(book)
        older.apply("--no-verify")
        postgres.query(older, postgres.ROWS)
        run_on(older, "keeper", f"cd /data && {FILES}")
        made = older.run("backup", "--json")
        assert made.code == 0, made
        saved = postgres.query(older, postgres.DIGEST), run_on(older, "keeper", STATE)
        assert older.engine.version()["Version"].startswith("20.10")
    finally:
        remove_project(engine, older.project)
    environment.engine.images.pull("postgres:16-alpine")
    environment.write(book)
    done = environment.run("restore", json.loads(made.stdout)["id"], "--yes")
    assert done.code == 0, done
    rows = environment.output("db", *postgres.PSQL, postgres.DIGEST).decode()
    assert (rows, run_in(environment, "keeper", STATE)) == saved
    assert environment.run("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("swarm", ["28.5"], indirect=True)
def test_a_clone_is_masked_in_closed_services(environment: SwarmEnvironment) -> None:
    """A store that only a network of others and a port lead to; while its mask runs, neither does."""
    name = f"{environment.project}-copy"
    outside = environment.engine.networks.create(f"{environment.project}-outside", driver="overlay")
    look = "test $(ls /sys/class/net | grep -vc lo) -lt 2 && sed -i s/^/masked-/ /rows/table"
    book = playbook(networks={"outside": {"external": True, "name": outside.name}})
    store = book["services"]["store"]
    store["networks"], store["ports"] = ["outside"], [{"target": 80, "published": 8099, "mode": "host"}]
    store["backup"]["mask"] = ["sh", "-c", look]
    environment.write(book)
    environment.apply()
    run_in(environment, "store", "seq 1000 > /rows/table")
    store["ports"][0]["published"] = 8100
    environment.write({**book, "name": name}, "copy.yaml")
    line = ["clone", "compose.yaml", "copy.yaml", "--yes"]
    done = carry_out(line, folder=environment.folder, environment=environment.surroundings())
    assert done.code == 0, done
    copy = SwarmEnvironment(environment.folder, name, environment.engine, environment.url, environment.proxy)
    assert run_in(copy, "store", "head -n 1 /rows/table") == "masked-1\n"
    assert copy.service("store")["Spec"]["TaskTemplate"]["Networks"]
    remove_project(environment.engine, name)


def test_a_job_runs_again_on_new_data_only(environment: SwarmEnvironment) -> None:
    """Its service stays while a restore fails, though its container has a volume that is made anew."""
    book = playbook()
    book["services"]["migrate"] = {
        "image": "busybox:1.36", "command": ["sh", "-c", "echo x >> /runs/count"], "job": {}, "depends_on": ["store"],
        "volumes": ["rows:/rows", "runs:/runs"],
    }  # fmt: skip
    book["services"]["reader"] = service(volumes=["runs:/runs"])
    book["volumes"]["runs"] = {"backup": False}
    environment.write(book)
    environment.apply()
    run_in(environment, "store", "seq 1000 > /rows/table")
    assert environment.run("backup").code == 0
    run_in(environment, "store", "echo now > /rows/table")
    book["services"]["store"]["backup"]["restore"] = ["sh", "-c", "exit 5"]
    environment.write(book)
    failed = environment.run("restore", "latest", "--yes", "--replace")
    assert (failed.code, "the data of before are back" in failed.stderr) == (1, True), failed
    assert run_in(environment, "store", "cat /rows/table") == "now\n"
    assert run_in(environment, "reader", "cat /runs/count") == "x\n"
    environment.write(playbook(services={**book["services"], **playbook()["services"]}, volumes=book["volumes"]))
    done = environment.run("restore", "latest", "--yes", "--replace")
    assert (done.code, "run again on the data that come: migrate" in done.stdout) == (0, True), done
    assert run_in(environment, "reader", "cat /runs/count") == "x\nx\n"
