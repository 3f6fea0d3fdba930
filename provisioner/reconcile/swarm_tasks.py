"""What a Swarm service's tasks and nodes say of it: how many run, what went wrong, whether it has converged. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from provisioner.kinds.swarm_scheduling import decode_placement
from provisioner.kinds.values import moment
from provisioner.model.dataclass import dataclass
from provisioner.model.operation import Goal
from provisioner.model.report import Readiness
from provisioner.reconcile.finished import FINISHED
from provisioner.reconcile.placement import Requirements, obstacles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.model.edges import EngineJson
# All tasks must have run this long, side by side, before a service counts as converged (seconds).
STABLE = 1.0
# And this long where tasks were seen to end: on a busy node one that ends at once seems to run for a while.
PROVEN = 5.0
# A service is given up once the tasks of one replica have ended this often while it was waited for.
MOST_FAILURES = 3
BROKEN = ("failed", "rejected", "orphaned")
# What an update does that goes on by itself.
UNDER_WAY = {"updating": "its update is under way", "rollback_started": "it is being rolled back"}
# A service that needs no change, and whose tasks end and follow each other.
RESTARTING = "its tasks end and start again"
# A task that was made more recently (seconds) may be the next of those that end again and again.
_YOUNG = 60.0
_WANTED = ("running", "ready", "accepted", "complete")


@dataclass(frozen=True, slots=True)
class Tasks:
    """The tasks of a service's current spec.

    `live` are those that run or may still come to run, and those that have ended and on which Swarm has yet to decide
    whether another follows. `errors` are the tasks' own and their nodes' words, newest last; `lost` are tasks that
    count for nothing, as their node is down. `runners` are the ids of those that run, `over` of those that have ended
    by themselves, and `again` is how many of the latter one replica had since the wait began. `finished` counts the
    replicas that had a task which ended with exit code 0, `exit_code` is one of those that did not.
    """

    wanted: int
    running: int
    complete: int
    failed: int
    errors: tuple[str, ...]
    pending: str = ""
    live: int = 0
    lost: int = 0
    runners: frozenset[str] = frozenset()
    over: frozenset[str] = frozenset()
    again: int = 0
    finished: int = 0
    exit_code: int = 0

    def up(self, *, may_finish: bool) -> int:
        """How many replicas do what they are for; where they may finish, those that ended with exit code 0 did."""
        return min(self.wanted, self.running + self.finished) if may_finish else self.running


def tasks_of(
    service: EngineJson,
    tasks: Sequence[EngineJson],
    nodes: Sequence[EngineJson] = (),
    before: frozenset[str] = frozenset(),
) -> Tasks:
    """Count the tasks of the current spec. `nodes` are all of the Swarm's: one that is down runs nothing, whatever its
    tasks say, and a global service wants a task on each that can run it. `before` are the tasks that were over already.
    """
    mode = service["Spec"].get("Mode") or {}
    if service.get("JobStatus"):
        # The first run has the number 0, which is left out.
        iteration = (service["JobStatus"].get("JobIteration") or {}).get("Index", 0)
        tasks = [t for t in tasks if (t.get("JobIteration") or {}).get("Index", 0) == iteration]
    down = down_nodes(nodes)
    reachable = [t for t in tasks if t.get("NodeID") not in down]
    active = [t for t in reachable if t.get("DesiredState") in _WANTED]
    broken = [t for t in tasks if state_of(t) in BROKEN]
    over = [t for t in tasks if state_of(t) in (*BROKEN, "complete")]
    # A replica is a slot, or a node's share of a global service.
    replicas = Counter(t.get("Slot") or t.get("NodeID") for t in over if t.get("ID") not in before)
    runners = [t for t in active if state_of(t) == "running"]
    waiting = [t["Status"] for t in active if state_of(t) == "pending"]
    if "Replicated" in mode:
        wanted = int(mode["Replicated"].get("Replicas", 1))
    elif "ReplicatedJob" in mode:
        wanted = int(mode["ReplicatedJob"].get("TotalCompletions", 1))
    elif nodes:
        able = obstacles(Requirements(decode_placement(dict(service["Spec"]))), nodes)
        wanted = sum(1 for why in able.values() if not why)
    else:
        wanted = len({t.get("NodeID") for t in active if t.get("NodeID")})
    return Tasks(
        wanted=wanted,
        running=len(runners),
        finished=len({t.get("Slot") or t.get("NodeID") for t in over if state_of(t) == "complete"}),
        complete=sum(1 for t in tasks if state_of(t) == "complete"),
        failed=len(broken),
        errors=tuple(dict.fromkeys(error_of(t) for t in sorted(broken, key=lambda t: str(t.get("UpdatedAt"))))),
        pending=str(waiting[0].get("Err") or waiting[0].get("Message") or "") if waiting else "",
        # Swarm takes a task that has ended out of those it wants in the same moment in which another follows.
        live=sum(1 for t in active if not state_of(t) == t.get("DesiredState") == "complete"),
        lost=sum(1 for t in tasks if t.get("NodeID") in down and t.get("DesiredState") in _WANTED),
        runners=frozenset(str(t.get("ID")) for t in runners),
        over=frozenset(str(t.get("ID")) for t in over),
        again=max(replicas.values(), default=0),
        exit_code=next((code for t in reversed(broken) if (code := _exit_code(t))), 0),
    )


def has_young(tasks: Sequence[EngineJson], now: str) -> bool:
    """Whether one of the tasks was made a short time ago. `now` is the engine's time (RFC 3339)."""
    return any(_ago(task.get("CreatedAt"), now) < _YOUNG for task in tasks)


