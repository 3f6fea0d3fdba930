"""Values as Compose's canonical form writes them, and as the Engine API counts them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from typing import Any

_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h)")


def nanoseconds(text: str) -> int:
    """Nanoseconds of a Go duration such as `1m30s`; raises ValueError for anything else."""
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"not a duration: {text!r}")
    return round(sum(float(number) * _UNITS[unit] for number, unit in parts))


def duration(count: int) -> str:
    """A Go duration as Go prints it: `1m30s`, `500ms`, `0s`."""
    if count == 0:
        return "0s"
    if count < 10**9:
        for unit, size in (("ms", 10**6), ("µs", 10**3), ("ns", 1)):
            if count >= size:
                return f"{_decimal(count, size)}{unit}"
    minutes, rest = divmod(count, 60 * 10**9)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{_decimal(rest, 10**9)}s"
    if hours:
        return f"{hours}h{minutes}m{seconds}"
    return f"{minutes}m{seconds}" if minutes else seconds


def same_duration(text: str) -> str:
    """A Go duration in the form in which it is read back: `90s` is `1m30s`."""
    return duration(nanoseconds(text))


def _decimal(count: int, size: int) -> str:
    whole, rest = divmod(count, size)
    digits = str(rest).rjust(len(str(size)) - 1, "0").rstrip("0") if rest else ""
    return f"{whole}.{digits}" if digits else str(whole)


def moment(text: Any) -> datetime | None:
    """A time as engines write it (RFC 3339, nanoseconds); None for what is none. Without a zone it is UTC."""
    try:
        parsed = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return parsed.replace(tzinfo=UTC) if parsed and not parsed.tzinfo else parsed


# The names that uname, Docker's clients and older systems have for one architecture of Go's (GOARCH).
_ARCHITECTURES = {
    "x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "armhf": "arm", "armel": "arm", "armv7l": "arm",
    "armv6l": "arm", "i386": "386", "i686": "386",
}  # fmt: skip


def architecture(name: str) -> str:
    """A processor architecture by its one name: `x86_64` is `amd64`. Of others the name is as it is."""
    return _ARCHITECTURES.get(name, name)


def whole_number(value: Any) -> int:
    """An integer from Compose's canonical forms: numbers and decimal strings."""
    return int(float(value)) if isinstance(value, float) else int(str(value))


def nano_cpus(value: Any) -> int:
    """Billionths of a CPU from a number such as `0.5`."""
    return round(float(value) * 10**9)


def cpus(count: int) -> float:
    """A number of CPUs from billionths of one (NanoCpus)."""
    return count / 10**9


def pairs(entries: Any, *separators: str) -> dict[str, str]:
    """A mapping from a mapping, or from a list of `key<separator>value`."""
    if isinstance(entries, dict):
        return {str(key): text(value) for key, value in entries.items()}
    result: dict[str, str] = {}
    for entry in entries or []:
        separator = next((s for s in separators if s in entry), separators[0])
        key, _, value = str(entry).partition(separator)
        result[key] = value
    return result


def text(value: Any) -> str:
    """A scalar as Compose puts it into a string: booleans in lower case, null as nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def sorted_texts(values: Any) -> list[str]:
    """Every value as text, sorted."""
    return sorted(str(value) for value in values or [])


def address(text: str | None) -> str | None:
    """An IP address or subnet in its canonical form; anything else as it is, nothing as None."""
    try:
        if not text:
            return None
        return str(ip_network(text, strict=False)) if "/" in text else str(ip_address(text))
    except ValueError:
        return text
