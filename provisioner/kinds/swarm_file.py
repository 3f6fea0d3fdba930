"""Swarm's configs and secrets: immutable, one object for each version, named by it. Values never come here."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from provisioner.kinds.context import DecodeContext, EncodeContext, ParseContext
from provisioner.kinds.fields import (
    SAME,
    Field,
    custom,
    decode_fields,
    encode_fields,
    get_path,
    parse_fields,
    set_path,
)
from provisioner.kinds.labels import decode_labels, encode_labels, parse_labels
from provisioner.model.change import Impact

if TYPE_CHECKING:
    from provisioner.model.address import Address
    from provisioner.model.edges import ComposeBody, EngineBody
    from provisioner.model.state import Spec

# The version of the content: a digest for configs, a keyed fingerprint for secrets.
VERSION = "provisioner.version"
# Where the content of a secret came from: a tier, and the tier's own version after a colon.
SOURCE = "provisioner.source"
# Which version of it this is, counted from 1: clocks of managers differ, and a version may be used again.
GENERATION = "provisioner.generation"
LONGEST_NAME = 64
# Bytes; swarmkit refuses 1000 KiB, and nothing at all.
LARGEST_CONFIG = 1000 * 1024 - 1
_SUFFIX = 12

FIELDS: tuple[Field, ...] = (
    custom(
        "version", "Spec.Labels", "version of the content", lambda body: None,
        lambda raw, value: raw["Labels"].update({VERSION: value}),
        lambda raw: (raw["Spec"].get("Labels") or {}).get(VERSION), default="", impact=Impact.IN_PLACE, swarm=SAME,
    ),
    custom(
        "labels", "Spec.Labels", "labels", parse_labels, encode_labels, lambda raw: decode_labels(raw["Spec"]),
        default={}, keyed=True, impact=Impact.IN_PLACE, swarm=SAME,
    ),
    custom(
        "template_driver", "Spec.Templating.Name", "driver of templates in it",
        lambda body: body.get("template_driver"), lambda raw, value: set_path(raw, "Templating.Name", value),
        lambda raw: get_path(raw, "Spec.Templating.Name"), swarm=SAME,
    ),
)  # fmt: skip


def object_name(project: str, address: Address, version: str, template_driver: str | None = None) -> str:
    """The name on the Swarm: `<project>_<key>.<suffix>`, 64 characters at most; the same version, the same name."""
    what = f"{address}\0{version}" + (f"\0{template_driver}" if template_driver else "")
    digest = hashlib.sha256(what.encode()).digest()
    suffix = base64.b32encode(digest).decode().lower()[:_SUFFIX]
    return f"{project}_{address.name}"[: LONGEST_NAME - _SUFFIX - 1].rstrip("._-") + f".{suffix}"


def age(raw: EngineBody) -> tuple[int, str]:
    """What orders the versions of one config or secret, from an inspection: the larger, the newer."""
    number = (raw["Spec"].get("Labels") or {}).get(GENERATION, "")
    return int(number) if number.isdecimal() else 0, str(raw.get("CreatedAt") or "")


def parse(body: ComposeBody, version: str) -> Spec:
    """The spec of a config or secret with this version of its content."""
    return parse_fields(FIELDS, body, ParseContext()) | {"version": version}


def encode(spec: Spec, labels: dict[str, str], data: bytes) -> EngineBody:
    """The body of POST /secrets/create or /configs/create, without the name."""
    raw: EngineBody = {"Labels": dict(labels), "Data": base64.b64encode(data).decode()}
    encode_fields(FIELDS, raw, spec, EncodeContext())
    return raw


def decode(raw: EngineBody) -> Spec:
    """The spec from an inspection; the content itself is never given back for secrets, nor asked of configs."""
    return decode_fields(FIELDS, raw, DecodeContext())
