"""Bind `verify`: the checks that apply here, with the defaults that they have. Runs nothing.

A check's arguments are plain JSON; a line given for `command` stays a line, for the shell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.model.node import items_of
from provisioner.model.playbook import Check
from provisioner.playbook.fields import seconds_of, text_of, texts_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from provisioner.model.node import JSON, Node

HOST = "host"
# How long a check of each kind tries when `within` is not given (seconds). A published port may need a moment after its
# container has started; a command in a container that runs needs none.
WITHIN = {"http": 5.0, "exec": 0.0, "tcp": 5.0}
_LISTS = ("status", "contains")


def bind_checks(root: Node, inactive: Collection[str], profiles: Collection[str]) -> Iterator[Check]:
    """The checks in file order, but for those of an inactive service, and of profiles that are all inactive."""
    for item in items_of(root.get("verify")):
        # A revision may be of a version that knows further kinds.
        kind = next((kind for kind in WITHIN if item.get(kind) is not None), None)
        if kind is None:
            continue
        check = _check(item, kind)
        wanted = texts_of(item, "profiles")
        where = check.arguments.get("service", check.arguments.get("from"))
        if where not in inactive and ("*" in profiles or not wanted or not set(wanted).isdisjoint(profiles)):
            yield check


def _check(item: Node, kind: str) -> Check:
    within = seconds_of(item, "within")
    return Check(
        name=text_of(item, "name") or "",
        kind=kind,
        arguments={key: _argument(key, node) for key, node in item.mapping[kind].mapping.items()},
        within=WITHIN[kind] if within is None else within,
        span=item.span,
    )


def _argument(key: str, node: Node) -> JSON:
    if key == "timeout":
        return seconds_of(node)
    return [node.plain()] if key in _LISTS and not node.is_sequence else node.plain()