def keeps_ending(tasks: Sequence[EngineJson], now: str) -> bool:
    """Whether tasks of a service end and follow each other: one replica's ended a short time ago, and the one that
    follows has not run for longer yet than those before it did. `tasks` are those of its present spec.
    """
    for replica in {_replica(task) for task in tasks}:
        mine = [task for task in tasks if _replica(task) == replica]
        over = [task for task in mine if state_of(task) in (*BROKEN, "complete") and _since(task, now) < _YOUNG]
        lived = [_ago(task.get("CreatedAt"), now) - _since(task, now) for task in over]
        # What ran for long before it ended recovers: that is no loop.
        monitored_s = max([PROVEN, *(2 * seconds for seconds in lived if seconds < _YOUNG)])
        if over and any(_since(task, now) < monitored_s for task in mine if state_of(task) == "running"):
            return True
    return False


def _replica(task: EngineJson) -> Any:
    """A slot, or a node's share of a service that runs on every node."""
    return task.get("Slot") or task.get("NodeID")


def _since(task: EngineJson, now: str) -> float:
    """For how long a task is in its state (seconds)."""
    return _ago((task.get("Status") or {}).get("Timestamp"), now)


def _ago(then: Any, now: str) -> float:
    """Seconds from a time to now; endless where either is not known."""
    before, after = moment(then), moment(now)
    return (after - before).total_seconds() if before is not None and after is not None else float("inf")


def down_nodes(nodes: Sequence[EngineJson]) -> frozenset[str]:
    """The ids of the nodes that do not answer."""
    return frozenset(str(n["ID"]) for n in nodes if (n.get("Status") or {}).get("State") in ("down", "disconnected"))


def state_of(task: EngineJson) -> str:
    """Status.State of a task, such as `running`; empty for none."""
    return str((task.get("Status") or {}).get("State") or "")


def _exit_code(task: EngineJson) -> int:
    return int(((task.get("Status") or {}).get("ContainerStatus") or {}).get("ExitCode") or 0)


def error_of(task: EngineJson) -> str:
    """What went wrong with a task, in its own words."""
    status = task.get("Status") or {}
    code = (status.get("ContainerStatus") or {}).get("ExitCode")
    text = str(status.get("Err") or status.get("Message") or status.get("State"))
    return f"{text} (exit code {code})" if code and f"({code})" not in text else text


