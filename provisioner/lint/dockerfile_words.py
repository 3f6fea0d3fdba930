"""Words of a Dockerfile with its arguments put in, as builders do it. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_NAME = re.compile(r"\w+")
_FORM = re.compile(r":?[-+?]|\Z")
_ASSIGNMENT = re.compile(r"""(?P<name>\w+)(?P<value>=(?:"(?:\\.|[^"])*"|'[^']*'|\\.|[^\s"'])*)?""")


def global_arguments(
    instructions: Iterable[str], given: Mapping[str, str], builtin: Mapping[str, str]
) -> dict[str, str]:
    """What `FROM` knows: the arguments that are declared before it, as `given` or by default, and a builder's own.

    `instructions` are what follows `ARG` before the first `FROM`, in order; a default may name earlier ones.
    """
    values = dict(builtin)
    for instruction in instructions:
        for match in _ASSIGNMENT.finditer(instruction):
            name, default = match["name"], match["value"]
            value = given.get(name) if name in given or default is None else expanded(default[1:], values)
            if value is not None:
                values[name] = value
    return values


def expanded(word: str, values: Mapping[str, str], escape: str = "\\") -> str | None:
    """`word` with its variables put in, and without its quotes; None where that can not be told.

    It knows `$NAME`, `${NAME}` and the forms with `-`, `:-`, `+`, `:+`, `?` and `:?`; what has no value is empty.
    """
    result, quote, index = "", "", 0
    while index < len(word):
        character = word[index]
        index += 1
        if character == quote:
            quote = ""
        elif character in "\"'" and not quote:
            quote = character
        elif character == escape and quote != "'":
            result += word[index : index + 1]
            index += 1
        elif character == "$" and quote != "'":
            end = _end(word, index)
            value = _value(word[index:end], values, escape)
            if value is None:
                return None
            result, index = result + value, end
        else:
            result += character
    return result


def _end(word: str, start: int) -> int:
    """Where the variable ends whose `$` stands before `start`."""
    if not word.startswith("{", start):
        match = _NAME.match(word, start)
        return match.end() if match else start
    depth = 0
    for index in range(start, len(word)):
        depth += {"{": 1, "}": -1}.get(word[index], 0)
        if not depth:
            return index + 1
    return len(word)


def _value(variable: str, values: Mapping[str, str], escape: str) -> str | None:
    if not variable:
        return "$"
    inner = variable.removeprefix("{").removesuffix("}")
    name = _NAME.match(inner)
    form = _FORM.match(inner, name.end()) if name else None
    if name is None or form is None:
        return None
    value, mark = values.get(name[0]), form[0]
    is_there = bool(value) if mark.startswith(":") else value is not None
    if mark.endswith("+"):
        return expanded(inner[form.end() :], values, escape) if is_there else ""
    if is_there or not mark:
        return value or ""
    return expanded(inner[form.end() :], values, escape) if mark.endswith("-") else None
