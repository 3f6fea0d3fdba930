"""Which archives may go: grandfather, father, son, as restic's `forget` counts them. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from provisioner.model.backup import Keep, Manifest


# How the reasons of archives begin that were made before an apply, and for a clone.
BEFORE, CLONED = "before ", "clone to "


def prunable(archives: Sequence[Manifest], keep: Keep, revisions: Collection[int] | None) -> tuple[Manifest, ...]:
    """The archives that may go, oldest first. Those that were made for clones are counted by themselves.

    The snapshot that a rollback to one of the `revisions` takes stays; None: which are kept is not known.
    """
    cloned = [manifest for manifest in archives if manifest.reason.startswith(CLONED)]
    others = [manifest for manifest in archives if not manifest.reason.startswith(CLONED)]
    needed = snapshots(archives, revisions)
    gone = (*expired(cloned, keep), *expired(others, keep))
    return tuple(manifest for manifest in _oldest_first(gone) if manifest.id not in needed)


def snapshots(archives: Sequence[Manifest], revisions: Collection[int] | None = None) -> frozenset[str]:
    """The ids of the last archives that were made before a revision was left: of these, or of every one."""
    last = {
        manifest.revision: manifest.id for manifest in _oldest_first(archives) if manifest.reason.startswith(BEFORE)
    }
    return frozenset(name for number, name in last.items() if revisions is None or number in revisions)


def expired(archives: Sequence[Manifest], keep: Keep) -> tuple[Manifest, ...]:
    """The archives that no rule keeps, oldest first. Without any rule none, and never the newest."""
    newest_first = sorted(archives, key=lambda manifest: manifest.created_at, reverse=True)
    if keep.is_empty or not newest_first:
        return ()
    kept = {newest_first[0].id, *(manifest.id for manifest in newest_first[: keep.last])}
    for count, period in ((keep.daily, _day), (keep.weekly, _week), (keep.monthly, _month)):
        kept |= _newest_of_each(newest_first, count, period)
    return tuple(manifest for manifest in reversed(newest_first) if manifest.id not in kept)


def _oldest_first(archives: Sequence[Manifest]) -> list[Manifest]:
    return sorted(archives, key=lambda manifest: manifest.created_at)


def _newest_of_each(newest_first: Sequence[Manifest], count: int, period: Callable[[datetime], str]) -> set[str]:
    """The newest archive of each of the last `count` periods that have one."""
    seen: dict[str, str] = {}
    for manifest in newest_first:
        seen.setdefault(period(datetime.fromisoformat(manifest.created_at)), manifest.id)
    return set(list(seen.values())[:count])


def _day(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d")


def _week(moment: datetime) -> str:
    return moment.strftime("%G-%V")


def _month(moment: datetime) -> str:
    return moment.strftime("%Y-%m")
