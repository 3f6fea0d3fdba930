"""What is going on while a plan is carried out, object by object: one line when an object is done, whatever steps it
took. Knows nothing of where it is written to: it is given a function that writes, and a clock in seconds.
"""

from __future__ import annotations

import threading
from dataclasses import field
from typing import TYPE_CHECKING, Any

from provisioner.model.change import Action
from provisioner.model.dataclass import dataclass
from provisioner.model.event import Begun, Finished, Notice, Progress, Started
from provisioner.model.plan import Verb
from provisioner.model.report import Outcome
from provisioner.render.paint import PLAIN, Paint, printable
from provisioner.render.progress import LiveRegion, activity, ended
from provisioner.render.values import seconds, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from provisioner.model.address import Address
    from provisioner.model.event import Event
    from provisioner.model.plan import Plan, Step
    from provisioner.model.report import StepResult

_MOST_SHOWN, _MOST_NAMED = 12, 3
# On a wide terminal times would stand too far from what they are of (columns).
_WIDEST = 100
# Without a terminal: an object that takes longer than this is told of, and then again after each minute (seconds).
LONG, AGAIN = 5.0, 60.0


@dataclass(slots=True)
class _Object:
    """One object of a plan while it is worked on. `left` are the ids of its steps that are not over."""

    name: str
    address: Address
    left: set[int]
    running: dict[int, Step] = field(default_factory=dict)
    message: str = ""
    began: float | None = None
    failed: bool = False
    last: Step | None = None
    said_at: float = 0.0


