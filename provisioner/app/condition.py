"""How an object is doing: what it does, and what is wrong with it, in its own last words. One answer for both modes."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from provisioner.app.intentions import purpose_of, scaled_on_purpose
from provisioner.errors import ProvisionError
from provisioner.kinds.values import moment
from provisioner.kinds.volume import is_dated
from provisioner.model.dataclass import dataclass
from provisioner.reconcile.finished import FINISHED, has_finished
from provisioner.reconcile.swarm_tasks import BROKEN, state_of, tasks_of
from provisioner.reconcile.task_words import Words, end_of, newest_first, spoken

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from provisioner.app.prepared import Prepared
    from provisioner.model.address import Address
    from provisioner.model.edges import EngineJson
    from provisioner.model.state import Observed, Resource, Runtime
    from provisioner.ports import EngineReader
COMPLETED = "completed"
# A container that was restarted more recently than this many seconds is taken for one that goes on crashing.
_RECENT = 60.0
_ENDED = ("exited", "dead")
_OF_A_SWARM = "overlay"
_ALIVE = ("running", "paused")
_KEPT_RESULTS = 3
# Lines of a container among which those of the run before are looked for.
_SEARCHED = 200
# Containers of tasks that are asked for results of their health check.
_LOOKED_AT = 4


@dataclass(frozen=True, slots=True)
class HealthResult:
    """One run of a health check (ContainerInspect.State.Health.Log). `ended` is RFC 3339."""

    ended: str
    exit_code: int
    output: str


@dataclass(frozen=True, slots=True)
class Condition:
    """`state` is the engine's word (`running`, `exited`), `completed` or `finished` for what has done its work, and
    `2/3 running` for a Swarm service; `health` is empty without a health check.

    `trouble` says what is wrong, empty where all is well; `purpose` who wants it as it is, where somebody does.
    Times are RFC 3339; `exit_code` is None for what runs.
    """

    state: str
    health: str = ""
    exit_code: int | None = None
    restarts: int = 0
    started_at: str = ""
    finished_at: str = ""
    trouble: str = ""
    purpose: str = ""

    @property
    def since(self) -> str:
        """Since when it is in this state."""
        return self.finished_at if self.exit_code is not None else self.started_at


def condition_of(existing: Observed, wanted: Resource | None, engine: EngineReader) -> Condition:
    """How an object that is there is doing. `wanted` is None for one that is declared no more."""
    if existing.runtime is not None:
        return _of_container(existing.runtime, existing, wanted, datetime.now(UTC))
    if existing.kind == "service":
        return _of_service(existing, wanted, engine)
    if existing.kind == "network":
        # A node tells of one of a Swarm when it last began to take part in it.
        dated = existing.spec.get("driver") != _OF_A_SWARM
    else:
        dated = existing.kind != "volume" or is_dated(engine.facts().api_version)
    return Condition("present", started_at=existing.created if dated else "")


def with_purpose(condition: Condition, address: Address, existing: Observed, prepared: Prepared) -> Condition:
    """The condition of what somebody stopped or paused is no trouble; who scaled what runs is said of it too."""
    ledger = prepared.ledger
    # What has done its work has ended by itself.
    purpose = "" if condition.state in (COMPLETED, FINISHED) else purpose_of(address, existing, ledger)
    if purpose:
        return replace(condition, trouble="", purpose=purpose)
    scaled = scaled_on_purpose(address.name, prepared.playbook, ledger) if address.kind == "service" else ""
    return replace(condition, purpose=scaled)


def with_last_words(
    condition: Condition, existing: Observed, engine: EngineReader, mask: Callable[[str], str]
) -> Condition:
    """The condition whose trouble ends with the last thing that the object said; asks the engine where there is any.

    `mask` takes the values of secrets out of it.
    """
    if not condition.trouble or existing.kind not in ("container", "service"):
        return condition
    words = ""
    with suppress(ProvisionError):
        if condition.health == "unhealthy" or existing.kind == "service":
            failed = [result for result in health_results(engine, existing) if result.exit_code]
            words = _last_line(failed[-1].output) or f"exit code {failed[-1].exit_code}" if failed else ""
        words = words or next((_last_line("\n".join(word.lines)) for word in last_words(engine, existing, 3)), "")
    return replace(condition, trouble=f"{condition.trouble}: {mask(words)}") if words else condition


def health_results(engine: EngineReader, existing: Observed) -> tuple[HealthResult, ...]:
    """The last results of a container's health check, oldest first.

    Of a Swarm service those of the newest task on this node that has any: a Swarm ends a task that is not healthy.
    """
    containers = [existing.id] if existing.kind == "container" else []
    if existing.kind == "service":
        containers = _containers_of_tasks(engine.tasks(existing.id, current=True))
    for identity in containers:
        raw = engine.inspect("container", identity)
        log = (((raw or {}).get("State") or {}).get("Health") or {}).get("Log") or ()
        if log:
            return tuple(
                HealthResult(
                    str(entry.get("End") or ""), int(entry.get("ExitCode") or 0), str(entry.get("Output") or "").strip()
                )
                for entry in log[-_KEPT_RESULTS:]
            )
    return ()


def _containers_of_tasks(tasks: Sequence[EngineJson]) -> list[str]:
    """The ids of the containers of the newest tasks; one that is starting has none, or nothing to tell yet."""
    newest = sorted(tasks, key=lambda task: str(task["Status"].get("Timestamp") or ""), reverse=True)
    identities = [str((task["Status"].get("ContainerStatus") or {}).get("ContainerID") or "") for task in newest]
    return [identity for identity in identities if identity][:_LOOKED_AT]


def last_words(engine: EngineReader, existing: Observed, count: int) -> tuple[Words, ...]:
    """The last lines that a container wrote, or tasks of a service, each by itself; who failed speaks first.

    Of a container that was begun again a moment ago they are those before its end.
    """
    if existing.kind == "service":
        return spoken(engine, (existing.base or {}).get("TaskTemplate") or {}, engine.tasks(existing.id), count)
    state = existing.runtime
    again = state is not None and state.restarts and state.status == "running" and _is_recent(state, datetime.now(UTC))
    ended, began = (
        (moment(state.finished_at), moment(state.started_at)) if state is not None and again else (None, None)
    )
    if ended is None or began is None:
        lines = [line.decode(errors="replace").rstrip() for line in engine.logs(existing.id, tail=count)]
        return (Words("", tuple(lines)),) if lines else ()
    stamped = (
        line.decode(errors="replace").rstrip() for line in engine.logs(existing.id, tail=_SEARCHED, timestamps=True)
    )
    parted = [line.partition(" ") for line in stamped]
    # A process may write before its engine says that it was started, and be heard after it says that it has ended.
    between = ended + (began - ended) / 2
    before = [text for stamp, _, text in parted if (then := moment(stamp)) is not None and then < between]
    return (Words("", tuple(before[-count:])),) if before else ()


def _of_container(state: Runtime, existing: Observed, wanted: Resource | None, now: datetime) -> Condition:
    ended = state.status in _ENDED
    # An engine says "unhealthy" of what was stopped; a check tells nothing of what does not run.
    health = state.health if state.status in _ALIVE else ""
    shown = Condition(
        state.status, health, state.exit_code if ended or state.status == "restarting" else None, state.restarts,
        _time(state.started_at), _time(state.finished_at),
    )  # fmt: skip
    if wanted is None:
        return shown
    if ended and state.exit_code == 0 and not state.oom_killed:
        if existing.kind == "service":
            finished = bool(wanted.may_finish)
        else:
            finished = has_finished(state, wanted.may_finish, exposes=bool(existing.container_spec.get("expose")))
        if wanted.job or finished:
            return replace(shown, state=COMPLETED if wanted.job else FINISHED)
    return replace(shown, trouble=_trouble(shown, state, now))


def _trouble(shown: Condition, state: Runtime, now: datetime) -> str:
    if state.oom_killed:
        return "killed for want of memory"
    count = "once" if state.restarts == 1 else f"{state.restarts} times"
    if state.status == "restarting":
        return f"restarted {count}, last exit code {state.exit_code}"
    if shown.exit_code is not None:
        return f"exited with code {state.exit_code}"
    if state.status != "running":
        return f"it is {state.status}" if state.status != "created" else "it was never started"
    if state.health == "unhealthy":
        return "its health check fails"
    began = moment(state.started_at)
    if state.restarts and began is not None and _is_recent(state, now):
        return f"restarted {count}, the last time {int((now - began).total_seconds())} s ago"
    return "its health check has not passed yet" if state.health == "starting" else ""


def _is_recent(state: Runtime, now: datetime) -> bool:
    """Whether a container was started a short time ago."""
    began = moment(state.started_at)
    return began is not None and (now - began).total_seconds() < _RECENT


def _of_service(existing: Observed, wanted: Resource | None, engine: EngineReader) -> Condition:
    """A Swarm service does what the tasks of its present spec do; what it lacks was seen when it was observed."""
    current = engine.tasks(existing.id, current=True)
    tasks = tasks_of({"Spec": existing.base}, current)
    trouble = existing.not_converged_reason if wanted is not None else ""
    why = tasks.pending
    if trouble and not why and (broken := newest_first(task for task in current if state_of(task) in BROKEN)):
        why = end_of(engine, broken[0])
    if trouble and why and why not in trouble:
        trouble = f"{trouble}, {why}"
    # All of them run since the newest does: a Swarm tells when a task came into its state.
    since = max((str(task["Status"].get("Timestamp") or "") for task in current if _runs(task)), default="")
    return Condition(
        f"{tasks.running}/{tasks.wanted} running", started_at=since, restarts=tasks.failed, trouble=trouble
    )


def _runs(task: EngineJson) -> bool:
    return state_of(task) == "running" and task.get("DesiredState") == "running"


def _time(text: str) -> str:
    """An RFC 3339 time; empty for the engine's word for never."""
    return "" if text.startswith("0001-") else text


def _last_line(text: str) -> str:
    lines: Sequence[str] = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
