"""Durations, sizes, modes, numbers and booleans: how people write them, and Compose's canonical form."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import TYPE_CHECKING

from provisioner.document.scalars import plain_text

if TYPE_CHECKING:
    from provisioner.model.node import Node, Scalar

_NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
    "d": 24 * 3600 * 10**9,
    "w": 7 * 24 * 3600 * 10**9,
}
_PART = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h|d|w)")
_SIZE = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?) ?(?P<unit>[kmgtp]?)i?b?\Z", re.IGNORECASE)
_POWER = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_LONGEST = 2**63 - 1
_TRUE, _FALSE = frozenset(("true", "yes", "y", "on")), frozenset(("false", "no", "n", "off"))


def nanoseconds(text: str) -> int:
    """The length of a duration such as 1m30s. Raises ValueError."""
    if text == "0":
        return 0
    total = Decimal(0)
    position = 0
    while position < len(text) or position == 0:
        part = _PART.match(text, position)
        if part is None:
            raise ValueError("expected a duration like 30s or 1m30s")
        total += Decimal(part[1]) * _NANOSECONDS[part[2]]
        position = part.end()
    if total > _LONGEST:
        raise ValueError("expected a duration below 292 years")
    return int(total)


def duration_text(length: int) -> str:
    """Nanoseconds as Compose writes them: 1h0m0s, 1m30s, 1.5s, 20ms."""
    if length == 0:
        return "0s"
    if length < 10**9:
        for unit, size in (("ns", 1), ("µs", 10**3), ("ms", 10**6)):
            if length < size * 1000:
                return f"{_decimal(Decimal(length) / size)}{unit}"
    seconds = _decimal(Decimal(length % (60 * 10**9)) / 10**9)
    minutes = length // (60 * 10**9)
    if minutes == 0:
        return f"{seconds}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{seconds}s" if hours else f"{minutes}m{seconds}s"


def size_bytes(text: str) -> int:
    """The bytes of a size such as 512m or 1.5 GiB; units are powers of 1024. Raises ValueError."""
    match = _SIZE.match(text)
    if match is None:
        raise ValueError("expected a size like 512m or 1.5gb")
    size = Decimal(match["number"]) * 1024 ** _POWER[match["unit"].lower()]
    if size > _LONGEST:
        raise ValueError("expected a size below 8 EiB")
    return int(size)


def to_duration(node: Node) -> Scalar:
    """A length of time in its shortest form: `90s` is `1m30s`."""
    return duration_text(nanoseconds(str(node.value)))


def to_size(node: Node) -> Scalar:
    """Bytes, as text: JSON has no integers of that width."""
    if isinstance(node.value, float):
        raise ValueError("expected whole bytes or a size like 512m")
    if isinstance(node.value, int):
        if node.value < 0:
            raise ValueError("expected a size, which is not negative")
        return str(node.value)
    return str(size_bytes(str(node.value)))


def to_size_or_unlimited(node: Node) -> Scalar:
    """Bytes, as text; -1 is no limit."""
    return "-1" if node.value in (-1, "-1") else to_size(node)


def to_mode(node: Node) -> Scalar:
    """Permissions, as an octal number with a leading zero."""
    if isinstance(node.value, str):
        if not re.fullmatch(r"(0[oO]?)?[0-7]{1,4}", node.value):
            raise ValueError('expected an octal mode like "0440"')
        return f"0{int(node.value.lower().replace('o', ''), 8):o}"
    if isinstance(node.value, int) and 0 <= node.value <= 0o7777:
        return f"0{node.value:o}"
    raise ValueError('expected an octal mode like "0440"')


def to_boolean(node: Node) -> Scalar:
    """True or false, from the words that YAML 1.1 has for them too."""
    if isinstance(node.value, bool):
        return node.value
    word = str(node.value).lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError("expected true or false")


def to_integer(node: Node) -> Scalar:
    """A whole number, also from text, or from a number such as 2.0."""
    if isinstance(node.value, int):
        return node.value
    if isinstance(node.value, float) and node.value.is_integer() and abs(node.value) < 2**53:
        return int(node.value)
    if isinstance(node.value, str) and re.fullmatch(r"[-+]?[0-9]{1,18}", node.value):
        return int(node.value)
    raise ValueError("expected a whole number")


def to_number(node: Node) -> Scalar:
    """A finite number, also from text; a whole one is an int."""
    value = node.value
    if isinstance(value, str):
        try:
            value = float(value) if "_" not in value else math.nan
        except ValueError:
            value = math.nan
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError("expected a number")
    return int(value) if float(value).is_integer() else value


def to_text(node: Node) -> Scalar:
    """Text, numbers and booleans alike as text."""
    if isinstance(node.value, float) and not math.isfinite(node.value):
        raise ValueError("expected text, or a number that is finite")
    if isinstance(node.value, (str, int, float)):
        return plain_text(node.value)
    return ""


def _decimal(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
