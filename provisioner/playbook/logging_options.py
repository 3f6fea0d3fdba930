"""Options of the logging drivers `json-file` and `local` that are none, or whose values are none. Pure.

Engines look at most of them only when a container is started (daemon/logger/jsonfilelog, daemon/logger/local).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from provisioner.playbook.impossible import Impossible, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from provisioner.model.node import Node

_OF_ALL = ("mode", "max-buffer-size")
_OPTIONS = {
    "json-file": (
        *_OF_ALL, "max-size", "max-file", "compress", "labels", "labels-regex", "env", "env-regex", "tag",
    ),
    "local": (*_OF_ALL, "max-size", "max-file", "compress"),
}  # fmt: skip
# go-units, FromHumanSize; strconv.ParseBool.
_SIZE = re.compile(r"[0-9]+(\.[0-9]+)?\s?([kmgtp]i?b?|b)?", re.IGNORECASE)
_TRUE, _FALSE = ("1", "t", "T", "true", "TRUE", "True"), ("0", "f", "F", "false", "FALSE", "False")
_MODES = ("blocking", "non-blocking")


def logging_options(body: Node) -> Iterator[Impossible]:
    """What is wrong with the options of a service's log."""
    driver, options = body.get("logging", "driver"), body.get("logging", "options")
    name = str(driver.value or "") if driver is not None else ""
    if name not in _OPTIONS or options is None or not options.is_mapping:
        return
    given = {key: node for key, node in options.mapping.items() if node.value is not None}
    for key, node in given.items():
        said = f"has no option {shown(key)}" if key not in _OPTIONS[name] else _wrong(name, key, str(node.value), given)
        if said:
            hint = f"there are: {', '.join(_OPTIONS[name])}" if key not in _OPTIONS[name] else _hint(key)
            text = f"the logging driver {name} {said}" if key not in _OPTIONS[name] else said
            yield Impossible(("logging", "options", key), node.span, text, hint)


def _wrong(driver: str, key: str, value: str, given: Mapping[str, Node]) -> str:
    """What is wrong with the value of one option; empty for nothing."""
    if key in ("max-size", "max-buffer-size"):
        number = re.match(r"[0-9.]*", value)
        if not _SIZE.fullmatch(value) or (key == "max-size" and number and not float(number.group())):
            return f"{shown(value)} is no size"
        mode = given.get("mode")
        if key == "max-buffer-size" and (mode is None or mode.value != "non-blocking"):
            return "there is a buffer with `mode: non-blocking` only"
    if key == "max-file" and (not value.isdecimal() or not int(value)):
        return f"{shown(value)} is no number of files"
    if key == "mode" and value not in _MODES:
        return f"{shown(value)} is no such mode"
    if key == "compress":
        if value not in (*_TRUE, *_FALSE):
            return f"{shown(value)} is neither true nor false"
        files, size = given.get("max-file"), given.get("max-size")
        count = str(files.value) if files is not None else ("1" if driver == "json-file" else "5")
        if value in _TRUE and (count == "1" or (driver == "json-file" and size is None)):
            return "what is compressed is a file that is full and followed by another one"
    return ""


def _hint(key: str) -> str:
    return {
        "max-size": "write one such as 10m",
        "max-buffer-size": "write one such as 4m, and `mode: non-blocking` beside it",
        "max-file": "write 1 or more",
        "mode": f"write {' or '.join(_MODES)}",
        "compress": "write `max-size: 10m` and `max-file: 3` beside it, or leave it out",
    }[key]
