"""Which archives may go: grandfather, father, son, as restic's `forget` counts them. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from provisioner.model.backup import Keep, Manifest


def expired(archives: Sequence[Manifest], keep: Keep) -> tuple[Manifest, ...]:
    """The archives that no rule keeps, oldest first. Without any rule none, and never the newest."""
    newest_first = sorted(archives, key=lambda one: one.created_at, reverse=True)
    if keep.is_empty or not newest_first:
        return ()
    kept = {newest_first[0].id, *(one.id for one in newest_first[: keep.last])}
    for count, period in ((keep.daily, _day), (keep.weekly, _week), (keep.monthly, _month)):
        kept |= _newest_of_each(newest_first, count, period)
    return tuple(one for one in reversed(newest_first) if one.id not in kept)


def _newest_of_each(newest_first: Sequence[Manifest], count: int, period: Callable[[datetime], str]) -> set[str]:
    """The newest archive of each of the last `count` periods that have one."""
    seen: dict[str, str] = {}
    for one in newest_first:
        seen.setdefault(period(datetime.fromisoformat(one.created_at)), one.id)
    return set(list(seen.values())[:count])


def _day(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d")


def _week(moment: datetime) -> str:
    return moment.strftime("%G-%V")


def _month(moment: datetime) -> str:
    return moment.strftime("%Y-%m")
