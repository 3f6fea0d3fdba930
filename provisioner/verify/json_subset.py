"""Whether a JSON value holds at least what is expected of it. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provisioner.model.node import JSON

_NOTHING = object()


def difference(expected: JSON, actual: JSON, path: str = "") -> str | None:
    """The first place where `actual` does not hold what is expected, in words; None when it holds everything.

    Of a mapping the expected keys are compared, each a key or a dotted path (`data.0.name`); lists are as long as
    expected and equal item by item in the same sense; scalars are equal in JSON's types.
    """
    if isinstance(expected, dict):
        if not isinstance(actual, dict | list):
            return _differs(expected, actual, path)
        for key, value in expected.items():
            where = f"{path}.{key}" if path else key
            item = _at(actual, key)
            if item is _NOTHING:
                return f"json has no {where}"
            wrong = difference(value, item, where)  # type: ignore[arg-type]
            if wrong:
                return wrong
        return None
    if isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            return f"json {path or 'document'} has {len(actual)} items, expected {len(expected)}"
        for index, (expected_item, actual_item) in enumerate(zip(expected, actual, strict=True)):
            wrong = difference(expected_item, actual_item, f"{path}.{index}" if path else str(index))
            if wrong:
                return wrong
        return None
    return None if _equal(expected, actual) else _differs(expected, actual, path)


def _at(value: JSON, key: str) -> object:
    if isinstance(value, dict) and key in value:
        return value[key]
    if isinstance(value, list):
        first, _, rest = key.partition(".")
        if not first.isdecimal() or int(first) >= len(value):
            return _NOTHING
        return _at(value[int(first)], rest) if rest else value[int(first)]
    if isinstance(value, dict):
        # A key of the document may itself contain dots: the longest one wins.
        parts = key.split(".")
        for length in range(len(parts) - 1, 0, -1):
            first = ".".join(parts[:length])
            if first in value:
                return _at(value[first], ".".join(parts[length:]))
    return _NOTHING


def _equal(expected: JSON, actual: JSON) -> bool:
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    return expected == actual


def _differs(expected: JSON, actual: JSON, path: str) -> str:
    return f"json {path or 'document'} is {_short(actual)}, expected {_short(expected)}"


def _short(value: JSON) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:79]}…"
