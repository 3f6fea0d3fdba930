"""`run` on a Swarm: a service that is a job with one task. Its output is followed, then it is removed."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from provisioner.app.wiring import SystemClock
from provisioner.engines.terminal import Frames, is_input_piped, write
from provisioner.errors import Interrupted, ProvisionError, StepFailed
from provisioner.model.event import Notice
from provisioner.reconcile.poll import Pending, poll
from provisioner.reconcile.swarm_tasks import error_of, state_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioner.app.one_off import MadeOnce, RunOptions
    from provisioner.playbook.one_off import OneOff
    from provisioner.ports import EngineOperator, Interrupt, Listener

    Task = Mapping[str, Any]

SEPARATOR = "_"
# What the task waits for is told until it runs.
IS_SHOWN = True
_POLL = 0.2
# Seconds after which it is told why the task does not run yet.
_PATIENCE = 2.0
# Seconds in which a node takes away the container of a task whose service is gone.
_RELEASE = 20.0
_ENDED = ("complete", "failed", "rejected", "orphaned", "shutdown", "remove")


def possible(run: OneOff, options: RunOptions, listener: Listener) -> OneOff:
    """The run as it can be had: without input, unless that is a terminal's. The listener is told what can not be."""
    if run.stdin and not run.tty:
        # A task's input can not be reached: one that is open would be waited for without end.
        run = replace(run, stdin=False)
        if is_input_piped():
            listener(Notice("a Swarm gives a task no input: what is piped in is not read"))
    if options.detach and options.remove:
        listener(Notice("a Swarm removes no service by itself: --rm of what is detached waits for `down`"))
    return run


def carry_out(made: MadeOnce, listener: Listener, interrupt: Interrupt) -> int:
    """Make the service, follow its one task and return that one's exit code; 0 at once where it is detached.

    StepFailed where no node takes the task. Interrupted, the service is removed.
    """
    engine, run, options = made.engine, made.run, made.options
    with interrupt.deferred():
        seen: dict[str, Task] = {}
        identity = made.create(engine)
        keep = False
        try:
            if options.detach:
                keep = True
                made.tell(identity)
                return 0
            task = _wait(engine, identity, listener, interrupt, seen, until=("running", *_ENDED))
            if run.tty and task is not None:
                _join(engine, task, run, interrupt)
            elif task is not None:
                _follow(engine, identity, interrupt, seen)
            task = _wait(engine, identity, listener, interrupt, seen, until=_ENDED)
            _tell_attempts(seen, listener)
            keep = not options.remove and not interrupt.is_set()
        finally:
            if not keep:
                _remove(engine, identity, listener)
    if interrupt.is_set() or task is None:
        raise Interrupted(f"interrupted; the service {made.name} of this run is removed")
    return _exit_code(task)


def _remove(engine: EngineOperator, identity: str, listener: Listener) -> None:
    """Remove the service, and wait until the containers of its tasks are gone from this node; say which are not."""
    tasks = engine.tasks(identity)
    containers = {((task.get("Status") or {}).get("ContainerStatus") or {}).get("ContainerID") for task in tasks}
    engine.remove("service", identity)
    present = Pending(
        lambda: [each for each in containers if each and engine.inspect("container", str(each)) is not None], gap=_POLL
    )
    poll(present, _RELEASE, clock=SystemClock(), progress=lambda text: None, stopped=lambda: False)
    for container in present.left:
        listener(Notice(f"the service of this run is removed; its container {container} is still on this node"))


def _newest(engine: EngineOperator, identity: str, seen: dict[str, Task]) -> Task | None:
    """The last task of the service; each as it is now is put into `seen`, by its id."""
    tasks = engine.tasks(identity)
    seen.update({str(task["ID"]): task for task in tasks})
    return max(tasks, key=_created, default=None)


def _wait(
    engine: EngineOperator,
    identity: str,
    listener: Listener,
    interrupt: Interrupt,
    seen: dict[str, Task],
    *,
    until: tuple[str, ...],
) -> Task | None:
    """The task once it is in one of the states; None when the user asks for the end before."""
    clock = SystemClock()
    began, task = clock.now(), None

    def look() -> list[str]:
        nonlocal task
        task = _newest(engine, identity, seen)
        if task is None:
            return ["no task yet"]
        return [] if state_of(task) in until else [error_of(task)]

    def waiting_text(reasons: Sequence[str]) -> str:
        waits = clock.now() - began > _PATIENCE and state_of(task or {}) != "running"
        return f"waits for a node: {reasons[0]}" if waits else ""

    missing = Pending(look, gap=_POLL, describe=waiting_text)
    poll(
        missing, float("inf"), clock=clock, progress=lambda text: listener(Notice(text)) if text else None,
        stopped=interrupt.is_set,
    )  # fmt: skip
    return None if missing.left else task


def _tell_attempts(seen: Mapping[str, Task], listener: Listener) -> None:
    """Say it where the Swarm began the command again, though it is to run once."""
    before = sorted(seen.values(), key=_created)[:-1]
    if before:
        ended = "; ".join(f"{state_of(task)}: {error_of(task)}" for task in before)
        listener(
            Notice(
                f"the Swarm began this command {len(seen)} times (before, {ended}): "
                "what it changes may have been changed more than once"
            )
        )


def _created(task: Task) -> str:
    return str(task.get("CreatedAt"))


def _join(engine: EngineOperator, task: Task, run: OneOff, interrupt: Interrupt) -> None:
    """Join the terminal of the task's container, which is on this node."""
    container = str(((task.get("Status") or {}).get("ContainerStatus") or {}).get("ContainerID") or "")
    if engine.inspect("container", container) is None:
        raise ProvisionError(
            "the task of this run is on another node, and its terminal can not be had from here",
            hint="-T runs it without a terminal",
        )
    engine.attach(container, tty=True, stdin=run.stdin, logs=True, stopped=interrupt.is_set)


def _follow(engine: EngineOperator, identity: str, interrupt: Interrupt, seen: dict[str, Task]) -> None:
    """Write what the task says as it says it, until it has ended; then what the follower has not been given.

    OSError where it can not be written here.
    """
    written: Counter[int] = Counter()
    over, writing = threading.Event(), threading.Lock()
    unwritten: list[OSError] = []

    def read() -> None:
        frames = Frames()
        try:
            for chunk in engine.log_chunks("service", identity, follow=True):
                for descriptor, data in frames.feed(chunk):
                    with writing:
                        if over.is_set():
                            return
                        written[descriptor] += len(data)
                        write(descriptor, data)
        except ProvisionError:
            # Whatever the follower misses is read when the task has ended.
            return
        except OSError as error:
            unwritten.append(error)

    # A follower of a service's output never ends by itself: another task could come.
    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    while not interrupt.wait(_POLL):
        task = _newest(engine, identity, seen)
        if unwritten or task is None or state_of(task) in _ENDED:
            break
    # What the follower writes now is counted, or not written.
    with writing:
        over.set()
    if unwritten:
        raise unwritten[0]
    if interrupt.is_set():
        return
    skipped: Counter[int] = Counter()
    frames = Frames()
    for chunk in engine.log_chunks("service", identity, follow=False):
        for descriptor, data in frames.feed(chunk):
            known = min(len(data), written[descriptor] - skipped[descriptor])
            skipped[descriptor] += known
            write(descriptor, data[known:])


def _exit_code(task: Task) -> int:
    status = task.get("Status") or {}
    code = int((status.get("ContainerStatus") or {}).get("ExitCode") or 0)
    if state_of(task) != "complete" and code == 0:
        raise StepFailed(f"the task of this run did not run: {error_of(task)}")
    return code
