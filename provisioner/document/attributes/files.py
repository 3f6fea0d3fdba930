"""Secrets and configs: where they are declared, what the playbook language adds to secrets, where services use them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.document.attributes.external import EXTERNAL, canonical_external
from provisioner.document.attributes.shapes import (
    AS_TEXT,
    DURATION,
    EXPLICIT_FLAG,
    FREE,
    KEPT_STRUCT,
    LIST,
    MODE,
    STRUCT,
    TEXT,
    WHOLE,
    field,
    labels,
    named,
    null_is_empty,
    null_is_text,
    one_of,
)
from provisioner.document.paths import file_target
from provisioner.document.shape import NULL, SEQUENCE, STRING, Finish, Place, Row, mapping, scalar
from provisioner.model.node import Node

if TYPE_CHECKING:
    from collections.abc import Callable


def _source_only(node: Node, _place: Place) -> Node | None:
    return mapping({"source": Node(node.value, node.span, node.text)}, Node({}, node.span, None, {}, node.tag))


def _secret_target(node: Node, _place: Place) -> Node:
    entries = dict(node.mapping)
    source = entries.get("source")
    if source is not None and not field(node, "target"):
        entries["target"] = scalar(f"/run/secrets/{source.value}", source)
    return mapping(entries, node)


def _build_key(node: Node) -> str:
    return field(node, "target") or field(node, "source")


def _target(kind: str) -> Callable[[Node], str]:
    """The key of a file of configs or secrets: where it stands, however that is written."""
    return lambda node: file_target(kind, field(node, "target") or field(node, "source"))


def _distinct(key: Callable[[Node], str]) -> Finish:
    """Tell of two sources with one target in one list; in several files the later one replaces the earlier."""

    def check(node: Node, place: Place) -> Node:
        first: dict[str, Node] = {}
        for item in node.items:
            other = first.setdefault(key(item), item)
            if field(other, "source") != field(item, "source"):
                given = item.get("target") or item
                target, holder = field(item, "target") or field(item, "source"), field(other, "source")
                problem = f"'{target}' is the target of '{holder}' already ({other.span})"
                place.wrong(problem, given.span, "give each a target of its own")
        return node

    return check


def _canonical_form(node: Node, place: Place) -> Node:
    """There is one source of the content at most."""
    node = canonical_external(node, place)
    given = [key for key in ("file", "environment", "content", "template") if key in node.mapping]
    if len(given) > 1:
        place.wrong(f"{' and '.join(given)} exclude each other", node.key_spans[given[1]], "keep one of them")
    return node


_OVERRIDE = "It may cover a file of the system, such as /etc/hosts."
_USE = replace(STRUCT, expected="a name, or a mapping", required=("source",))
_TIER = one_of("env_local", "docker", "aws")
_LENGTH = replace(WHOLE, expected="a whole number from 8 to 1024", minimum=8, maximum=1024)


def _use(section: str) -> tuple[Row, ...]:
    at = f"services.*.{section}"
    finish = _secret_target if section == "secrets" else None
    unique = _build_key if section == "build.secrets" else _target(section)
    where = "/<source>" if section == "configs" else "/run/secrets/<source>"
    return (
        Row(at, LIST, f"The {section.rsplit('.', 1)[-1]} it may read.", unique=unique, finish=_distinct(unique)),
        Row(f"{at}.*", _USE, expand=_source_only, short=(STRING,), finish=finish),
        Row(f"{at}.*.source", TEXT, "Its name in this file."),
        Row(f"{at}.*.target", TEXT, f"The file in the container; default {where}."),
        Row(f"{at}.*.uid", TEXT),
        Row(f"{at}.*.gid", TEXT),
        Row(f"{at}.*.mode", MODE),
        *((Row(f"{at}.*.override", EXPLICIT_FLAG, _OVERRIDE, own=True),) if section != "build.secrets" else ()),
    )


def _declared(section: str) -> tuple[Row, ...]:
    at = f"{section}.*"
    return (
        Row(section, named(f"a mapping of {section}"), f"{section.capitalize()} that services may use."),
        Row(at, KEPT_STRUCT, expand=null_is_empty, short=(NULL,), finish=_canonical_form),
        Row(f"{at}.name", TEXT, "Its name on the engine."),
        Row(f"{at}.file", TEXT, "A file that holds it.", location=True),
        Row(f"{at}.environment", TEXT, "The environment variable that holds it."),
        Row(f"{at}.external", EXTERNAL, "It exists already and is not managed."),
        Row(f"{at}.external.name", TEXT),
        Row(f"{at}.labels", FREE, expand=labels, short=(SEQUENCE,)),
        Row(f"{at}.labels.*", AS_TEXT, expand=null_is_text, short=(NULL,)),
        Row(f"{at}.driver", TEXT),
        Row(f"{at}.driver_opts", FREE),
        Row(f"{at}.driver_opts.*", AS_TEXT),
        Row(f"{at}.template_driver", TEXT),
    )


ROWS = (
    *_use("secrets"),
    *_use("configs"),
    *_use("build.secrets"),
    *_declared("configs"),
    Row("configs.*.content", TEXT, "Its content."),
    *_declared("secrets"),
    Row("secrets.*.template", TEXT, "Its value, built from others: ${secret:NAME}.", own=True),
    Row("secrets.*.env", TEXT, "Its name in .env.local; default: the key in upper case.", own=True),
    Row("secrets.*.aws", TEXT, "Its id or ARN in AWS Secrets Manager, '#' a JSON key.", own=True),
    Row("secrets.*.sources", LIST, "The tiers it may come from, in order.", own=True),
    Row("secrets.*.sources.*", _TIER, own=True),
    Row("secrets.*.generate", KEPT_STRUCT, "Make it once where no tier has it.", null_is_empty, (NULL,), own=True),
    Row("secrets.*.generate.length", _LENGTH, "Characters.", own=True),
    Row("secrets.*.generate.charset", one_of("alphanumeric", "hex", "base64url"), own=True),
    Row("secrets.*.allow_env", EXPLICIT_FLAG, "It may be put into an environment.", own=True),
    Row("secrets.*.readers", LIST, "The services that may use it.", own=True),
    Row("secrets.*.readers.*", TEXT, own=True),
    Row("secrets.*.rotate", KEPT_STRUCT, "How it is rotated.", own=True),
    Row("secrets.*.rotate.every", DURATION, "Its greatest age.", own=True),
)
