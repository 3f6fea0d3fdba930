"""`top`, `port`, `images`, `volumes`, `ls`, `ps`, `logs`: what is asked of what runs; `kill`, `pause`, `wait`."""

from __future__ import annotations

import json
import time

import pytest

from tests.verbs.conftest import IMAGE, PORT, STANDING, Verbs, service

pytestmark = pytest.mark.engine


def test_what_runs_is_shown(standing: Verbs) -> None:
    environment = standing.environment
    project = environment.project
    [container] = standing.containers("web")

    top = environment.run("top", "web").stdout.splitlines()
    assert top[0].split()[:2] == ["SERVICE", "#"]
    assert top[1].split()[:2] == ["web", "1"]
    assert "sleep infinity" in top[1]

    shown = environment.run("port", "web", "80")
    assert shown.stdout == f"{'0.0.0.0' if standing.swarm else '127.0.0.1'}:{PORT}\n", shown
    none = environment.run("port", "web", "81")
    assert none.code == 1
    assert "publishes no port 81/tcp" in none.stderr

    image = container.attrs["Image"].partition(":")[2]
    assert environment.run("images", "-q").stdout == f"{image}\n"
    one = json.loads(environment.run("images", "--format", "json", "web").stdout)[0]
    assert f"{one['Repository']}:{one['Tag']}" == IMAGE
    assert environment.run("volumes", "-q").stdout == f"{project}_data\n"
    assert environment.run("volumes", "-q", "said").stdout == ""
    assert environment.run("volumes").stdout.splitlines()[1].split() == ["local", f"{project}_data"]

    listed = json.loads(environment.run("ls", "--format", "json").stdout)
    mine = next(one for one in listed if one["Name"] == project)
    assert mine["Status"] == f"running({len(STANDING)})"
    assert mine["AppliedBy"]
    assert environment.run("ls", "-q", "--filter", f"name=^{project}$").stdout == f"{project}\n"

    assert environment.run("ps", "-q", "web").stdout == f"{container.id}\n"
    row = json.loads(environment.run("ps", "--format", "json", "web").stdout)
    assert (row["Name"], row["State"], row["Service"], row["Project"]) == (container.name, "running", "web", project)
    assert environment.run("ps", "--services").stdout == "".join(f"{name}\n" for name in STANDING)
    assert environment.run("ps", "--status", "exited", "-q").stdout == ""
    assert environment.run("ps", "--format", "{{.Name}} {{.State}}", "web").stdout == f"{container.name} running\n"

    lines = environment.run("logs", "--no-log-prefix", "--index", "1", "said").stdout.splitlines()
    assert sorted(lines) == ["one", "two"]
    before = environment.run("logs", "--until", "1h", "said")
    assert (before.code, before.stdout) == (0, ""), before
    assert environment.run("logs", "--index", "7", "said").code == 64

    for words in (["top", "wep"], ["port", "wep", "80"], ["images", "wep"], ["volumes", "wep"]):
        wrong = environment.run(*words)
        assert wrong.code == 64, wrong
        assert "did you mean 'web'?" in wrong.stderr


def test_signals_reach_the_containers(standing: Verbs) -> None:
    environment = standing.environment
    [container] = standing.containers("traps")
    assert environment.run("kill", "-s", "HUP", "traps").code == 0
    deadline = time.monotonic() + 10
    while b"got it" not in container.logs() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert b"got it" in container.logs()

    assert environment.run("pause", "traps").code == 0
    container.reload()
    assert container.status == "paused"
    nothing = environment.run("pause", "traps")
    assert nothing.code == 1
    assert "nothing to pause" in nothing.stderr
    assert environment.run("unpause", "traps").code == 0
    container.reload()
    assert container.status == "running"
    wrong = environment.run("kill", "-s", "NO SUCH", "traps")
    assert wrong.code == 64
    assert environment.run("kill", "traps").code == 0
    deadline = time.monotonic() + 10
    while container.id in [one.id for one in standing.containers("traps")] and time.monotonic() < deadline:
        time.sleep(0.1)
    assert container.id not in [one.id for one in standing.containers("traps")]
    # As it was for whoever comes next. A Swarm's manager hears late of what its node has ended, and then restarts it.
    environment.apply()
    while not standing.containers("traps") and time.monotonic() < deadline + 30:
        time.sleep(0.1)
    assert standing.containers("traps")


def test_the_end_is_waited_for_and_its_code_is_the_exit_code(verbs: Verbs) -> None:
    environment = verbs.environment
    once = service(command=["sh", "-c", "sleep 6; exit 5"], restart="no")
    if verbs.swarm:
        once["deploy"] = {**once["deploy"], "restart_policy": {"condition": "none"}}
    environment.services(web=service(), once=once)
    environment.apply("--target", "once", code=0)
    [container] = verbs.containers("once")
    done = environment.run("wait", "once")
    assert done.code == 5, done
    assert done.stdout == f'container "{container.id}" exited with status code 5\n'
    assert environment.run("wait", "once").code == 1
    assert environment.run("wait", "wep").code == 64
