"""Points in time as dashboards and queries write them: now, now-15m, or milliseconds since 1970."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Any

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


@dataclass(frozen=True, slots=True)
class TimeRange:
    """Both ends in seconds since 1970."""

    start: float
    end: float


def time_range(start: Any, end: Any) -> TimeRange:
    """Read both ends; raise ValueError for other forms."""
    now = time.time()
    return TimeRange(_moment(str(start), now), _moment(str(end), now))


def seconds(text: str) -> int:
    """A span such as 15m; raise ValueError for other forms."""
    match = re.fullmatch(r"(\d+)([smhdw])", text)
    if not match:
        raise ValueError(f"expected a span such as 15m, found {text!r}")
    return int(match[1]) * _SECONDS[match[2]]


def _moment(text: str, now: float) -> float:
    if text == "now":
        return now
    if text.startswith("now-"):
        return now - seconds(text.removeprefix("now-"))
    if text.isdecimal():
        return int(text) / 1000
    raise ValueError(f"expected now, now-15m or milliseconds, found {text!r}")
