"""Swarm services: what a playbook's service is on a Swarm (POST /services/create, API 1.41 and later)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from provisioner.kinds import swarm_scheduling as scheduling
from provisioner.kinds.compare import compare
from provisioner.kinds.fields import Raw, decode_fields, encode_fields, get_path, parse_fields
from provisioner.kinds.swarm_fields import FIELDS as FIELDS
from provisioner.kinds.swarm_scheduling import SPEC, TASK
from provisioner.kinds.swarm_task import PIN_LABEL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.kinds.context import DecodeContext, EncodeContext, ParseContext
    from provisioner.model.change import FieldChange
    from provisioner.model.positions import Positions
    from provisioner.model.state import ImageFacts, Spec


# The observed side's key, and its label, for values that an adopted service has only because another tool made it: by
# the path of a field. The next update by an apply leaves the label out.
FORM, FORM_LABEL = "form", "provisioner.form"
_NOT_FORM = object()


def parse(body: Raw, context: ParseContext) -> Spec:
    """The spec of a service from its canonical body. What Swarm has not is not looked at; the platform refuses it."""
    return parse_fields(FIELDS, body, context)


def with_image_command(spec: Spec, image: ImageFacts | None) -> Spec:
    """The spec in which the image's own command stands where the image's entrypoint is cleared, and no command given.

    Unchanged where the image is not known.
    """
    if spec["entrypoint"] != [] or image is None:
        return spec
    return {**spec, "entrypoint": list(image.command)}


def encode(spec: Spec, context: EncodeContext) -> Raw:
    """The ServiceSpec, complete: an update replaces the whole."""
    raw: Raw = {"Name": context.name, "Labels": {}, TASK: {"ContainerSpec": {"Labels": {}}, "Networks": []}}
    encode_fields(FIELDS, raw, spec, context)
    raw["Labels"] |= context.labels
    raw[TASK]["ForceUpdate"] = context.force_update
    return raw


def decode(raw: Raw, context: DecodeContext) -> Spec:
    """The spec of a service from its inspection (Service.Spec)."""
    labels = raw["Spec"].get("Labels") or {}
    return {**decode_fields(FIELDS, raw["Spec"], context), FORM: json.loads(labels.get(FORM_LABEL) or "{}")}


def differences(
    desired: Spec, observed: Spec, spans: Positions | None = None, declared: frozenset[str] = frozenset()
) -> tuple[FieldChange, ...]:
    """The fields in which a service differs. A file from another config or secret is one difference, not two."""
    form, compared = observed.get(FORM) or {}, compare(FIELDS, desired, observed, spans, declared)
    found = [change for change in compared if form.get(change.path, _NOT_FORM) != change.before]
    other = {change.path.removesuffix(".source") for change in found if change.path.endswith(".source")}
    return tuple(change for change in found if change.path.removesuffix(".version") not in other)


def file_ids(live: Mapping[str, Any]) -> list[str]:
    """The ids of the configs and secrets that a live spec (Service.Spec, Service.PreviousSpec) refers to."""
    container = get_path(live, SPEC) or {}
    secrets = [entry["SecretID"] for entry in container.get("Secrets") or []]
    return secrets + [entry["ConfigID"] for entry in container.get("Configs") or []]


def restarts_always(raw: Mapping[str, Any]) -> bool:
    """Whether a live service's tasks are followed by others however they end."""
    return str(scheduling.decode_restart(dict(raw["Spec"]))["condition"]) == "any"


def decode_mode(raw: Mapping[str, Any]) -> str:
    """The mode of a live service: replicated, global, or one of the two kinds of job."""
    return scheduling.decode_mode(dict(raw["Spec"]))


def pinned(raw: Mapping[str, Any]) -> str:
    """The reference with its digest that a service was last given by an apply; empty where that is not known."""
    return str((raw["Spec"].get("Labels") or {}).get(PIN_LABEL) or "")
