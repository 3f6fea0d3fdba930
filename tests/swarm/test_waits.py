"""Waits end, and say why in the words of the tasks: what never starts, what fails, what is rolled back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.swarm.environment import service

if TYPE_CHECKING:
    from tests.engine.environment import Outcome
    from tests.swarm.environment import SwarmEnvironment

pytestmark = pytest.mark.engine

SPEAKS = ["sh", "-c", "echo I am well; exec sleep infinity"]
EXIT_7 = ["sh", "-c", "echo nothing works; exit 7"]


def test_new_services_that_can_not_run(environment: SwarmEnvironment) -> None:
    quick = {"restart_policy": {"delay": "100ms"}}
    services = {
        "missing": service(command=["no-such-command"], deploy=quick),
        "crashing": service(command=EXIT_7, deploy=quick),
        "once": service(command=EXIT_7, restart="no"),
        "ending": service(command=["true"], deploy=quick),
        # A task counts as unhealthy only if its node has begun to listen when its check fails.
        "unhealthy": service(deploy=quick, healthcheck={"test": ["CMD", "false"], "interval": "1s", "retries": 1}),
        "nowhere": service(volumes=["/no/such/folder:/data"], deploy=quick),
    }
    environment.services(**services)
    assert environment.apply(code=1).summary["failures"]
    # The first failure ends the other waits: each is asked for by itself.
    said = {name: told(environment, name) for name in services}
    assert 'exec: \\"no-such-command\\": executable file not found' in said["missing"]
    assert "non-zero exit (7)" in said["crashing"]
    assert "fail again and again" in said["crashing"]
    assert "nothing works" in said["crashing"]
    assert "restart policy lets none follow" in said["once"]
    assert "ends by itself" in said["ending"]
    assert "unhealthy container" in said["unhealthy"]
    assert "bind source path does not exist: /no/such/folder" in said["nowhere"]
    status = environment.run("status", "crashing", "--exit-code")
    assert status.code == 3, status
    assert "1 object is not well: service.crashing." in status.stdout
    why = environment.run("why", "crashing").stdout
    assert "non-zero exit (7)" in why
    assert "| nothing works" in why, "its last lines"
    assert "Last words of service.crashing" in why, "those of the failed apply"
    assert "nothing works" in environment.run("history", "-v").stdout


def told(environment: SwarmEnvironment, name: str) -> str:
    """How an apply of one service failed. One that is looked at while it happens to run is looked at again."""
    for _ in range(8):
        outcome = environment.run("apply", "--yes", "--json", "--target", f"service.{name}")
        if outcome.code != 0:
            break
    assert outcome.code == 1, outcome
    return outcome.errors


def test_a_service_that_ends_again_and_again_while_it_is_looked_at_as_it_runs(environment: SwarmEnvironment) -> None:
    """Every task runs long enough to be taken for a running one: those that ended before it tell."""
    environment.services(web=service(command=["sleep", "3"], deploy={"restart_policy": {"delay": "0s"}}))
    environment.apply()

    def follows_another() -> bool:
        [found] = environment.engine.api.services(filters={"name": f"{environment.project}_web"})
        tasks = environment.engine.api.tasks(filters={"service": found["ID"]})
        states = {task["Status"]["State"] for task in tasks}
        return {"complete", "running"} <= states

    environment.wait_until(follows_another)
    assert "ends by itself" in environment.apply(code=1).errors


def test_an_image_that_is_nowhere(environment: SwarmEnvironment) -> None:
    environment.services(web=service(image="127.0.0.1:1/nothing:1"))
    failed = environment.apply(code=1)
    assert "image 127.0.0.1:1/nothing:1 can not be pulled" in failed.errors
    assert environment.engine.api.services(filters={"name": environment.project}) == []


def test_no_suitable_node_is_told_before_anything_is_touched(environment: SwarmEnvironment) -> None:
    environment.services(web=service(deploy={"placement": {"constraints": ["node.labels.disk == fast"]}}))
    outcome = environment.run("apply", "--yes", "--json")
    assert outcome.code == 1, outcome
    assert "node.labels.disk==fast does not hold" in outcome.text
    assert environment.objects() == set()


def test_a_wait_that_takes_too_long(environment: SwarmEnvironment) -> None:
    check = {"test": ["CMD", "false"], "interval": "200ms", "start_period": "10m"}
    environment.services(web=service(healthcheck=check))
    failed = environment.apply("--wait-timeout", "3", code=1)
    assert "not ready after 3 s; it is starting, 0/1 running" in failed.errors
    assert "--wait-timeout SECONDS waits longer" in failed.errors


def updated(environment: SwarmEnvironment, **deploy: Any) -> None:
    """A service that works, and is told to do what fails."""
    environment.services(web=service(deploy=deploy, command=SPEAKS))
    environment.apply()
    environment.services(web=service(deploy=deploy, command=EXIT_7))


def serves(environment: SwarmEnvironment) -> bool:
    """Whether the version before runs."""
    found = [task["Spec"]["ContainerSpec"]["Args"] for task in environment.tasks("web")]
    return found == [SPEAKS]


def told_of_exit_7(failed: Outcome) -> None:
    """The words of the version that failed under the exit code of its tasks, and none of the one before."""
    [error] = [failure["error"] for failure in failed.summary["failures"]]
    head, *words = error["evidence"]
    assert re.fullmatch(r"replica 1 \(task \w{12}\)( and \d+ more)?: non-zero exit \(7\)", head), head
    assert words == ["nothing works"]


def test_a_failed_update_is_rolled_back(environment: SwarmEnvironment) -> None:
    policy = {"order": "start-first", "monitor": "2s"}
    updated(environment, update_config=policy, restart_policy={"delay": "100ms"})
    failed = environment.apply(code=3)
    assert "Swarm rolled it back" in failed.errors
    told_of_exit_7(failed)
    assert (failed.summary["taken_back"], failed.summary["changed"]) == (["service.web"], 0)
    environment.wait_until(lambda: serves(environment))
    # It is not taken for done, and fails again in the same way.
    again = environment.run("apply", "--yes")
    assert (again.code, "Done:" in again.stderr, "continues from here" in again.stderr) == (3, False, False), again
    environment.services(web=service(deploy={"update_config": policy, "restart_policy": {"delay": "100ms"}}))
    environment.apply()
    environment.require_inert()


def test_a_failed_update_that_is_paused_is_gone_on_with(environment: SwarmEnvironment) -> None:
    policy = {"failure_action": "pause", "monitor": "2s"}
    updated(environment, update_config=policy, restart_policy={"delay": "100ms"})
    failed = environment.apply(code=1)
    assert "is paused" in failed.errors
    told_of_exit_7(failed)
    [change] = environment.plan()["changes"]
    assert [one["path"] for one in change["differences"]] == ["state"]
    environment.services(web=service(deploy={"update_config": policy, "restart_policy": {"delay": "100ms"}}))
    environment.apply()
    environment.require_inert()


def test_an_update_that_never_ends_is_taken_back(environment: SwarmEnvironment) -> None:
    environment.services(web=service(deploy={"update_config": {"order": "start-first", "monitor": "100ms"}}))
    environment.apply()
    [serving] = environment.tasks("web")
    check = {"test": ["CMD", "false"], "interval": "200ms", "start_period": "10m"}
    environment.services(
        web=service(healthcheck=check, deploy={"update_config": {"order": "start-first", "monitor": "100ms"}})
    )
    failed = environment.apply("--wait-timeout", "5", code=3)
    assert "not ready after 5 s" in failed.errors
    assert "the version before serves" in failed.errors
    assert [task["ID"] for task in environment.tasks("web")] == [serving["ID"]]
    assert "healthcheck" not in str(environment.service("web")["Spec"]).lower()


def test_jobs(environment: SwarmEnvironment) -> None:
    job = {"image": "busybox:1.36", "job": {"run": "on_change"}, "deploy": {"restart_policy": {"condition": "none"}}}
    web = service(depends_on={"migrate": {"condition": "service_completed_successfully"}})
    environment.services(migrate={**job, "command": EXIT_7}, web=web)
    failed = environment.apply(code=1)
    assert "the job failed" in failed.errors
    assert "non-zero exit (7)" in failed.errors
    assert "nothing works" in failed.errors
    assert environment.engine.api.services(filters={"name": f"{environment.project}_web"}) == []

    environment.services(migrate={**job, "command": ["true"]}, web=web)
    environment.apply()
    environment.require_inert()
    assert len(environment.tasks("migrate", "complete")) == 1


def test_a_killed_apply_is_gone_on_with(environment: SwarmEnvironment) -> None:
    check = {"test": ["CMD", "test", "-e", "/tmp/ready"], "interval": "200ms", "start_period": "1m"}
    environment.services(web=service(healthcheck=check))
    process = environment.start("apply", "--yes")
    environment.wait_until(lambda: bool(environment.tasks("web", "starting")))
    process.kill()
    process.communicate()
    # What was asked for is there, and does not run: an apply does not end well before it does.
    assert environment.plan()["changes"] == []
    failed = environment.apply("--wait-timeout", "3", code=1)
    assert "not ready after 3 s" in failed.errors
    [task] = environment.tasks("web", "starting")
    identity = task["Status"]["ContainerStatus"]["ContainerID"]
    environment.engine.containers.get(identity).exec_run(["touch", "/tmp/ready"])
    environment.apply()
    environment.require_inert()


def test_somebody_else_changes_a_service_during_the_apply(environment: SwarmEnvironment) -> None:
    environment.services(web=service(environment={"COLOUR": "blue"}))
    environment.apply()
    environment.services(web=service(environment={"COLOUR": "green"}))
    assert environment.proxy is not None
    by_hand = environment.update_by_hand
    environment.proxy.fail(
        1, where=lambda request: request.method == "POST" and request.path.endswith("/update"),
        before=lambda request: by_hand("web", lambda spec: spec["Labels"].update(other="1")),
    )  # fmt: skip
    failed = environment.apply(code=1)
    assert "was changed by somebody else since the plan was made" in failed.errors
    assert "look at the new plan and apply again" in failed.errors
    environment.apply()
    environment.require_inert()


def test_the_orchestrators_own_counting_is_no_conflict(environment: SwarmEnvironment) -> None:
    environment.services(web=service(environment={"COLOUR": "blue"}))
    environment.apply()
    environment.services(web=service(environment={"COLOUR": "green"}))
    assert environment.proxy is not None

    def same_spec_again(request: Any) -> None:
        environment.update_by_hand("web", lambda spec: None)

    environment.proxy.fail(
        1, where=lambda request: request.method == "POST" and request.path.endswith("/update"), before=same_spec_again
    )
    environment.apply()
    environment.require_inert()


def test_a_one_shot_that_nobody_awaits_has_done_its_work(environment: SwarmEnvironment) -> None:
    """To Swarm's updates what ends at once has failed: a one-shot that has ended is made anew when it changes."""

    def once(word: str) -> dict[str, Any]:
        return service(command=["echo", word], restart="on-failure")

    environment.write({"services": {"once": once("one"), "app": service()}})
    environment.apply()
    environment.require_inert()
    assert "finished, exit 0" in environment.run("status").stdout
    environment.write({"services": {"once": once("two"), "app": service()}})
    environment.apply()
    environment.require_inert()
