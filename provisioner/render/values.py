"""How one value of a plan is shown: quantities in their unit, long ones shortened, sensitive ones never."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from provisioner.render.paint import printable, visible

if TYPE_CHECKING:
    from provisioner.model.change import FieldChange
    from provisioner.model.node import JSON

SENSITIVE = "(sensitive)"
ABSENT = "(none)"
_WIDTH = 64
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def before_and_after(change: FieldChange) -> tuple[str, str]:
    """Both sides of a difference as people read them. Where both are long, the part that differs stays in sight."""
    if change.sensitive:
        return _sensitive(change.before), _sensitive(change.after)
    before, after = show(change.before, change.unit), show(change.after, change.unit)
    if isinstance(change.before, list) and isinstance(change.after, list):
        listed = _list_difference(change.before, change.after)
        if listed:
            return listed
    if max(len(before), len(after)) <= _WIDTH:
        return before, after
    start = max(_common_prefix(before, after) - 16, 0)
    return _window(before, start), _window(after, start)


def show(value: JSON, unit: str = "") -> str:
    """One value on one line, in full."""
    if value is None:
        return ABSENT
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return quantity(value, unit)
    if isinstance(value, str):
        return _string(value)
    return printable(json.dumps(value, ensure_ascii=False, sort_keys=True))


def quantity(value: float, unit: str) -> str:
    """A number with its unit: `512 MiB`, `1.5 s`; the bare number where the unit is unknown or rounding would lie."""
    if unit == "bytes" and value > 0:
        for power in range(len(_UNITS) - 1, -1, -1):
            count = value / 1024**power
            if count >= 1 and round(count, 1) == count:
                return f"{count:.1f} {_UNITS[power]}".replace(".0 ", " ")
    if unit in ("ns", "nanoseconds"):
        return f"{value / 10**9:g} s"
    if unit in ("s", "seconds"):
        return f"{value:g} s"
    return f"{value} {unit}" if unit else str(value)


def seconds(value: float) -> str:
    """A duration for people: `0.4s`, `12.0s`, `2m05s`, `1h02m`."""
    if value < 60:
        return f"{value:.1f}s"
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02d}m" if hours else f"{minutes}m{rest:02d}s"


def shorten(text: str, width: int = _WIDTH) -> str:
    """At most `width` characters; what is cut is marked."""
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _sensitive(value: JSON) -> str:
    return ABSENT if value is None else SENSITIVE


def _string(value: str) -> str:
    plain = value and printable(value) == value and value == value.strip() and "→" not in value
    return (
        value
        if plain and value not in ("true", "false", ABSENT) and "\n" not in value
        else visible(json.dumps(value, ensure_ascii=False))
    )


def _list_difference(before: list[JSON], after: list[JSON]) -> tuple[str, str] | None:
    """Long lists are shown by what leaves and what comes; None where that says less than the whole lists."""
    removed = [item for item in before if item not in after]
    added = [item for item in after if item not in before]
    kept = len(before) - len(removed)
    if not kept or not (removed or added) or len(show(before)) + len(show(after)) <= _WIDTH:
        return None
    return _items(removed, kept), _items(added, kept)


def _items(items: list[JSON], kept: int) -> str:
    shown = ", ".join(shorten(show(item)) for item in items)
    return f"[{shown}, … {kept} the same]" if shown else f"[… {kept} the same]"


def _common_prefix(left: str, right: str) -> int:
    for position, (a, b) in enumerate(zip(left, right, strict=False)):
        if a != b:
            return position
    return min(len(left), len(right))


def _window(text: str, start: int) -> str:
    head = "…" if start else ""
    return head + shorten(text[start:], _WIDTH - len(head))
