"""Volumes: Compose's top-level `volumes`, Engine API Volume (POST /volumes/create). Replacing one loses its data."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from provisioner.kinds.context import DecodeContext, EncodeContext, ParseContext
from provisioner.kinds.fields import SAME, Field, custom, decode_fields, encode_fields, parse_fields, plain
from provisioner.kinds.labels import decode_labels, encode_labels, parse_labels
from provisioner.kinds.ownership import PREFIX
from provisioner.kinds.values import pairs
from provisioner.model.change import Impact

if TYPE_CHECKING:
    from provisioner.model.edges import ComposeBody, EngineBody, EngineJson
    from provisioner.model.state import Spec

_DATED = (1, 43)
FIELDS: tuple[Field, ...] = (
    plain("driver", "Driver", "who stores the data", default="local", impact=Impact.DATA_LOSS, swarm=SAME),
    plain(
        "driver_opts", "DriverOpts", "options of the driver", default={}, read=pairs, keyed=True,
        impact=Impact.DATA_LOSS, swarm=SAME,
    ),
    custom(
        "labels", "Labels", "labels", parse_labels, encode_labels, decode_labels, default={}, keyed=True,
        impact=Impact.DATA_LOSS, swarm=SAME,
    ),
)  # fmt: skip


def parse(body: ComposeBody) -> Spec:
    """The spec of a volume from its canonical body."""
    return parse_fields(FIELDS, body, ParseContext())


def encode(spec: Spec, labels: dict[str, str]) -> EngineBody:
    """The body of POST /volumes/create, without the name. `labels` are the ownership labels."""
    raw: EngineBody = {"Labels": {}}
    encode_fields(FIELDS, raw, spec, EncodeContext())
    raw["Labels"].update(labels)
    return raw


def mark(raw: EngineJson) -> str:
    """What tells an inspected volume from a later one of its name beside the time of its creation: a digest of what
    nobody can change of it. Labels of ours are none of that: an adopted volume is shown with them."""
    labels = {key: value for key, value in (raw.get("Labels") or {}).items() if not key.startswith(PREFIX)}
    kept = [labels, raw.get("Driver") or "local", raw.get("Options") or {}]
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]


def is_dated(api_version: tuple[int, int]) -> bool:
    """Whether an engine knows when a volume was made: before 24.0 (API 1.43) it tells when a file was made or removed
    in its topmost folder (moby#44719)."""
    return api_version >= _DATED


def decode(raw: EngineBody) -> Spec:
    """The spec of a volume from its inspection (GET /volumes/{name}), where the options are called Options."""
    return decode_fields(FIELDS, {**raw, "DriverOpts": raw.get("Options")}, DecodeContext())
