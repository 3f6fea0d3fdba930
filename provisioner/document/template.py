"""The grammar of `${…}` in a value: $V ${V} ${V:-d} ${V-d} ${V:?m} ${V?m} ${V:+a} ${V+a}, nested, and $$ for a dollar.

It substitutes text for text and knows neither trees nor where values come from.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    # The value of a variable, None when it has none. The flag says that the template copes with its absence.
    Lookup = Callable[[str, bool], str | None]

_NAME = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")
_OPERATOR = re.compile(r":?[-?+]")
DEEPEST = 64


class BadTemplate(ValueError):
    """The text is no template; the message says what is wrong with it."""


class RequiredVariable(ValueError):
    """`${NAME:?message}` and there is no value."""

    def __init__(self, name: str, message: str) -> None:
        self.name = name
        super().__init__(f"the variable {name} is required" + (f": {message}" if message else ""))


def substitute(text: str, lookup: Lookup) -> str:
    """`text` with its variables replaced. Raises BadTemplate and RequiredVariable.

    A dollar that starts no variable is a dollar, as in Compose.
    """
    return _substitute(text, lookup, 0)


def _substitute(text: str, lookup: Lookup, depth: int) -> str:
    if depth > DEEPEST:
        raise BadTemplate(f"variables are nested more than {DEEPEST} levels deep")
    if "$" not in text:
        return text
    parts: list[str] = []
    start = 0
    while True:
        dollar = text.find("$", start)
        if dollar < 0:
            parts.append(text[start:])
            return "".join(parts)
        parts.append(text[start:dollar])
        following = text[dollar + 1 : dollar + 2]
        if following == "$":
            parts.append("$")
            start = dollar + 2
        elif following == "{":
            end = _closing(text, dollar)
            parts.append(_expression(text[dollar + 2 : end], lookup, depth + 1))
            start = end + 1
        else:
            name = _NAME.match(text, dollar + 1)
            parts.append("$" if name is None else lookup(name[0], False) or "")
            start = dollar + 1 if name is None else name.end()


def end_of_variable(text: str, dollar: int) -> int:
    """Where what begins with the dollar ends: a variable, `$$`, or a dollar that starts neither."""
    following = text[dollar + 1 : dollar + 2]
    if following == "{":
        try:
            return _closing(text, dollar) + 1
        except BadTemplate:
            return dollar + 1
    name = _NAME.match(text, dollar + 1)
    return name.end() if name is not None else dollar + (2 if following == "$" else 1)


def _closing(text: str, start: int) -> int:
    """The index of the brace that closes the `${` at `start`; only `${` opens another level, as in Compose."""
    depth = 0
    index = start
    while index < len(text):
        if text.startswith("${", index):
            depth += 1
            index += 2
            continue
        if text[index] == "}":
            depth -= 1
            if depth == 0:
                return index
        index += 1
    raise BadTemplate("'${' is not closed")


def _expression(inner: str, lookup: Lookup, depth: int) -> str:
    name = _NAME.match(inner)
    if name is None:
        raise BadTemplate("'${' is not followed by a variable's name")
    rest = inner[name.end() :]
    if not rest:
        return lookup(name[0], False) or ""
    operator = _OPERATOR.match(rest)
    if operator is None:
        raise BadTemplate(f"'${{{name[0]}' is followed by '{rest[0]}', expected one of }} :- - :? ? :+ +")
    operand = rest[operator.end() :]
    value = lookup(name[0], True)
    present = bool(value) if operator[0][0] == ":" else value is not None
    kind = operator[0][-1]
    if kind == "+":
        return _substitute(operand, lookup, depth) if present else ""
    if present:
        return value or ""
    if kind == "-":
        return _substitute(operand, lookup, depth)
    raise RequiredVariable(name[0], _substitute(operand, lookup, depth))
