"""What tasks and nodes say of a service, without an engine: every way a wait can end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from provisioner.errors import NotConverged, StepFailed
from provisioner.model.operation import Goal, WaitForService
from provisioner.reconcile.swarm_tasks import STABLE, keeps_ending, not_converged_reason, readiness, tasks_of
from provisioner.reconcile.swarm_wait import wait_service
from tests.property.environments import Patient

if TYPE_CHECKING:
    from provisioner.ports import EngineReader

READY, DOWN = "ready", "down"


def live(mode: dict[str, Any] | None = None, update: str = "", **spec: Any) -> dict[str, Any]:
    raw: dict[str, Any] = {"Spec": {"Mode": mode or {"Replicated": {"Replicas": 2}}, **spec}}
    return {**raw, "UpdateStatus": {"State": update, "Message": "said by Swarm"}} if update else raw


def task(
    state: str,
    *,
    node: str = "a",
    wanted: str = "running",
    error: str = "",
    at: str = "1",
    slot: int = 1,
    name: str = "",
) -> dict[str, Any]:
    status = {"State": state, "Err": error, "Message": state}
    return {"ID": name, "Slot": slot, "NodeID": node, "DesiredState": wanted, "UpdatedAt": at, "Status": status}


def node(identity: str, state: str = READY, availability: str = "active", **labels: str) -> dict[str, Any]:
    return {
        "ID": identity,
        "Spec": {"Availability": availability, "Role": "worker", "Labels": labels},
        "Description": {"Hostname": identity, "Platform": {"OS": "linux", "Architecture": "x86_64"}},
        "Status": {"State": state},
    }


def test_tasks_of_a_node_that_is_down_do_not_count() -> None:
    tasks = [task("running", node="a"), task("running", node="b")]
    assert tasks_of(live(), tasks, [node("a"), node("b")]).running == 2
    found = tasks_of(live(), tasks, [node("a"), node("b", DOWN)])
    assert (found.running, found.lost, found.wanted) == (1, 1, 2)
    assert not_converged_reason(live(), found) == "1 of 2 tasks run"


def test_a_global_service_wants_a_task_on_each_node_that_can_run_it() -> None:
    service = live({"Global": {}}, TaskTemplate={"Placement": {"Constraints": ["node.labels.disk==fast"]}})
    nodes = [node("a", disk="fast"), node("b"), node("c", DOWN, disk="fast"), node("d", READY, "drain", disk="fast")]
    assert tasks_of(service, [], nodes).wanted == 1
    assert tasks_of(service, [], [node("b")]).wanted == 0


def test_errors_are_told_once_and_the_newest_last() -> None:
    tasks = [task("failed", error="b", at="2"), task("rejected", error="a", at="1"), task("failed", error="b", at="3")]
    assert tasks_of(live(), tasks).errors == ("a", "b")


def test_failures_of_before_do_not_count_and_the_way_out_is_told() -> None:
    old = [task("failed", wanted="shutdown", error="no", name=f"old-{n}") for n in range(5)]
    before = tasks_of(live(), old).over
    found = tasks_of(live(), [*old, task("failed", wanted="shutdown", name="new"), task("ready")], before=before)
    assert found.again == 1
    assert not readiness("ready", live(), found, steady_for=0).done
    found = tasks_of(live(), [*old, *(task("failed", wanted="shutdown", name=f"new-{n}") for n in range(3))],
                     before=before)  # fmt: skip
    assert readiness("ready", live(), found, steady_for=0).done


def state_of(service: dict[str, Any], tasks: list[dict[str, Any]], goal: str = "ready", **more: Any) -> tuple[Any, ...]:
    answer = readiness(goal, service, tasks_of(service, tasks), **{"steady_for": STABLE, **more})
    return answer.done, answer.ok, answer.message


TWO = [task("running"), task("running")]
FAILED = [task("failed", wanted="shutdown", error="no")] * 3
CASES: tuple[tuple[str, dict[str, Any], list[dict[str, Any]], dict[str, Any], tuple[bool, bool], str], ...] = (
    ("running", live(), TWO, {}, (True, True), "2/2 running"),
    ("running, after others ended", live(), TWO, {"enough": 5.0}, (False, False), "2/2"),
    ("running, not for long", live(), TWO, {"steady_for": 0.5}, (False, False), "starting, 2/2"),
    ("updating", live(update="updating"), TWO, {}, (False, False), "updating, 2/2"),
    ("updated", live(update="completed"), TWO, {}, (True, True), "2/2 running"),
    ("rolled back", live(update="rollback_completed"), TWO, {}, (True, False), "said by Swarm"),
    ("rolled back long ago", live(update="rollback_completed"), TWO, {"updated": False}, (True, True), "2/2"),
    ("rolled back in vain", live(update="rollback_paused"), [], {}, (True, False), "so did going back"),
    ("rolling back", live(update="rollback_started"), TWO, {}, (False, False), "rollback_started"),
    ("paused", live(update="paused"), TWO, {}, (True, False), "paused: said by Swarm"),
    ("crash loop", live(), [*FAILED, task("ready")], {}, (True, False), "again and again: no"),
    ("one failure", live(), [FAILED[0], task("ready")], {}, (False, False), "0/2"),
    ("failures of three replicas", live(),
     [*(task("failed", wanted="shutdown", slot=n) for n in (1, 2, 3)), TWO[0]], {},
     (False, False), "one ended"),
    ("one failure, and nothing is decided yet", live(), [task("failed", error="no")], {}, (False, False), "0/2"),
    ("one end, and nothing is decided yet", live(), [task("complete")], {}, (False, False), "0/2"),
    ("one failure, none follows", live(), FAILED[:1], {}, (True, False), "lets none follow: no"),
    ("ends by itself", live(), [task("complete", wanted="shutdown")], {}, (True, False), "ends by itself"),
    ("failures of an update", live(update="updating"), FAILED, {}, (False, False), "updating"),
    ("no node", live(), [task("pending", error="no suitable node")], {}, (False, False), "no suitable node"),
    ("none wanted", live({"Replicated": {"Replicas": 0}}), [], {}, (True, True), "0/0"),
)  # fmt: skip
JOB = live({"ReplicatedJob": {"TotalCompletions": 1}})
JOBS: tuple[tuple[str, list[dict[str, Any]], tuple[bool, bool], str], ...] = (
    ("completed", [task("complete", wanted="complete")], (True, True), "completed"),
    ("running", [task("running", wanted="complete")], (False, False), "0/1"),
    ("failed", [task("failed", wanted="shutdown", error="no")], (True, False), "failed: no"),
    ("failed, and nothing is decided yet", [task("failed", wanted="complete", error="no")], (False, False), "0/1"),
    ("tried again", [task("failed", wanted="shutdown", error="no"), task("preparing", wanted="complete")],
     (False, False), "0/1"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("service", "tasks", "more", "expected", "said"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_readiness(
    service: dict[str, Any], tasks: list[dict[str, Any]], more: dict[str, Any], expected: tuple[bool, bool], said: str
) -> None:
    *found, message = state_of(service, tasks, **more)
    assert tuple(found) == expected
    assert said in message


def test_a_job_that_runs_again_is_not_completed_by_its_first_run() -> None:
    first = {**task("complete", wanted="complete"), "JobIteration": {}}
    again = {**JOB, "JobStatus": {"JobIteration": {"Index": 1}}}
    assert tasks_of({**JOB, "JobStatus": {"JobIteration": {}}}, [first]).complete == 1
    assert tasks_of(again, [first]).complete == 0
    second = {**task("complete", wanted="complete"), "JobIteration": {"Index": 1}}
    assert tasks_of(again, [first, second]).complete == 1


def test_a_job_whose_node_is_down_is_not_waited_for() -> None:
    tasks = [task("running", wanted="complete", node="b")]
    assert not readiness("completed", JOB, tasks_of(JOB, tasks, [node("a"), node("b")]), steady_for=0).done
    answer = readiness("completed", JOB, tasks_of(JOB, tasks, [node("a"), node("b", DOWN)]), steady_for=0)
    assert (answer.done, answer.ok) == (True, False)
    assert "on a node that is down" in answer.message
    # Another one that follows elsewhere is waited for.
    more = [*tasks, task("preparing", wanted="complete", node="a")]
    assert not readiness("completed", JOB, tasks_of(JOB, more, [node("a"), node("b", DOWN)]), steady_for=0).done


@pytest.mark.parametrize(("tasks", "expected", "said"), [case[1:] for case in JOBS], ids=[case[0] for case in JOBS])
def test_jobs(tasks: list[dict[str, Any]], expected: tuple[bool, bool], said: str) -> None:
    *found, message = state_of(JOB, tasks, "completed")
    assert tuple(found) == expected
    assert said in message


ONE = {"Replicated": {"Replicas": 1}}


class Looks:
    """A service and its tasks as a manager tells them, one look after the other; the last look stays."""

    def __init__(self, *looks: tuple[dict[str, Any], list[dict[str, Any]]]) -> None:
        self._looks = list(looks)
        self._now = looks[0]

    def inspect(self, kind: str, identity: str) -> dict[str, Any]:
        self._now = self._looks.pop(0) if len(self._looks) > 1 else self._looks[0]
        return self._now[0]

    def list(self, kind: str, filters: dict[str, Any]) -> list[dict[str, Any]]:
        return []

    def tasks(self, identity: str, *, current: bool = False) -> list[dict[str, Any]]:
        return self._now[1]

    def logs(self, identity: str, **how: Any) -> list[bytes]:
        return []


class Speaking(Looks):
    """Whose tasks and containers of this node can be asked, too. `words` are those of each task, by its id."""

    def __init__(self, service: dict[str, Any], tasks: list[dict[str, Any]], words: dict[str, str]) -> None:
        super().__init__((service, tasks))
        self._words = words

    def inspect(self, kind: str, identity: str) -> dict[str, Any]:
        return (
            {"State": {"OOMKilled": identity == "starved"}} if kind == "container" else super().inspect(kind, identity)
        )

    def logs(self, identity: str, **how: Any) -> list[bytes]:
        assert how["kind"] == "task"
        return [f"{line}\n".encode() for line in self._words.get(identity, "").splitlines()]


def ended(name: str, version: str, at: int, error: str = "task: non-zero exit (9)", **status: Any) -> dict[str, Any]:
    found = task("failed", wanted="shutdown", error=error, name=name)
    said = {**found["Status"], "ContainerStatus": {"ContainerID": name, "ExitCode": 9, **status}}
    spec = {"ContainerSpec": {"Args": [version]}, "Runtime": "container"}
    return {**found, "Spec": spec, "CreatedAt": f"2026-01-31T18:04:{at:02d}.5Z", "Status": said}


def evidence(update: str, now: str, *tasks: dict[str, Any], **words: str) -> list[str]:
    """What is told of a service of which the Swarm says that its update, begun at second 10, went so."""
    service = live(ONE, update, TaskTemplate={"ContainerSpec": {"Args": [now]}})
    service["UpdateStatus"]["StartedAt"] = "2026-01-31T18:04:10Z"
    found = Speaking(service, list(tasks), words)
    with pytest.raises((StepFailed, NotConverged)) as failed:
        wait_service(
            cast("EngineReader", found), "web", WaitForService(Goal.READY, 60.0), clock=Patient(),
            progress=lambda text: None, stopped=lambda: False,
        )  # fmt: skip
    return list(failed.value.evidence)


def test_the_evidence_of_an_update_is_of_the_version_that_failed() -> None:
    before = [ended("long-ago", "other", 1, "No such container: x"), ended("old", "one", 2)]
    tried = [ended("first", "two", 11), ended("second", "two", 12)]
    back = ended("back", "one", 13)
    expected = ["replica 1 (task second) and 1 more: non-zero exit (9)", "no file"]
    words = {"old": "tick 1", "back": "tick 2", "first": "no file", "second": "no file", "long-ago": "tick 0"}
    assert evidence("rollback_completed", "one", *before, *tried, back, **words) == expected
    assert evidence("paused", "two", *before, *tried, **words) == expected


def test_ends_of_several_kinds_are_told_apart_and_want_of_memory_is_named() -> None:
    tasks = [
        ended("first", "two", 11, "starting container failed: no such program", ContainerID=""),
        ended("mute", "two", 13), ended("said", "two", 12),
        ended("starved", "two", 14, "task: non-zero exit (137)", ExitCode=137),
    ]  # fmt: skip
    assert evidence("paused", "two", *tasks, said="no file", starved="eating") == [
        "replica 1 (task first): starting container failed: no such program (exit code 9)",
        "replica 1 (task said) and 1 more: non-zero exit (9)", "no file",
        "replica 1 (task starved): non-zero exit (137), killed for want of memory", "eating",
    ]  # fmt: skip


def lived(state: str, began: int, came: int, *, slot: int = 1) -> dict[str, Any]:
    """A task that was made at a second, and came into its state at another one."""
    found = task(state, slot=slot)

    def at(second: int) -> str:
        return f"2026-01-31T18:{4 + second // 60:02d}:{second % 60:02d}Z"

    return {**found, "CreatedAt": at(began), "Status": {**found["Status"], "Timestamp": at(came)}}


LOOPS: tuple[tuple[str, list[dict[str, Any]], bool], ...] = (
    ("a loop", [lived("failed", 90, 92), lived("failed", 92, 95), lived("running", 95, 98)], True),
    ("its first end", [lived("failed", 90, 95), lived("running", 95, 96)], True),
    ("a slow loop", [lived("failed", 40, 60), lived("complete", 60, 80), lived("running", 80, 82)], True),
    ("recovered", [lived("failed", 60, 62), lived("failed", 62, 64), lived("running", 64, 66)], False),
    ("ran for long before", [lived("failed", 0, 90), lived("running", 90, 92)], False),
    ("another replica's end", [lived("failed", 60, 90, slot=2), lived("running", 98, 99)], False),
    ("long ago", [lived("failed", 10, 20), lived("running", 20, 96)], False),
)  # fmt: skip


@pytest.mark.parametrize(("tasks", "ends"), [case[1:] for case in LOOPS], ids=[case[0] for case in LOOPS])
def test_a_loop_is_told_from_a_recovery(tasks: list[dict[str, Any]], ends: bool) -> None:
    """Now is second 100."""
    assert keeps_ending(tasks, "2026-01-31T18:05:40Z") is ends


def waited(*looks: tuple[dict[str, Any], list[dict[str, Any]]], **more: Any) -> float:
    """Wait for a service of which so much is seen; for how long it was waited (seconds)."""
    clock = Patient()
    wait_service(
        cast("EngineReader", Looks(*looks)), "web", WaitForService(Goal.READY, 60.0, **more), clock=clock,
        progress=lambda text: None, stopped=lambda: False,
    )  # fmt: skip
    return clock.now()


OLD = [task("failed", wanted="shutdown", error="no", name="old")]


def test_what_failed_in_an_attempt_before_is_not_held_against_the_same_spec_sent_again() -> None:
    """Swarm counts it to the current spec, and begins with the update a moment after it was sent."""
    sent, begun = live(ONE), live(ONE, update="updating")
    new = [*OLD, task("failed", wanted="shutdown", error="no", name="new")]
    with pytest.raises(NotConverged, match="Swarm rolled it back"):
        waited((sent, OLD), (sent, OLD), (begun, OLD), (begun, new), (live(ONE, update="rollback_completed"), TWO))
    waited((sent, OLD), (begun, OLD), (live(ONE, update="completed"), [*OLD, task("running", name="new")]))


def test_what_ended_for_good_is_told_where_nothing_follows() -> None:
    """At once where this apply has sent nothing, and a moment later where it has."""
    for updated in (True, False):
        with pytest.raises(StepFailed, match="lets none follow"):
            waited((live(ONE), OLD), updated=updated)


def test_what_finished_in_an_attempt_before_does_not_stand_for_this_one() -> None:
    old = [task("complete", wanted="shutdown", name="old")]
    paused = live(ONE, update="paused")
    with pytest.raises(StepFailed, match="is paused"):
        waited((live(ONE), old), (live(ONE), old), (paused, [*old, *OLD]), may_finish="declared")
    assert waited((live(ONE), []), (live(ONE), old), may_finish="declared") < 2
