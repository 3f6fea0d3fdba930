"""`up`, `create`, `rm`, `down`: an environment comes and goes as Compose users type it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.command_line import Ended, carry_out
from tests.verbs.conftest import Verbs, service

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.engine


def test_up_makes_it_so_without_a_question_and_a_second_time_changes_nothing(verbs: Verbs) -> None:
    environment = verbs.environment
    environment.services(db=service(), web=service(depends_on=["db"]), other=service())
    done = environment.run("up", "-d", "--wait", "web")
    assert done.code == 0, done
    assert (len(verbs.containers("web")), len(verbs.containers("db")), verbs.containers("other")) == (1, 1, [])
    assert environment.run("up", "-d").code == 0
    before = {name: verbs.containers(name)[0].id for name in ("db", "web", "other")}
    again = environment.run("up", "-d")
    assert again.code == 0
    assert "changed=0" in again.stdout
    anew = environment.run("up", "-d", "--force-recreate", "--no-deps", "web")
    assert anew.code == 0, anew
    after = {name: verbs.containers(name)[0].id for name in ("db", "web", "other")}
    assert after["web"] != before["web"]
    assert (after["db"], after["other"]) == (before["db"], before["other"])
    assert environment.plan()["changes"] == []


def test_apply_makes_one_anew_and_runs_a_job_again(verbs: Verbs) -> None:
    environment = verbs.environment
    job = service(command=["true"], job={"run": "once"})
    environment.services(web=service(), other=service(), migrate=job)
    environment.apply()
    before = verbs.containers("web")[0].id
    plan = environment.plan("--replace", "web")
    assert [one["address"] for one in plan["changes"]] == ["service.web"]
    assert "it is asked for" in plan["changes"][0]["reason"]
    assert environment.apply("--replace", "service.web").summary["changed"] > 0
    assert verbs.containers("web")[0].id != before
    refused = environment.run("apply", "--yes", "--rerun", "web")
    assert refused.code == 64
    assert "is no job" in refused.stderr
    ran = [one.attrs["State"]["FinishedAt"] for one in verbs.containers("migrate", running=False)]
    assert environment.apply("--rerun", "service.migrate").summary["changed"] > 0
    again = [one.attrs["State"]["FinishedAt"] for one in verbs.containers("migrate", running=False)]
    assert max(again) > max(ran)
    assert environment.plan()["changes"] == []


def test_created_is_not_started(verbs: Verbs) -> None:
    environment = verbs.environment
    anywhere = {"deploy": {"mode": "global", "endpoint_mode": "dnsrr"}} if verbs.swarm else {}
    job = service(command=["true"], job={"run": "once"})
    environment.write({
        "services": {
            "db": service(volumes=["data:/data"]), "web": service(depends_on=["db"]), "each": service(**anywhere),
            "migrate": job,
        },
        "volumes": {"data": {}},
    })  # fmt: skip
    done = environment.run("create", "web")
    assert done.code == 0, done
    changes = {one["address"]: one for one in environment.plan()["changes"]}
    assert {changes[f"service.{name}"]["action"] for name in ("each", "migrate")} == {"create"}
    for name in ("db", "web"):
        assert "stopped on purpose" in changes[f"service.{name}"]["reason"]
    done = environment.run("create")
    assert done.code == 0, done
    assert [verbs.containers(name) for name in ("db", "web", "each", "migrate")] == [[], [], [], []]
    changes = {one["address"]: one for one in environment.plan()["changes"]}
    assert all("stopped on purpose" in changes[f"service.{name}"]["reason"] for name in ("db", "web", "each"))
    before = environment.objects()
    assert environment.run("create").code == 0
    assert environment.objects() == before
    started = environment.run("start")
    assert started.code == 0, started
    assert [len(verbs.containers(name)) for name in ("db", "web", "each")] == [1, 1, 1]
    environment.apply()
    assert environment.plan()["changes"] == []
    wrong = environment.run("create", "wep")
    assert wrong.code == 64
    assert "did you mean 'web'?" in wrong.stderr


def test_what_does_not_run_is_removed(verbs: Verbs) -> None:
    environment = verbs.environment
    environment.write({
        "services": {
            "db": service(volumes=["/scratch", "data:/data"]), "web": service(depends_on=["db"]),
            "migrate": service(command=["true"], job={"run": "once"}),
        },
        "volumes": {"data": {}},
    })  # fmt: skip
    environment.apply()
    [scratch] = [one["Name"] for one in _mounts(verbs) if one["Destination"] == "/scratch"]
    assert environment.run("rm", "-f", "db", "web").stderr == "No stopped containers\n"
    assert environment.run("stop", "web").code == 0
    asked = environment.run("rm", "web")
    assert asked.code == 64, asked
    assert "--force" in asked.stderr
    assert environment.run("rm", "-f", "wep").code == 64
    done = environment.run("rm", "-f")
    assert done.code == 0, done
    assert {one["address"]: one["action"] for one in environment.plan()["changes"]} == {
        "service.web": "create", "service.migrate": "create",
    }  # fmt: skip
    assert len(verbs.containers("db")) == 1
    done = environment.run("rm", "-f", "-s", "-v", "db")
    assert done.code == 0, done
    volumes = [one.name for one in environment.engine.volumes.list()]
    assert f"{environment.project}_data" in volumes
    assert verbs.swarm or scratch not in volumes
    assert {one["action"] for one in environment.plan()["changes"]} == {"create"}
    environment.apply()
    assert environment.plan()["changes"] == []


def _mounts(verbs: Verbs) -> list[dict[str, str]]:
    [container] = verbs.containers("db")
    return list(container.attrs["Mounts"])


def test_up_refuses_to_lose_data_and_down_leaves_them_and_asks_before_they_go(verbs: Verbs) -> None:
    environment = verbs.environment
    playbook = {"services": {"web": service(volumes=["data:/data"])}, "volumes": {"data": {}}}
    environment.write(playbook)
    assert environment.run("up", "-d").code == 0
    environment.write({**playbook, "volumes": {"data": {"driver_opts": {"type": "tmpfs", "device": "tmpfs"}}}})
    refused = environment.run("up", "-d")
    assert refused.code == 1, refused
    assert "delete data" in refused.stderr or "provision apply" in refused.text
    assert len(verbs.containers("web")) == 1
    environment.write(playbook)
    done = environment.run("down", "-t", "1")
    assert done.code == 0, done
    assert verbs.containers("web") == []
    assert [one.name for one in environment.engine.volumes.list()].count(f"{environment.project}_data") == 1
    assert environment.run("up", "-d").code == 0
    asked = environment.run("down", "-v")
    assert asked.code == 64
    assert len(verbs.containers("web")) == 1
    assert environment.run("down", "-v", "--yes").code == 0
    assert [one.name for one in environment.engine.volumes.list()].count(f"{environment.project}_data") == 0


def test_up_stays_until_one_ends_and_its_exit_code_is_the_commands(verbs: Verbs) -> None:
    environment = verbs.environment
    tests = service(command=["sh", "-c", "echo tested; sleep 0.5; exit 5"], depends_on=["web"])
    environment.services(web=service(), tests=tests)
    done = environment.run("up", "--exit-code-from", "tests", "--no-log-prefix", "--attach", "tests")
    assert done.code == 5, done
    assert set(done.stdout.splitlines()) == {"tested"}
    assert "service.tests[1] exited with code 5" in done.stderr
    assert verbs.containers("web") == []
    again = environment.run("up", "--abort-on-container-failure")
    assert again.code == 5, again
    assert "service.tests" in again.stdout
    assert environment.run("up", "--exit-code-from", "nope").code == 64
    assert environment.run("up", "-d", "--abort-on-container-exit").code == 64
    # An apply goes on from there.
    environment.services(web=service())
    assert environment.run("apply", "--yes", "--prune").code == 0
    assert environment.plan()["changes"] == []


def test_what_stops_is_killed_after_the_time_that_is_said(verbs: Verbs) -> None:
    """A Swarm has the time with the service; sooner it is killed from here."""
    environment = verbs.environment
    stubborn = service(command=["sh", "-c", "trap '' TERM; sleep infinity & wait; wait; sleep infinity"])
    stubborn |= {"stop_signal": "SIGTERM", "stop_grace_period": "10m"}
    environment.services(web=stubborn)
    environment.apply()
    assert environment.run("stop", "-t", "1", "web").code == 0
    assert verbs.containers("web") == []
    assert environment.run("start", "web").code == 0
    environment.services(web=stubborn | {"environment": {"A": "2"}})
    assert environment.run("up", "-t", "1").code == 0
    assert environment.plan()["changes"] == []
    assert environment.run("restart", "-t", "1", "web").code == 0
    assert environment.run("down", "-t", "1").code == 0
    assert verbs.containers("web") == []


def test_an_environment_whose_file_is_gone_goes_by_its_name(verbs: Verbs, tmp_path: Path) -> None:
    environment, project = verbs.environment, verbs.environment.project
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    def destroy(*arguments: str, name: str = project) -> Ended:
        line = ("destroy", "--environment", name, *arguments)
        return carry_out(line, folder=elsewhere, environment=environment.surroundings())

    mounts = ["data:/data", "safe:/safe"]
    environment.write({
        "services": {"web": service(volumes=mounts)}, "volumes": {"data": {}, "safe": {"protect": True}},
    })  # fmt: skip
    environment.apply()
    (environment.folder / "compose.yaml").unlink()
    only_shown = destroy("--check")
    assert (only_shown.code, len(verbs.containers("web"))) == (0, 1), only_shown
    for arguments in (("shop/dev",), ("-f", "compose.yaml")):
        twice = destroy("--yes", *arguments)
        assert (twice.code, "name an environment: give one of them" in twice.stderr) == (64, True), twice

    done = destroy("--yes")
    assert done.code == 0, done
    line = ("ls", "-q", "--filter", f"name=^{project}$")
    deadline = time.monotonic() + 20
    # The containers of a Swarm's service end after it.
    while carry_out(line, folder=elsewhere, environment=environment.surroundings()).stdout:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    volumes = {volume.name for volume in environment.engine.volumes.list()}
    assert {f"{project}_data", f"{project}_safe"} <= volumes

    refused = destroy("--volumes", "--yes")
    assert (refused.code, "it is protected and is never deleted" in refused.stdout) == (1, True), refused
    assert destroy("--volume", f"{project}_data", "--yes").code == 0
    volumes = {volume.name for volume in environment.engine.volumes.list()}
    assert (f"{project}_data" in volumes, f"{project}_safe" in volumes) == (False, True)
    again = destroy("--yes")
    assert (again.code, "No changes." in again.stdout) == (0, True), again


def test_a_name_that_no_environment_has_is_told(verbs: Verbs, tmp_path: Path) -> None:
    name = f"{verbs.environment.project}-none"
    line = ("destroy", "--environment", name, "--yes")
    unknown = carry_out(line, folder=tmp_path, environment=verbs.environment.surroundings())
    assert unknown.code == 64, unknown
    assert f"the engine knows no environment '{name}'" in unknown.stderr
    assert "provision ls -a" in unknown.stderr
