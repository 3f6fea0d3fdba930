"""services.*.build: how an image is built."""

from __future__ import annotations

import re
from dataclasses import replace

from provisioner.document.attributes.environment import OPTIONAL_VALUE
from provisioner.document.attributes.hosts import HOSTS, expand_hosts
from provisioner.document.attributes.shapes import (
    AS_TEXT,
    FLAG,
    FREE,
    KEPT_STRUCT,
    LIMITS,
    LIST,
    SIZE,
    TEXT,
    WHOLE,
    labels,
    local_path,
    null_is_text,
    pairs,
    text_key,
    to_list,
)
from provisioner.document.quantities import to_integer
from provisioner.document.shape import (
    BOOLEAN,
    INTEGER,
    MAPPING,
    NULL,
    SEQUENCE,
    STRING,
    Merge,
    Place,
    Row,
    Shape,
    mapping,
    scalar,
    sequence,
)
from provisioner.model.node import Node

_REMOTE = re.compile(
    r"(?:https?|git|ssh|docker-image|oci-layout|target|service)://?|git@|github\.com/|service:|target:"
)


def _text_or_flag(node: Node) -> str:
    return str(node.value).lower() if isinstance(node.value, bool) else str(node.value)


_TEXT_OR_FLAG = Shape((STRING, BOOLEAN), "text, true or false", _text_or_flag)


def _expand(node: Node, _place: Place) -> Node | None:
    return mapping({"context": Node(node.value, node.span, node.text)}, Node({}, node.span, None, {}, node.tag))


def _canonical_form(node: Node, place: Place) -> Node:
    """Contexts and keys that lie on this machine become absolute; anything with a scheme stays as it is."""
    entries = dict(node.mapping)
    context = entries.get("context")
    if context is not None:
        entries["context"] = _local(context, place)
    more = entries.get("additional_contexts")
    if more is not None and more.is_mapping:
        entries["additional_contexts"] = mapping({key: _local(item, place) for key, item in more.mapping.items()}, more)
    keys = entries.get("ssh")
    if keys is not None and keys.is_sequence:
        entries["ssh"] = sequence([_key_files(item, place) for item in keys.items], keys)
    if entries.get("dockerfile") is not None and entries.get("dockerfile_inline") is not None:
        place.wrong(
            "'dockerfile' and 'dockerfile_inline' exclude each other",
            node.key_spans["dockerfile_inline"],
            "keep one of them",
        )
    return mapping(entries, node)


def _local(node: Node, place: Place) -> Node:
    if not isinstance(node.value, str) or _REMOTE.match(node.value):
        return node
    return replace(node, value=local_path(node.value, place))


def _key_files(node: Node, place: Place) -> Node:
    """`id=./key`, or several keys, or the socket of an agent."""
    name, given, files = str(node.value).partition("=")
    if not given:
        return node
    return replace(node, value=f"{name}={','.join(local_path(file, place) for file in files.split(','))}")


def _ssh(node: Node, _place: Place) -> Node | None:
    """One text, or a mapping from ids to keys, as the list that is written canonically."""
    if node.is_mapping:
        items = [
            scalar(key if item.value is None else f"{key}={item.value}", item) for key, item in node.mapping.items()
        ]
        return sequence(sorted(items, key=text_key), node)
    return sequence([Node(node.value, node.span, node.text)], node)


AT = "services.*.build"
ROWS = (
    Row(AT, KEPT_STRUCT, "How its image is built.", _expand, (STRING,), finish=_canonical_form),
    Row(f"{AT}.context", TEXT, "The folder, or address, with the sources."),
    Row(f"{AT}.dockerfile", TEXT, "Its Dockerfile, relative to the context."),
    Row(f"{AT}.dockerfile_inline", TEXT, "The Dockerfile itself."),
    Row(f"{AT}.entitlements", LIST),
    Row(f"{AT}.entitlements.*", TEXT),
    Row(f"{AT}.args", FREE, "Build arguments.", pairs, (SEQUENCE,)),
    Row(f"{AT}.args.*", OPTIONAL_VALUE),
    Row(f"{AT}.ssh", LIST, "Keys the build may use.", _ssh, (STRING, MAPPING)),
    Row(f"{AT}.ssh.*", TEXT),
    Row(f"{AT}.labels", FREE, "Labels of the image.", labels, (SEQUENCE,)),
    Row(f"{AT}.labels.*", AS_TEXT, expand=null_is_text, short=(NULL,)),
    Row(f"{AT}.cache_from", LIST),
    Row(f"{AT}.cache_from.*", TEXT),
    Row(f"{AT}.cache_to", LIST),
    Row(f"{AT}.cache_to.*", TEXT),
    Row(f"{AT}.no_cache", FLAG),
    Row(f"{AT}.no_cache_filter", LIST, expand=to_list, short=(STRING,)),
    Row(f"{AT}.no_cache_filter.*", TEXT),
    Row(f"{AT}.additional_contexts", FREE, expand=pairs, short=(SEQUENCE,)),
    Row(f"{AT}.additional_contexts.*", AS_TEXT),
    Row(f"{AT}.network", TEXT),
    Row(f"{AT}.provenance", _TEXT_OR_FLAG),
    Row(f"{AT}.sbom", _TEXT_OR_FLAG),
    Row(f"{AT}.pull", FLAG),
    Row(f"{AT}.target", TEXT, "The stage to build."),
    Row(f"{AT}.shm_size", SIZE),
    Row(
        f"{AT}.extra_hosts",
        HOSTS,
        expand=expand_hosts,
        short=(SEQUENCE, MAPPING),
        merge=Merge.BY_HOST,
        unique=text_key,
        ordered=True,
    ),
    Row(f"{AT}.extra_hosts.*", TEXT),
    Row(f"{AT}.isolation", TEXT),
    Row(f"{AT}.privileged", FLAG),
    Row(f"{AT}.tags", LIST, unique=text_key),
    Row(f"{AT}.tags.*", TEXT),
    Row(f"{AT}.platforms", LIST, unique=text_key),
    Row(f"{AT}.platforms.*", TEXT),
    Row(f"{AT}.ulimits", LIMITS),
    Row(
        f"{AT}.ulimits.*",
        Shape((INTEGER, STRING, MAPPING), "a whole number, or {soft, hard}", to_integer, required=("soft", "hard")),
    ),
    Row(f"{AT}.ulimits.*.soft", replace(WHOLE, keep=True)),
    Row(f"{AT}.ulimits.*.hard", replace(WHOLE, keep=True)),
)