def not_converged_reason(service: EngineJson, tasks: Tasks, *, may_finish: bool = False) -> str:
    """Why a service that is as declared does not do what it should yet; empty where it does."""
    state = str((service.get("UpdateStatus") or {}).get("State") or "")
    if state in UNDER_WAY:
        return UNDER_WAY[state]
    if tasks.up(may_finish=may_finish) < tasks.wanted:
        return f"{tasks.running} of {tasks.wanted} tasks run"
    return ""


def readiness(
    goal: Goal,
    service: EngineJson,
    tasks: Tasks,
    *,
    steady_for: float,
    updated: bool = True,
    enough: float = STABLE,
    may_finish: bool = False,
    attempt_is_over: bool = True,
) -> Readiness:
    """Whether a service has converged, or its job completed.

    `steady_for`: since when all tasks run, the same ones (seconds). `updated` is false where this apply has changed
    nothing of the service: how an earlier update ended is not its matter. `enough` is how long all have to run, or
    to have finished where they may. `attempt_is_over` is false while what has ended may all be of an attempt before,
    with the same spec, and Swarm may not have begun with this one.
    """
    update = service.get("UpdateStatus") or {}
    state = str(update.get("State") or "")
    if updated and state == "rollback_completed":
        why = str(update.get("Message") or "")
        # It may say no more than that.
        why = "" if why == "rollback completed" else f": {why}"
        return Readiness(True, False, f"the update failed and Swarm rolled it back{why}")
    if updated and state == "rollback_paused":
        return Readiness(
            True, False, f"the update failed, and so did going back, which is paused: {update.get('Message')}"
        )
    if updated and state == "paused":
        return Readiness(True, False, f"the update failed and is paused: {update.get('Message')}")
    if goal == Goal.COMPLETED:
        return _completion(tasks)
    said = f"{tasks.running}/{tasks.wanted} running"
    if tasks.lost:
        said += f", {tasks.lost} on nodes that are down"
    if tasks.pending and tasks.running < tasks.wanted:
        said += f", {tasks.pending}"
    under_way = state in UNDER_WAY
    begun = attempt_is_over or tasks.again > 0
    may_finish = may_finish and begun
    up = tasks.up(may_finish=may_finish)
    if may_finish and tasks.finished:
        said += f", {tasks.finished} {FINISHED}"
    all_finished = may_finish and tasks.finished >= tasks.wanted
    if not under_way and up >= tasks.wanted and (steady_for >= enough or all_finished):
        return Readiness(True, True, said)
    if not under_way and up < tasks.wanted and not tasks.lost:
        bad_end = _bad_end(tasks, begun=begun)
        if bad_end:
            return Readiness(True, False, bad_end)
    if tasks.over and tasks.running < tasks.wanted:
        said += f", one ended: {tasks.errors[-1] if tasks.errors else 'exit code 0'}"
    return Readiness(False, False, f"{state if under_way else 'starting'}, {said}")


def stranded(tasks: Tasks) -> bool:
    """Whether a job can not be completed, as what is left of it is on nodes that are down."""
    return bool(tasks.lost) and not tasks.live and tasks.complete < tasks.wanted


def _completion(tasks: Tasks) -> Readiness:
    if tasks.complete >= tasks.wanted:
        return Readiness(True, True, "completed")
    if stranded(tasks):
        return Readiness(
            True, False, "its task is on a node that is down, and Swarm starts no job anew; the next apply does"
        )
    if tasks.failed and not tasks.live:
        return Readiness(True, False, f"the job failed: {tasks.errors[-1]}")
    said = f"{tasks.complete}/{tasks.wanted} complete"
    return Readiness(False, False, f"{said}, {tasks.pending}" if tasks.pending else said)


def _bad_end(tasks: Tasks, *, begun: bool) -> str:
    """Why a service that is not converging never will; empty while it still may."""
    by_itself = "its process ends by itself (exit code 0); a one-shot says `job: {run: on_change}`"
    if tasks.again >= MOST_FAILURES:
        return f"its tasks fail again and again: {tasks.errors[-1]}" if tasks.errors else by_itself
    if begun and tasks.over and not tasks.live:
        # The restart policy lets no other task follow.
        return (
            f"its task failed, and its restart policy lets none follow: {tasks.errors[-1]}"
            if tasks.errors
            else by_itself
        )
    return ""
