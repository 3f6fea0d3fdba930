"""The type of a plain YAML scalar, decided exactly as Compose's parser (go-yaml) decides it, not as YAML 1.1 does.

So `no`, `on` and `22:22` are strings, `0644` is 420, `0888` is a float, `1_000` and `0x1F` are integers.
"""

from __future__ import annotations

import math
import re
from datetime import date
from typing import TYPE_CHECKING

from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from provisioner.model.node import Scalar

_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_INTEGER = re.compile(
    r"(?P<sign>[-+]?)(?:0[xX](?P<hex>[0-9a-fA-F]+)|0[oO](?P<oct>[0-7]+)|0[bB](?P<bin>[01]+)|(?P<dec>[0-9]+))\Z"
)
_DATE = re.compile(
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2})"
    r"(?:[Tt ](?P<hour>[0-9]{1,2}):[0-9]{1,2}:[0-9]{1,2}(?:\.[0-9]+)?(?:[Zz]|[-+][0-9]{2}:[0-9]{2})?)?\Z"
)
_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_LOWEST, _HIGHEST = -(2**63), 2**64 - 1


@dataclass(frozen=True, slots=True)
class Timestamp:
    """An unquoted date. No key of a playbook takes one, so wherever it stands the author meant text."""

    text: str


def typed(text: str) -> Scalar | Timestamp:
    """The value of the plain scalar `text`."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if text[0].isdecimal() and _is_date(text):
        return Timestamp(text)
    digits = text.replace("_", "")
    number = _integer(digits)
    if number is not None:
        return number
    if _FLOAT.match(digits):
        value = float(digits)
        return text if math.isinf(value) else value
    return text


def plain_text(value: Scalar) -> str:
    """A scalar as Compose writes it where text is wanted: floats in their shortest form, booleans in lower case."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _shortest(value)
    return str(value)


def _integer(digits: str) -> int | None:
    match = _INTEGER.match(digits)
    if match is None:
        return None
    if match["hex"]:
        number = int(match["hex"], 16)
    elif match["oct"]:
        number = int(match["oct"], 8)
    elif match["bin"]:
        number = int(match["bin"], 2)
    elif len(match["dec"]) > 1 and match["dec"][0] == "0":
        if set(match["dec"]) & {"8", "9"}:
            return None
        number = int(match["dec"], 8)
    elif len(match["dec"]) > 20:
        return None
    else:
        number = int(match["dec"])
    number = -number if match["sign"] == "-" else number
    return number if _LOWEST <= number <= _HIGHEST else None


def _is_date(text: str) -> bool:
    match = _DATE.match(text)
    if match is None:
        return False
    try:
        date(int(match["year"]), int(match["month"]), int(match["day"]))
    except ValueError:
        return False
    return match["hour"] is None or int(match["hour"]) < 24


def _shortest(value: float) -> str:
    """A float as Go's %v prints it: an exponent only below 1e-4 and from 1e6 on, at least two digits wide."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    if 1e-4 <= abs(value) < 1e6:
        return _positional(value).removesuffix(".0")
    whole, _, fraction = _positional(abs(value)).partition(".")
    digits = (whole + fraction).strip("0")
    mantissa = digits[0] + (f".{digits[1:]}" if len(digits) > 1 else "")
    zeros = len(fraction) - len(fraction.lstrip("0"))
    exponent = len(whole) - 1 if whole.strip("0") else -zeros - 1
    return f"{'-' if value < 0 else ''}{mantissa}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def _positional(value: float) -> str:
    text = repr(value)
    if "e" not in text:
        return text
    mantissa, exponent = text.split("e")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    shift = int(exponent)
    if shift < 0:
        return f"{sign}0.{'0' * (-shift - 1)}{whole}{fraction}"
    return f"{sign}{whole}{fraction.rstrip('0').ljust(shift, '0')}"
