"""Bind `verify`: the form of every kind of check, and what its keys may hold. Runs nothing.

A check's value is plain JSON afterwards; a line given for `command` stays a line, for the shell.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from provisioner.document.findings import nearest
from provisioner.model.playbook import Check
from provisioner.playbook.fields import Fields, Problems, plain_text

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from provisioner.model.node import JSON, Node

HOST = "host"

_ENDPOINT = re.compile(r"(?:\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9_.-]+):[0-9]{1,5}")
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Form:
    """One kind of check: its keys with the type of each, and how long it tries when `within` is not given."""

    keys: Mapping[str, str]
    required: tuple[str, ...]
    within: float


# A published port may need a moment after its container has started; a command in a container that runs needs none.
FORMS: Mapping[str, Form] = {
    "http": Form(
        {
            "url": "url",
            "method": "method",
            "headers": "texts by name",
            "body": "text or json",
            "follow": "boolean",
            "insecure": "boolean",
            "timeout": "duration",
            "status": "statuses",
            "json": "json",
            "contains": "texts",
            "matches": "text",
            "response_headers": "texts by name",
        },
        required=("url",),
        within=5.0,
    ),
    "exec": Form(
        {
            "service": "service",
            "command": "command",
            "user": "text",
            "environment": "texts by name",
            "exit_code": "number",
            "stdout": "text",
            "stdout_matches": "text",
            "stderr": "text",
            "stderr_matches": "text",
        },
        required=("service", "command"),
        within=0.0,
    ),
    "tcp": Form(
        {"from": "service or host", "to": "endpoint", "reachable": "boolean", "timeout": "duration"},
        required=("to",),
        within=5.0,
    ),
}


def bind_checks(
    section: Node | None,
    services: Collection[str],
    inactive: Collection[str],
    profiles: Collection[str],
    problems: Problems,
) -> tuple[Check, ...]:
    """The checks in file order.

    A check of a service that rests, or of profiles that are all inactive, is held to its form and then left out.
    """
    if section is None or section.value is None:
        return ()
    if not section.is_sequence:
        problems.expected("a list of checks", section, "verify")
        return ()
    checks: list[Check] = []
    for index, item in enumerate(section.items):
        path = f"verify.{index}"
        if not item.is_mapping:
            problems.expected("a mapping", item, path)
            continue
        fields = Fields(item, path, problems)
        check = _check(fields, (*services, *inactive))
        if check is None:
            continue
        wanted = {plain_text(profile) for profile in fields.items("profiles")}
        where = check.arguments.get("service", check.arguments.get("from"))
        if where not in inactive and (not wanted or not wanted.isdisjoint(profiles) or "*" in profiles):
            checks.append(check)
    return tuple(checks)


def _check(fields: Fields, services: Collection[str]) -> Check | None:
    fields.only("name", "within", "profiles", *FORMS)
    kinds = [kind for kind in FORMS if kind in fields.node.mapping]
    name = fields.text("name")
    within = fields.duration("within")
    if not name:
        fields.problems.add("has no 'name'", fields.node.span, fields.path, "say what must hold")
    if len(kinds) != 1:
        found = f"has {' and '.join(kinds)}" if kinds else "says not what to check"
        fields.problems.add(found, fields.node.span, fields.path, f"give exactly one of {', '.join(FORMS)}")
        return None
    kind = kinds[0]
    body = fields.mapping(kind)
    if body is None:
        if fields.child(kind) is None:
            fields.problems.expected("a mapping", fields.node.mapping[kind], fields.at(kind))
        return None
    arguments = _arguments(body, FORMS[kind], services)
    return Check(
        name=name or "",
        kind=kind,
        arguments=arguments,
        within=FORMS[kind].within if within is None else within,
        span=fields.node.span,
    )


def _arguments(body: Fields, form: Form, services: Collection[str]) -> dict[str, JSON]:
    body.only(*form.keys)
    for key in form.required:
        if body.child(key) is None:
            body.problems.add(f"has no '{key}'", body.node.span, body.path)
    arguments: dict[str, JSON] = {}
    for key, kind in form.keys.items():
        if key in body.node.mapping and (kind == "json" or body.child(key) is not None):
            value = _value(body, key, kind, services)
            if value is not _WRONG:
                arguments[key] = value
    return arguments


_WRONG: JSON = {}


def _value(body: Fields, key: str, kind: str, services: Collection[str]) -> JSON:
    """One argument as JSON, or `_WRONG` after the problem was recorded."""
    node = body.node.mapping[key]
    if kind in ("json", "text or json"):
        return node.plain()
    if kind in ("boolean", "number", "duration"):
        number = {"boolean": body.boolean, "number": body.whole, "duration": body.duration}[kind](key)
        return _WRONG if number is None else number
    if kind == "texts by name":
        return _texts_by_name(body, key)
    if kind in ("texts", "statuses", "command") and node.is_sequence:
        return _list(body, key, kind)
    text = body.text(key)
    if text is None:
        return _WRONG
    expected = _unexpected(text, kind, services)
    if expected is not None:
        what, hint = expected
        body.problems.add(f"expected {what}, found '{text}'", node.span, body.at(key), hint)
        return _WRONG
    if kind == "statuses":
        return [int(text)]
    return [text] if kind == "texts" else text


def _texts_by_name(body: Fields, key: str) -> JSON:
    section = body.mapping(key)
    if section is None:
        return _WRONG
    return {name: section.text(name) or "" for name in section.node.mapping}


def _list(body: Fields, key: str, kind: str) -> JSON:
    values: list[JSON] = []
    for item in body.items(key):
        text = "" if item.is_mapping or item.is_sequence else plain_text(item)
        if item.is_mapping or item.is_sequence or (kind == "statuses" and _unexpected(text, kind, ())):
            body.problems.expected("a status from 100 to 599" if kind == "statuses" else "text", item, body.at(key))
            return _WRONG
        values.append(int(text) if kind == "statuses" else text)
    if not values:
        body.problems.add("is empty", body.node.mapping[key].span, body.at(key))
        return _WRONG
    return values


def _unexpected(text: str, kind: str, services: Collection[str]) -> tuple[str, str | None] | None:
    """What was expected instead of `text`, with a hint; None when it is right."""
    if kind == "service" and text not in services:
        return "a service", nearest(text, services)
    if kind == "service or host" and text != HOST and text not in services:
        return f"a service, or '{HOST}' for this machine", nearest(text, services)
    if kind == "url" and not _is_url(text):
        return "a URL with http:// or https:// and a host", None
    if kind == "endpoint" and not _is_endpoint(text):
        return "host:port", None
    if kind == "method" and text.upper() not in _METHODS:
        return f"one of {', '.join(_METHODS)}", None
    if kind == "statuses" and not (text.isascii() and text.isdigit() and 100 <= int(text) <= 599):
        return "a status from 100 to 599", None
    return None


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _is_endpoint(text: str) -> bool:
    return _ENDPOINT.fullmatch(text) is not None and 0 < int(text.rpartition(":")[2]) <= 65535