class Board:
    """The objects of the plan that is carried out, and what is to be said of them."""

    def __init__(self, now: Callable[[], float], paint: Paint = PLAIN) -> None:
        self._now = now
        self._paint = paint
        self._begin: float | None = None
        self._plan: Plan | None = None
        self._steps: dict[int, Step] = {}
        self._steps_of: dict[Address, list[Step]] = {}
        self._changes: dict[Address, Any] = {}
        self._objects: dict[Address, _Object] = {}
        self._over: set[int] = set()
        self._width = 0
        self._total = 0
        self._done = 0
        self.purpose = ""

    def take(self, event: Event) -> str:
        """Remember an event; the line that is told for good, without its end; empty for none."""
        self._begin = self._now() if self._begin is None else self._begin
        match event:
            case Begun(plan, purpose):
                self._start(plan, purpose)
            case Started(step):
                item = self._object(step)
                item.running[step.id] = step
                item.began = self._now() if item.began is None else item.began
                item.message = ""
            case Progress(step, message):
                self._object(step).message = printable(message)
            case Finished(result):
                return self._finish(result)
            case Notice(message):
                return printable(message)
        return ""

    @property
    def header(self) -> str:
        """`Applying shop/prod  9/13  8.1s`; empty without a plan."""
        if self._plan is None:
            return ""
        title = f"{self.purpose} {self._plan.title}"
        return f"{title}  {self._done}/{self._total}  {seconds(self._now() - (self._begin or 0.0))}"

    @property
    def width(self) -> int:
        """Letters of the longest name."""
        return self._width

    def running(self) -> list[tuple[str, str, float]]:
        """The objects that are worked on: name, what is being done, for how long (seconds)."""
        return [
            (
                item.name,
                activity(next(reversed(item.running.values())), item.message),
                self._now() - (item.began or 0.0),
            )
            for item in self._objects.values()
            if item.running and not item.failed
        ]

    def waiting(self) -> list[tuple[str, str]]:
        """The objects on which nothing is done now, although something is left, and what they wait for."""
        waits = []
        for item in self._objects.values():
            if item.running or item.failed or not item.left:
                continue
            names = self._awaited(item)
            if names:
                waits.append((item.name, f"waits for {', '.join(names)}"))
        return waits

    def overdue(self) -> list[str]:
        """Lines on objects that take long, each now and then: for where nothing is drawn anew."""
        lines = []
        for item in self._objects.values():
            took = self._now() - item.began if item.began is not None else 0.0
            if item.running and not item.failed and took >= (item.said_at + AGAIN if item.said_at else LONG):
                item.said_at = took
                text = activity(next(reversed(item.running.values())), item.message)
                lines.append(f"{item.name}: {text} (begun {seconds(took)} ago)")
        return lines

    def _start(self, plan: Plan, purpose: str) -> None:
        self._plan, self.purpose = plan, purpose
        self._steps = {step.id: step for step in plan.steps}
        self._over, self._objects, self._done = set(), {}, 0
        self._steps_of = {}
        for step in plan.steps:
            self._steps_of.setdefault(step.address, []).append(step)
        # The first of an address counts.
        self._changes = {change.address: change for change in reversed((*plan.details, *plan.changes))}
        replicas: dict[Address, set[Address]] = {}
        for address in (*(step.address for step in plan.steps), *plan.desired.resources, *plan.observed.resources):
            replicas.setdefault(address.whole, set()).add(address)
        for step in plan.steps:
            indexed = {replica for replica in replicas[step.address.whole] if replica.index}
            name = str(step.address if len(indexed) > 1 else step.address.whole)
            item = self._objects.setdefault(step.address, _Object(name, step.address, set()))
            item.left.add(step.id)
        self._total = len(self._objects)
        self._width = max((len(item.name) for item in self._objects.values()), default=0)

    def _object(self, step: Step) -> _Object:
        """The object of a step; one of its own for a step of no plan, such as the pull of an image by itself."""
        if step.address not in self._objects:
            self._objects[step.address] = _Object(str(step.address), step.address, {step.id})
            self._width = max(self._width, len(str(step.address)))
        return self._objects[step.address]

    def _finish(self, result: StepResult) -> str:
        item, step = self._object(result.step), result.step
        item.running.pop(step.id, None)
        item.left.discard(step.id)
        item.last, item.message = step, ""
        self._over.add(step.id)
        took = seconds(self._now() - item.began if item.began is not None else result.seconds)
        name = item.name.ljust(self._width)
        if result.outcome is Outcome.FAILED:
            item.failed = True
            words = str(result.error).splitlines() if result.error else []
            said = printable(words[0]) if words else f"{step.verb.value} failed"
            return f"{self._paint.red('✘')} {name}  {said}  {self._paint.dim(took)}"
        if item.left or item.failed:
            return ""
        self._done += 1
        if result.outcome is Outcome.SKIPPED:
            because = f" ({printable(result.because)})" if result.because else ""
            return self._paint.dim(f"- {name}  {step.verb.value} skipped{because}")
        return f"{self._paint.green('✔')} {name}  {self._became(item, step)}  {self._paint.dim(took)}"

    def _became(self, item: _Object, last: Step) -> str:
        """What has become of an object, in a word or two: `healthy`, `replaced, healthy`, `built`."""
        steps = self._steps_of.get(item.address) or [last]
        change = self._changes.get(item.address)
        goals = [str(getattr(step.operation, "goal", "")) for step in steps if step.verb is Verb.WAIT]
        state = _reached(goals, has_check=self._has_check(item.address))
        untouched = all(step.verb in (Verb.REMOVE, Verb.WAIT) for step in steps)
        if self.purpose == "Taking back" and (change is None or (untouched and change.action is not Action.DELETE)):
            return "stays; the container beside it is removed"
        if self.purpose == "Taking back" and change is not None and change.action is not Action.DELETE:
            return f"the one before is {'back, ' + state if state else 'back'}"
        if change is not None and change.action is Action.REPLACE and state:
            return f"replaced, {state}"
        if change is not None and change.action is Action.UPDATE and any(step.verb is Verb.UPDATE for step in steps):
            return f"updated, {state}" if state else "updated"
        if change is not None and change.action is Action.DELETE:
            return "removed"
        made = next((step for step in steps if step.verb in (Verb.BUILD, Verb.PULL, Verb.CREATE)), last)
        return state or ended(made)

    def _has_check(self, address: Address) -> bool:
        wanted = self._plan.desired.resources.get(address) if self._plan is not None else None
        check = wanted.workload_spec.get("healthcheck") if wanted is not None else None
        return bool(check) and check != {"test": ["NONE"]}

    def _awaited(self, item: _Object) -> list[str]:
        """The names of the objects whose steps the first step of this one needs."""
        names: dict[str, None] = {}
        for identity in sorted(item.left):
            step = self._steps.get(identity)
            for need in (*step.needs, *step.after) if step is not None else ():
                other = self._steps.get(need)
                if need not in self._over and other is not None and other.address != item.address:
                    names[self._objects[other.address].name.partition(".")[2]] = None
            if names:
                break
        return [*list(names)[:_MOST_NAMED], *([f"{len(names) - _MOST_NAMED} more"] if len(names) > _MOST_NAMED else [])]


