"""Carries out a plan: runs what is ready on a few threads, stops starting after a failure, decides nothing."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from heapq import heappop, heappush, nsmallest
from typing import TYPE_CHECKING

from provisioner.errors import Interrupted, LeaseHeld, ProvisionError, Unreachable
from provisioner.model.event import Begun, Finished, Progress, Started
from provisioner.model.plan import Verb
from provisioner.model.report import Outcome, Report, StepResult
from provisioner.reconcile.completion import steps_to_finish

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from provisioner.model.event import Event
    from provisioner.model.plan import Plan, Step
    from provisioner.ports import Clock, Flag, Listener

    # Makes the one call of a step. Gets the results of earlier steps by step id, returns its own (an id, or nothing).
    Call = Callable[[Step, Mapping[int, str], Callable[[str], None], Callable[[], bool]], str]


# After these nothing can or may be changed any more: the engine is lost, or somebody else holds the lease.
_FINAL = (Unreachable, LeaseHeld)
# Each asks the engine a few times in a second.
_MOST_WAITS = 128


class NeverSet:
    """A flag that nobody sets: for work that an interrupt has asked for."""

    def is_set(self) -> bool:
        return False


def execute(
    plan: Plan,
    call: Call,
    *,
    parallel: int,
    clock: Clock,
    listener: Listener,
    interrupted: Flag,
    keep_going: bool = False,
    purpose: str = "Applying",
) -> Report:
    """Run the steps of a plan along their needs, at most `parallel` mutating calls at a time; waits are not counted.

    After a failure that the plan does not allow nothing new starts, what is in flight ends, and the rest is reported
    as skipped; so it is once `interrupted` is set, but builds and waits are then given up. Either way what was taken
    out of service comes back (`steps_to_finish`), as long as the engine answers and the lease is held.
    After a failure that the plan allows, and after each with `keep_going`, what needs the failed step is skipped, and
    the others go on. `purpose` is what the listener is told that this is for. Never raises for a failed step, nor for a
    listener that fails: the report says it.
    """
    with suppress(Exception):  # a listener that fails is heard of later, when it is told of a step
        listener(Begun(plan, purpose))
    return _Execution(plan, call, parallel, clock, listener, interrupted, keep_going).run()


class _Execution:
    def __init__(
        self,
        plan: Plan,
        call: Call,
        parallel: int,
        clock: Clock,
        listener: Listener,
        interrupted: Flag,
        keep_going: bool,
    ) -> None:
        self._plan = plan
        self._call = call
        self._parallel = max(1, parallel)
        self._clock = clock
        self._listener = listener
        self._interrupted = interrupted
        self._keep_going = keep_going
        self._made: dict[int, str] = {}
        self._results: dict[int, StepResult] = {}
        self._finished: queue.SimpleQueue[StepResult | Event] = queue.SimpleQueue()
        self._failed = threading.Event()
        self._lost = threading.Event()
        self._deaf = False
        # The steps that are made although the run is stopping.
        self._finishing: frozenset[int] = frozenset()
        self._users: dict[int, list[Step]] = {}
        self._waiting: dict[int, set[int]] = {}
        # What can begin, by id: waits apart from the others (a heap), which begin while there is room.
        self._ready_waits: list[int] = []
        self._ready: list[int] = []
        self._busy = 0

    def run(self) -> Report:
        began = self._clock.now()
        steps = self._plan.steps
        by_id = {step.id: step for step in steps}
        self._waiting = {step.id: {*step.needs, *step.after} for step in steps}
        for step in steps:
            for need in self._waiting[step.id]:
                self._users.setdefault(need, []).append(step)
        self._make_ready((identity for identity, needs in self._waiting.items() if not needs), by_id)
        running: set[int] = set()
        # Waits have threads of their own: however many there are, they hold back only what needs them.
        waits = sum(1 for step in steps if step.verb is Verb.WAIT)
        with (
            ThreadPoolExecutor(min(self._parallel, len(steps) or 1)) as workers,
            ThreadPoolExecutor(max(1, min(waits, _MOST_WAITS))) as waiters,
        ):
            while self._ready or self._ready_waits or running:
                self._begin(running, by_id, workers, waiters)
                if not running:
                    break
                message = self._finished.get()
                if not isinstance(message, StepResult):
                    self._tell(message)
                    continue
                self._tell(Finished(message))
                identity = message.step.id
                running.discard(identity)
                self._busy -= message.step.verb is not Verb.WAIT
                self._results[identity] = message
                if message.outcome is Outcome.FAILED and isinstance(message.error, _FINAL):
                    self._lost.set()
                if message.outcome is Outcome.FAILED and not self._allowed(message.step):
                    self._failed.set()
                self._make_ready(self._freed(message), by_id)
        results = tuple(self._results.get(step.id) or self._skipped(step) for step in steps)
        return Report(self._plan, results, self._clock.now() - began, interrupted=self._interrupted.is_set())

    def _allowed(self, failed: Step) -> bool:
        """Whether the run goes on after a failure: the replicas of a service that failed are counted."""
        if self._lost.is_set():
            return False
        if self._keep_going:
            return True
        whole = failed.address.whole
        replicas = {r.step.address for r in self._results.values() if r.outcome is Outcome.FAILED}
        return sum(1 for address in replicas if address.whole == whole) <= failed.max_failures

    def _freed(self, ended: StepResult) -> list[int]:
        """The steps that can begin now that this one has ended; those that needed it to end well are skipped, or, where
        the run is stopping, left."""
        free: list[int] = []
        pending = [ended]
        while pending:
            result = pending.pop()
            for user in self._users.get(result.step.id, []):
                lost = result.outcome is not Outcome.DONE and result.step.id in user.needs
                if user.id in self._results or (lost and self._stopping()):
                    continue
                self._waiting[user.id].discard(result.step.id)
                if lost:
                    self._results[user.id] = StepResult(user, Outcome.SKIPPED, because=_because(ended))
                    pending.append(self._results[user.id])
                elif not self._waiting[user.id]:
                    free.append(user.id)
        return free

    def _stopping(self) -> bool:
        return self._failed.is_set() or self._lost.is_set() or self._interrupted.is_set()

    def _given_up(self, step: Step) -> bool:
        """Whether nobody waits for the end of a build or of a wait any more."""
        return self._lost.is_set() or (self._interrupted.is_set() and step.id not in self._finishing)

    def _permitted(self) -> frozenset[int] | None:
        """The steps that may begin now; None for all of them."""
        if not self._stopping():
            return None
        if self._lost.is_set():
            return frozenset()
        done = [identity for identity, result in self._results.items() if result.outcome is Outcome.DONE]
        lost = self._results.keys() - done
        self._finishing = steps_to_finish(self._plan, done, lost)
        return self._finishing

    def _tell(self, event: Event) -> None:
        """Tell the listener. One that fails is told nothing more: who watches never stops the work."""
        if not self._deaf:
            try:
                self._listener(event)
            except Exception:  # whatever it is, it is not the work's
                self._deaf = True

    def _make_ready(self, identities: Iterable[int], by_id: Mapping[int, Step]) -> None:
        for identity in identities:
            if by_id[identity].verb is Verb.WAIT:
                self._ready_waits.append(identity)
            else:
                heappush(self._ready, identity)

    def _begin(
        self, running: set[int], by_id: Mapping[int, Step], workers: ThreadPoolExecutor, waiters: ThreadPoolExecutor
    ) -> None:
        for identity in self._taken():
            step = by_id[identity]
            self._busy += step.verb is not Verb.WAIT
            running.add(identity)
            self._tell(Started(step))
            (waiters if step.verb is Verb.WAIT else workers).submit(self._work, step)

    def _taken(self) -> list[int]:
        """What begins now, taken out of what is ready, in the order of the plan."""
        room = self._parallel - self._busy
        permitted = self._permitted() if self._ready or self._ready_waits else None
        if permitted is None:
            begins, self._ready_waits = self._ready_waits, []
            return sorted([*begins, *(heappop(self._ready) for _ in range(min(room, len(self._ready))))])
        waits = permitted.intersection(self._ready_waits)
        others = nsmallest(room, permitted.intersection(self._ready))
        self._ready_waits = [wait for wait in self._ready_waits if wait not in waits]
        self._ready = sorted(set(self._ready).difference(others))
        return sorted([*waits, *others])

    def _work(self, step: Step) -> None:
        began = self._clock.now()
        error: ProvisionError | None = None
        try:
            made = self._call(
                step, self._made, lambda text: self._finished.put(Progress(step, text)), lambda: self._given_up(step)
            )
            if made:
                self._made[step.id] = made
        except Interrupted as given_up:
            self._finished.put(self._ended(step, Outcome.SKIPPED, began, because=given_up.message))
            return
        except ProvisionError as failure:
            error = failure
        except Exception as failure:  # a bug must end the run with a report, not hang the scheduler
            error = ProvisionError(f"unexpected {type(failure).__name__}: {failure}")
        if error is None and step.verb is Verb.WAIT and self._given_up(step):
            self._finished.put(self._ended(step, Outcome.SKIPPED, began, because="no longer waited for"))
            return
        outcome = Outcome.FAILED if error else Outcome.DONE
        self._finished.put(self._ended(step, outcome, began, error))

    def _ended(
        self, step: Step, outcome: Outcome, began: float, error: ProvisionError | None = None, because: str = ""
    ) -> StepResult:
        return StepResult(step, outcome, self._clock.now() - began, error, because, began)

    def _skipped(self, step: Step) -> StepResult:
        failed = next((r for r in self._results.values() if r.outcome is Outcome.FAILED), None)
        return StepResult(step, Outcome.SKIPPED, because=_because(failed) if failed else "interrupted")


def _because(failed: StepResult) -> str:
    return f"{failed.step.address} failed"
