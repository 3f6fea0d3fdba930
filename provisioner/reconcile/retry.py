"""A call that is made again while its failure may pass."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from provisioner.errors import EngineRefused, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable

Answer = TypeVar("Answer")


def retried(
    call: Callable[[], Answer],
    passes: Callable[[EngineRefused | Unreachable], bool],
    *,
    attempts: int = 3,
    pause: float = 0.0,
    outcome: Callable[[], Answer | None] = lambda: None,
    sleep: Callable[[float], None] | None = None,
) -> Answer:
    """The answer of a call, made at most so many times, `pause` seconds apart, while `passes` says of its error so.

    `outcome` looks after each such error whether the call was made all the same, and then gives its answer. Raises the
    last error, or what `outcome` raises.
    """
    for attempt in range(1, attempts + 1):
        try:
            return call()
        except (EngineRefused, Unreachable) as error:
            if not passes(error):
                raise
            answer = outcome()
            if answer is not None:
                return answer
            if attempt == attempts:
                raise
        (sleep or time.sleep)(pause)
    raise AssertionError("unreachable")


def is_unreachable(error: EngineRefused | Unreachable) -> bool:
    """Whether no answer came at all."""
    return isinstance(error, Unreachable)
