"""The top level of a playbook: what Compose has there, and what the playbook language adds."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from provisioner.document.attributes.commands import WORD
from provisioner.document.attributes.shapes import (
    ANYTHING,
    AS_TEXT,
    DURATION,
    EXPLICIT_FLAG,
    FLAG,
    FREE,
    KEPT_STRUCT,
    LIST,
    SAID,
    STRUCT,
    TEXT,
    WHOLE,
    drop,
    not_empty,
    one_of,
    to_list,
)
from provisioner.document.shape import NULL, SEQUENCE, STRING, Merge, Place, Row, Shape, mapping
from provisioner.model.node import Node

if TYPE_CHECKING:
    from provisioner.model.node import Scalar


def _include(node: Node, _place: Place) -> Node | None:
    return mapping({"path": Node(node.value, node.span, node.text)}, Node({}, node.span, None, {}, node.tag))


def _one_check(node: Node, place: Place) -> Node:
    """A check says what it looks at: exactly one of its kinds."""
    given = [key for key in _CHECKS if key in node.mapping]
    if len(given) != 1:
        shown = " and ".join(given) if given else "none of them"
        place.wrong(f"expected one of {', '.join(_CHECKS)}, found {shown}", node.span)
    return node


# The kinds of checks.
_CHECKS = ("http", "exec", "tcp")
_STATUS = replace(WHOLE, expected="an HTTP status from 100 to 599", minimum=100, maximum=599, keep=True)
_EXIT_CODE = replace(WHOLE, expected="an exit code from 0 to 255", minimum=0, maximum=255, keep=True)
_NAME = Shape(
    (STRING,), "lower-case letters, digits, '-' and '_', a letter or digit first", pattern=r"[a-z0-9][a-z0-9_-]*"
)


def _http(at: str) -> tuple[Row, ...]:
    return (
        Row(at, replace(KEPT_STRUCT, required=("url",)), "A request and what must come back.", own=True),
        Row(f"{at}.url", _URL, own=True),
        Row(f"{at}.method", one_of("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"), own=True),
        Row(f"{at}.headers", FREE, "Headers that are sent.", own=True),
        Row(f"{at}.headers.*", AS_TEXT, own=True),
        Row(f"{at}.body", ANYTHING, "What is sent: text, or what is sent as JSON.", own=True),
        Row(f"{at}.follow", EXPLICIT_FLAG, "Follow redirects.", own=True),
        Row(f"{at}.insecure", EXPLICIT_FLAG, "Take any certificate.", own=True),
        Row(f"{at}.timeout", DURATION, "How long one answer may take.", own=True),
        Row(f"{at}.status", _STATUSES, "The status, or the ones that are right.", finish=not_empty, own=True),
        Row(f"{at}.status.*", _STATUS, own=True),
        Row(f"{at}.json", ANYTHING, "What the answer must contain.", own=True),
        Row(f"{at}.contains", _TEXTS, "Text that the answer must contain.", finish=not_empty, own=True),
        Row(f"{at}.contains.*", AS_TEXT, own=True),
        Row(f"{at}.matches", TEXT, "A regular expression that the answer must match.", own=True),
        Row(f"{at}.response_headers", FREE, "Headers that must come back.", own=True),
        Row(f"{at}.response_headers.*", AS_TEXT, own=True),
    )


def _exec(at: str) -> tuple[Row, ...]:
    return (
        Row(at, replace(KEPT_STRUCT, required=("service", "command")), "A command in a container.", own=True),
        Row(f"{at}.service", TEXT, own=True),
        Row(f"{at}.command", _COMMAND, "Words, or a line for sh.", finish=not_empty, merge=Merge.REPLACE, own=True),
        Row(f"{at}.command.*", WORD, own=True),
        Row(f"{at}.user", AS_TEXT, own=True),
        Row(f"{at}.environment", FREE, own=True),
        Row(f"{at}.environment.*", AS_TEXT, own=True),
        Row(f"{at}.exit_code", _EXIT_CODE, own=True),
        Row(f"{at}.timeout", DURATION, "How long one attempt may take; default: 60s, or within.", own=True),
        Row(f"{at}.stdout", replace(AS_TEXT, keep=True), own=True),
        Row(f"{at}.stdout_matches", TEXT, own=True),
        Row(f"{at}.stderr", replace(AS_TEXT, keep=True), own=True),
        Row(f"{at}.stderr_matches", TEXT, own=True),
    )


def _tcp(at: str) -> tuple[Row, ...]:
    return (
        Row(at, replace(KEPT_STRUCT, required=("to",)), "Whether a port can be reached.", own=True),
        Row(f"{at}.from", TEXT, "A service, or host; default: host.", own=True),
        Row(f"{at}.to", _ENDPOINT, own=True),
        Row(f"{at}.reachable", EXPLICIT_FLAG, own=True),
        Row(f"{at}.timeout", DURATION, own=True),
    )


def _to_url(node: Node) -> Scalar:
    try:
        parts = urlsplit(str(node.value))
        right = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        right = False
    if not right:
        raise ValueError(f"expected {_URL.expected}")
    return str(node.value)


def _to_endpoint(node: Node) -> Scalar:
    host, _, port = str(node.value).rpartition(":")
    if not re.fullmatch(r"\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9_.-]+", host) or not port.isascii() or not port.isdigit():
        raise ValueError(f"expected {_ENDPOINT.expected}")
    if not 0 < int(port) <= 65535:
        raise ValueError("expected a port from 1 to 65535")
    return str(node.value)


_URL = Shape((STRING,), "an address with http:// or https:// and a host", _to_url, pattern=r"https?://.+")
_ENDPOINT = Shape((STRING,), "HOST:PORT", _to_endpoint, pattern=r".+:[0-9]+")
_STATUSES = replace(_STATUS, kinds=(*_STATUS.kinds, SEQUENCE), expected=f"{_STATUS.expected}, or a list of them")
_TEXTS = replace(AS_TEXT, kinds=(*AS_TEXT.kinds, SEQUENCE), expected="text, or a list of texts")
_COMMAND = Shape((STRING, SEQUENCE), "a command, as text or a list of words")

ROWS = (
    Row("", STRUCT),
    Row("version", Shape((STRING,), "text"), "Obsolete and ignored."),
    Row("name", TEXT, "The system's name; capitals and signs are left out where objects are named."),
    Row("include", LIST, "Other files whose content belongs here.", drop, (NULL,)),
    Row(
        "include.*",
        replace(STRUCT, expected="a path, or a mapping", required=("path",)),
        expand=_include,
        short=(STRING,),
    ),
    Row("include.*.path", LIST, expand=to_list, short=(STRING,)),
    Row("include.*.path.*", TEXT, location=True),
    Row("include.*.env_file", LIST, expand=to_list, short=(STRING,)),
    Row("include.*.env_file.*", TEXT, location=True),
    Row("include.*.project_directory", TEXT, location=True),
    Row("environment", _NAME, "Which environment this is; default: the file's name.", own=True),
    Row("extends", LIST, "Playbooks this one starts from, merged in order.", to_list, (STRING,), own=True),
    Row("extends.*", TEXT, location=True, own=True),
    Row("env_files", LIST, "Files of variables for ${…}.", to_list, (STRING,), own=True),
    Row("env_files.*", TEXT, location=True, own=True),
    Row("vars", FREE, "Variables for ${…}, of lowest precedence.", own=True),
    Row("vars.*", AS_TEXT, own=True),
    Row("engine", KEPT_STRUCT, "Which engine, and how services run on it.", own=True),
    Row("engine.mode", one_of("auto", "containers", "swarm"), own=True),
    Row("engine.context", TEXT, "A Docker context.", own=True),
    Row("engine.compose_labels", FLAG, "Carry the labels by which Compose and other tools group (default).", own=True),
    Row(
        "engine.host",
        Shape(
            (STRING,),
            "an address like ssh://user@host, unix:///path or tcp://host:2376",
            pattern=r"(unix|tcp|ssh|npipe|https?)://.+",
        ),
        own=True,
    ),
    Row("moved", LIST, "Objects that have another address now: they are kept, not made anew.", own=True),
    Row("moved.*", replace(STRUCT, required=("from", "to")), own=True),
    Row("moved.*.from", TEXT, "Its address until now, such as service.web.", own=True),
    Row("moved.*.to", TEXT, "Its address from now on.", own=True),
    Row("verify", LIST, "Acceptance criteria.", own=True),
    Row("verify.*", replace(STRUCT, required=("name",)), finish=_one_check, own=True),
    Row("verify.*.name", SAID, "What is true when it passes.", own=True),
    Row("verify.*.within", DURATION, "How long it may take to become true.", own=True),
    Row("verify.*.profiles", LIST, "Run it only where one of these profiles is active.", to_list, (STRING,), own=True),
    Row("verify.*.profiles.*", TEXT, own=True),
    *_http("verify.*.http"),
    *_exec("verify.*.exec"),
    *_tcp("verify.*.tcp"),
    Row("lint", STRUCT, own=True),
    Row("lint.ignore", LIST, "Findings that are accepted, with the reason.", own=True),
    Row("lint.ignore.*", replace(STRUCT, required=("rule", "reason")), own=True),
    Row("lint.ignore.*.rule", Shape((STRING,), "a rule's id like P004", pattern=r"[A-Z]+[0-9]+"), own=True),
    Row("lint.ignore.*.service", TEXT, own=True),
    Row("lint.ignore.*.reason", SAID, own=True),
)
