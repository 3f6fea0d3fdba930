"""Volumes: Compose's top-level `volumes`, Engine API Volume (POST /volumes/create). Replacing one loses its data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.kinds.fields import SAME, Field, Raw, plain
from provisioner.kinds.ownership import user_labels
from provisioner.kinds.values import pairs
from provisioner.model.change import Impact

if TYPE_CHECKING:
    from provisioner.model.state import Spec

KIND = "volume"

FIELDS: tuple[Field, ...] = (
    plain("driver", "Driver", "who stores the data", default="local", impact=Impact.DATA_LOSS, swarm=SAME),
    plain(
        "driver_opts",
        "DriverOpts",
        "options of the driver",
        default={},
        read=pairs,
        keyed=True,
        impact=Impact.DATA_LOSS,
        swarm=SAME,
    ),
    Field(
        key="labels",
        swarm=SAME,
        impact=Impact.DATA_LOSS,
        summary="labels",
        api="Labels",
        default={},
        keyed=True,
        parse=lambda body: dict(pairs(body.get("labels"), "=")),
        encode=lambda raw, value: raw.setdefault("Labels", {}).update(value),
        decode=lambda raw: dict(user_labels(raw.get("Labels"))),
    ),
)


def parse(body: Raw) -> Spec:
    """The spec of a volume from its canonical body."""
    return {field.key: field.parse(body) for field in FIELDS}


def encode(spec: Spec, labels: dict[str, str]) -> Raw:
    """The body of POST /volumes/create, without the name. `labels` are the ownership labels."""
    raw: Raw = {"Labels": {}}
    for field in FIELDS:
        field.encode(raw, spec[field.key])
    raw["Labels"].update(labels)
    return raw


def decode(raw: Raw) -> Spec:
    """The spec of a volume from its inspection (GET /volumes/{name}), where the options are called Options."""
    return {field.key: field.decode({**raw, "DriverOpts": raw.get("Options")}) for field in FIELDS}
