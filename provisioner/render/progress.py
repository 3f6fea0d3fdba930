"""What is going on while a plan is carried out: a live region on a terminal, one plain line per event elsewhere.

Knows nothing of where it is written to: it is given a function that writes, and a clock in seconds.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from provisioner.model.dataclass import dataclass
from provisioner.model.event import Begun, Finished, Notice, Progress, Started
from provisioner.model.operation import Fill, FillPart
from provisioner.model.plan import Verb
from provisioner.model.report import Outcome
from provisioner.render.fold import folded
from provisioner.render.paint import PLAIN, Paint, printable
from provisioner.render.values import seconds, shorten

if TYPE_CHECKING:
    from collections.abc import Callable

    from provisioner.model.event import Event
    from provisioner.model.plan import Step
    from provisioner.model.report import StepResult

_DOING = {
    Verb.CREATE: "creating", Verb.REMOVE: "removing", Verb.START: "starting", Verb.STOP: "stopping",
    Verb.RESTART: "restarting", Verb.UNPAUSE: "unpausing", Verb.RENAME: "renaming", Verb.UPDATE: "updating",
    Verb.CONNECT: "connecting", Verb.DISCONNECT: "disconnecting", Verb.PULL: "pulling", Verb.BUILD: "building",
    Verb.TAG: "tagging", Verb.PUSH: "pushing", Verb.FILL: "filling", Verb.WAIT: "waiting",
    Verb.EXECUTE: "running a hook", Verb.KILL: "killing", Verb.PAUSE: "pausing",
}  # fmt: skip
_DONE = {
    Verb.CREATE: "created", Verb.REMOVE: "removed", Verb.START: "started", Verb.STOP: "stopped",
    Verb.RESTART: "restarted", Verb.UNPAUSE: "unpaused", Verb.RENAME: "renamed", Verb.UPDATE: "updated",
    Verb.CONNECT: "connected", Verb.DISCONNECT: "disconnected", Verb.PULL: "pulled", Verb.BUILD: "built",
    Verb.TAG: "tagged", Verb.PUSH: "pushed", Verb.FILL: "filled", Verb.WAIT: "ready", Verb.EXECUTE: "hook ended",
    Verb.KILL: "killed", Verb.PAUSE: "paused",
}  # fmt: skip
_MOST_RUNNING = 10
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


def doing(verb: Verb) -> str:
    """A verb while it lasts: `pulling`."""
    return _DOING[verb]


def done(verb: Verb) -> str:
    """A verb when it is over: `pulled`."""
    return _DONE[verb]


def ended(step: Step) -> str:
    """A step when it is over: `pulled`; a wait for the end of something is over when that is `gone`."""
    return "gone" if getattr(step.operation, "goal", "") == "gone" else done(step.verb)


def is_told(event: Event) -> bool:
    """Whether an event is worth a line. Of the steps that get files into a volume the one that puts them there stands
    for all, and of the others a failure is told.
    """
    match event:
        case Started(step):
            return _stands_for_itself(step)
        case Finished(result):
            return _stands_for_itself(result.step) or result.outcome is Outcome.FAILED
    return True


def _stands_for_itself(step: Step) -> bool:
    return not isinstance(step.operation, Fill) or step.operation.part is FillPart.PUT_FILES


class PlainProgress:
    """Every step: one line per event with the time since the first one. A repeated message is said once."""

    def __init__(self, write: Callable[[str], None], now: Callable[[], float], paint: Paint = PLAIN) -> None:
        self._write = write
        self._now = now
        self._paint = paint
        self._begin: float | None = None
        self._said: dict[int, str] = {}

    def __call__(self, event: Event) -> None:
        moment = self._now()
        if self._begin is None:
            self._begin = moment
        text = self._text(event) if is_told(event) else ""
        if text:
            self._write(f"{seconds(moment - self._begin):>7}  {text}\n")

    def close(self) -> None:
        """There is nothing to tidy."""

    def _text(self, event: Event) -> str:
        match event:
            case Started(step):
                return f"{step.address}: {doing(step.verb)}"
            case Progress(step, message):
                if self._said.get(step.id) == message:
                    return ""
                self._said[step.id] = message
                return f"{step.address}: {printable(message)}"
            case Finished(result):
                return result_line(result, self._paint)
            case Notice(message):
                return printable(message)
            case Begun():
                return ""


def result_line(result: StepResult, paint: Paint) -> str:
    """How a step ended, on one line."""
    step = result.step
    if result.outcome is Outcome.FAILED:
        error = printable(str(result.error).splitlines()[0]) if result.error and str(result.error) else "failed"
        return f"{paint.red('✘')} {step.address}: {step.verb.value} failed: {error}"
    if result.outcome is Outcome.SKIPPED:
        because = f" ({printable(result.because)})" if result.because else ""
        return paint.dim(f"- {step.address}: {step.verb.value} skipped{because}")
    return f"{paint.green('✔')} {step.address}: {ended(step)} in {seconds(result.seconds)}"


@dataclass(slots=True)
class _Running:
    step: Step
    since: float
    message: str = ""


def activity(step: Step, message: str) -> str:
    """What a step is at; a message that says it again stands alone."""
    verb = doing(step.verb)
    if not message:
        return verb
    return message if message.startswith(verb) else f"{verb}: {message}"


class LiveRegion(ABC):
    """A region at the end of the terminal that is drawn again and again: what is over scrolls away above it.

    `width` gives the terminal's width in columns; a resized terminal is met at the next picture. `close` must be
    called; until then a thread redraws the region.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        now: Callable[[], float],
        width: Callable[[], int],
        paint: Paint = PLAIN,
        interval: float = 0.1,
    ) -> None:
        self._write = write
        self._now = now
        self._width = width
        self._paint = paint
        self._interval = interval
        self._drawn: list[int] = []
        self._frame = 0
        self._begin: float | None = None
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._ticker: threading.Thread | None = None

    def __call__(self, event: Event) -> None:
        with self._lock:
            if self._begin is None:
                self._start()
            self._draw(self.take(event))

    @abstractmethod
    def take(self, event: Event) -> str:
        """Remember an event; the lines that stay above the region, empty for none."""

    @abstractmethod
    def lines(self, width: int) -> list[str]:
        """The region now, in lines of less than `width` columns without their colours."""

    def close(self) -> None:
        """Take the region away and give the cursor back."""
        self._over.set()
        if self._ticker:
            self._ticker.join()
        with self._lock:
            if self._begin is not None:
                self._write(f"{self._erase()}\x1b[?25h")
                self._drawn = []
                self._begin = None

    def _start(self) -> None:
        self._begin = self._now()
        self._write("\x1b[?25l")
        self._ticker = threading.Thread(target=self._tick, daemon=True)
        self._ticker.start()

    def _tick(self) -> None:
        while not self._over.wait(self._interval):
            with self._lock:
                self._frame += 1
                self._draw("")

    def _draw(self, above: str) -> None:
        width = max(self._width() - 1, 20)
        lines = self.lines(width)
        self._write(self._erase() + folded(above, width) + "".join(f"{line}\n" for line in lines))
        self._drawn = [len(printable(line)) for line in lines]

    def _erase(self) -> str:
        """Back to the first line of the region. A terminal that became narrower has broken its lines meanwhile."""
        width = max(self._width(), 1)
        rows = sum(max(1, -(-length // width)) for length in self._drawn)
        return f"\x1b[{rows}A\x1b[J" if rows else ""

    @property
    def spinner(self) -> str:
        """One picture of something that moves."""
        return self._paint.cyan(_SPINNER[self._frame % len(_SPINNER)])


class LiveProgress(LiveRegion):
    """Every step: finished ones scroll away above the region, running ones stay in it with their times."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._running: dict[int, _Running] = {}

    def take(self, event: Event) -> str:
        """Remember an event; the line of a step that ended."""
        match event:
            case Started(step):
                self._running[step.id] = _Running(step, self._now())
            case Progress(step, message):
                if step.id in self._running:
                    self._running[step.id].message = printable(message)
            case Finished(result):
                self._running.pop(result.step.id, None)
                return result_line(result, self._paint) + "\n" if is_told(event) else ""
            case Notice(message):
                return printable(message) + "\n"
        return ""

    def lines(self, width: int) -> list[str]:
        """The running steps."""
        shown = list(self._running.values())[:_MOST_RUNNING]
        lines = []
        for running in shown:
            time = seconds(self._now() - running.since)
            text = shorten(f"{running.step.address}: {activity(running.step, running.message)}", width - len(time) - 4)
            lines.append(f"{self.spinner} {text.ljust(width - len(time) - 3)} {self._paint.dim(time)}")
        if len(self._running) > len(shown):
            lines.append(self._paint.dim(f"  … {len(self._running) - len(shown)} more"))
        return lines
