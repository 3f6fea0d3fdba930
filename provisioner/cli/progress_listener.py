"""Who is told what happens while a plan is carried out: a live region, plain lines, JSON lines, or nobody."""

from __future__ import annotations

import time
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from provisioner.cli.settings import Settings
    from provisioner.cli.streams import Stream
    from provisioner.model.event import Event
    from provisioner.model.plan import Verb
    from provisioner.ports import Listener


@contextmanager
def progress_listener(
    settings: Settings,
    *,
    as_json: bool,
    play: str = "",
    beside: bool = False,
    hushed: Collection[Verb] = (),
    silent: bool = False,
) -> Iterator[Listener]:
    """The listener for this terminal; what it drew is taken away at the end.

    `silent`: nobody is told, as the result is one JSON document, and an error one on standard error.
    `play` names the play in JSON lines, and before each line where several are carried out `beside` each other.
    How steps get on that are `hushed` is not told; that they begin and end is.
    """
    opened = nullcontext(_nobody) if silent else _listener(settings, as_json=as_json, play=play, beside=beside)
    with opened as listener:
        yield _hushing(listener, hushed) if hushed else listener


def hushed_verbs(quiet_pull: bool, quiet_build: bool) -> tuple[Verb, ...]:
    """The steps that --quiet-pull and --quiet-build mean."""
    from provisioner.model.plan import Verb

    return (*((Verb.PULL,) if quiet_pull else ()), *((Verb.BUILD,) if quiet_build else ()))


def _hushing(listener: Listener, hushed: Collection[Verb]) -> Listener:
    from provisioner.model.event import Progress

    def tell(event: Event) -> None:
        if not (isinstance(event, Progress) and event.step.verb in hushed):
            listener(event)

    return tell


@contextmanager
def _listener(settings: Settings, *, as_json: bool, play: str, beside: bool) -> Iterator[Listener]:
    if as_json:
        yield _json_lines(settings, play)
        return
    if settings.quiet:
        yield _nobody
        return
    err = settings.err()
    listener = _AtFirstEvent(lambda: _chosen(settings, err, f"{play} | " if beside else ""))
    try:
        yield listener
    finally:
        listener.close()


class _Closing(Protocol):
    """A listener that has something to tidy."""

    def __call__(self, event: Event) -> None: ...
    def close(self) -> None: ...


class _AtFirstEvent:
    """A listener that is made when there is something to tell: most runs have nothing to do."""

    def __init__(self, make: Callable[[], _Closing]) -> None:
        self._make = make
        self._made: _Closing | None = None

    def __call__(self, event: Event) -> None:
        if self._made is None:
            self._made = self._make()
        self._made(event)

    def close(self) -> None:
        if self._made is not None:
            self._made.close()


def _chosen(settings: Settings, err: Stream, prefix: str) -> _Closing:
    """Object by object, with -v step by step; drawn anew where there is a terminal to itself, else line by line."""
    from provisioner.render.object_progress import LiveObjectProgress, PlainObjectProgress
    from provisioner.render.progress import LiveProgress, PlainProgress

    if err.terminal and not prefix and not settings.environment.get("CI"):
        live = LiveProgress if settings.verbose else LiveObjectProgress
        return live(err.write, time.monotonic, err.width, err.paint)
    plain = PlainProgress if settings.verbose else PlainObjectProgress
    return plain(lambda text: err.write(f"{prefix}{text}"), time.monotonic, err.paint)


def _nobody(event: Event) -> None:
    """Quiet."""


def _json_lines(settings: Settings, play: str) -> Listener:
    from provisioner.render.report_json import event_line, line

    out = settings.out()
    begin: list[float] = []

    def tell(event: Event) -> None:
        moment = time.monotonic()
        if not begin:
            begin.append(moment)
        text = event_line(event, moment - begin[0])
        if text is not None:
            out.write(line({**text, "play": play} if play else text))

    return tell