def _reached(goals: Iterable[str], *, has_check: bool) -> str:
    """What an object has reached when its waits are over; empty where nothing was waited for."""
    wanted = set(goals) & {"ready", "healthy", "completed", "gone"}
    if "completed" in wanted:
        return "completed"
    if wanted & {"ready", "healthy"}:
        return "healthy" if has_check else "running"
    return ""


class PlainObjectProgress:
    """One line for each object when it is done, one when it begins to take long; each with the time so far."""

    def __init__(
        self, write: Callable[[str], None], now: Callable[[], float], paint: Paint = PLAIN, interval: float = 1.0
    ) -> None:
        self._write = write
        self._now = now
        self._begin: float | None = None
        self._board = Board(now, paint)
        self._interval = interval
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._ticker: threading.Thread | None = None

    def __call__(self, event: Event) -> None:
        with self._lock:
            if self._ticker is None:
                self._begin = self._now()
                self._ticker = threading.Thread(target=self._tick, daemon=True)
                self._ticker.start()
            self._tell(self._board.take(event))

    def close(self) -> None:
        """Say nothing more."""
        self._over.set()
        if self._ticker is not None:
            self._ticker.join()

    def tick(self) -> None:
        """Say what takes long."""
        with self._lock:
            for line in self._board.overdue():
                self._tell(line)

    def _tick(self) -> None:
        while not self._over.wait(self._interval):
            self.tick()

    def _tell(self, line: str) -> None:
        if line:
            self._write(f"{seconds(self._now() - (self._begin or 0.0)):>7}  {line}\n")


class LiveObjectProgress(LiveRegion):
    """A header that counts, the objects that are worked on, and what the others wait for; done ones scroll away."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._board = Board(self._now, self._paint)

    def take(self, event: Event) -> str:
        """Remember an event; the line of an object that is done or has failed."""
        line = self._board.take(event)
        return f"{line}\n" if line else ""

    def lines(self, width: int) -> list[str]:
        """The region now."""
        running, waiting = self._board.running(), self._board.waiting()
        width, names = min(width, _WIDEST), self._board.width
        lines = [
            self._running_line(name.ljust(names), text, seconds(took), width)
            for name, text, took in running[:_MOST_SHOWN]
        ]
        room = _MOST_SHOWN - len(lines)
        lines += [self._paint.dim(shorten(f"· {name.ljust(names)}  {text}", width)) for name, text in waiting[:room]]
        more = len(running) + len(waiting) - len(lines)
        if more:
            lines.append(self._paint.dim(f"  … {more} more"))
        header = self._board.header
        return [self._paint.bold(shorten(header, width)), *lines] if header and lines else lines

    def _running_line(self, name: str, text: str, took: str, width: int) -> str:
        shown = shorten(f"{name}  {text}", width - len(took) - 4)
        return f"{self.spinner} {shown.ljust(width - len(took) - 3)} {self._paint.dim(took)}"
