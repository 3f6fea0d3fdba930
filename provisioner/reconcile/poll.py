"""The one loop that asks until something is as it should be, will not be, or has taken too long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from provisioner.model.report import Readiness

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from provisioner.errors import ProvisionError
    from provisioner.ports import Clock


Left = TypeVar("Left")


class Probe(Protocol):
    """What is asked. `gaps` are the first and the longest pause between two looks (seconds)."""

    gaps: tuple[float, float]

    def look(self) -> Readiness:
        """How it is now. Raises ProvisionError where it is gone."""

    def soon(self) -> float | None:
        """How long it takes until the next look can tell more (seconds); None where that is not known."""

    def saying(self, answer: Readiness) -> str:
        """What a person is told while it is not done."""

    def failure(self, answer: Readiness) -> ProvisionError:
        """The error of an end that is not well."""

    def overdue(self, answer: Readiness) -> ProvisionError | None:
        """The error when the time is up; None where that is a good end."""


class Pending(Generic[Left]):
    """A probe for what is to come to nothing. `look` gives what is left of it, `describe` what a person is told of
    that, `overdue` the error when the time is up; without one that is a good end, and `left` says what was left."""

    def __init__(
        self,
        look: Callable[[], Sequence[Left]],
        *,
        gap: float,
        describe: Callable[[Sequence[Left]], str] = lambda left: "",
        overdue: Callable[[Sequence[Left]], ProvisionError | None] = lambda left: None,
    ) -> None:
        self.gaps = (gap, gap)
        self.left: Sequence[Left] = ()
        self._look, self._describe, self._overdue = look, describe, overdue

    def look(self) -> Readiness:
        self.left = self._look()
        return Readiness(not self.left, True, "")

    def soon(self) -> None:
        return None

    def saying(self, answer: Readiness) -> str:
        return self._describe(self.left)

    def failure(self, answer: Readiness) -> ProvisionError:
        raise AssertionError("what is left is no bad end")

    def overdue(self, answer: Readiness) -> ProvisionError | None:
        return self._overdue(self.left)


def poll(
    probe: Probe, timeout_s: float, *, clock: Clock, progress: Callable[[str], None], stopped: Callable[[], bool]
) -> None:
    """Look until there is an answer, `timeout_s` seconds at most; raises what the probe says of a bad end.

    Ends early, without an error, when `stopped` says that nobody waits any more.
    """
    until, said, (gap, longest) = clock.now() + timeout_s, "", probe.gaps
    while True:
        answer = probe.look()
        if answer.done and answer.ok:
            return
        if answer.done:
            raise probe.failure(answer)
        left = until - clock.now()
        if left < 0 and (error := probe.overdue(answer)) is not None:
            raise error
        if left < 0 or stopped():
            return
        if (text := probe.saying(answer)) != said:
            said = text
            progress(text)
        # The last look is when the time is up.
        known = probe.soon()
        clock.sleep(max(_SHORTEST, min(gap if known is None else known, left)))
        gap = min(gap * 1.3, longest)


_SHORTEST = 0.01
