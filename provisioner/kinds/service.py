"""Swarm services: what a playbook's service is on a Swarm (POST /services/create, API 1.41 and later)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from provisioner.kinds import swarm_scheduling as scheduling
from provisioner.kinds.compare import compare
from provisioner.kinds.fields import decode_fields, encode_fields, get_path, parse_fields
from provisioner.kinds.swarm_fields import FIELDS as FIELDS
from provisioner.kinds.swarm_scheduling import SPEC
from provisioner.kinds.swarm_scheduling import TASK as TASK
from provisioner.kinds.swarm_task import PIN_LABEL

if TYPE_CHECKING:
    from collections.abc import Collection

    from provisioner.kinds.context import DecodeContext, EncodeContext, ParseContext
    from provisioner.model.change import FieldChange
    from provisioner.model.edges import ComposeBody, EngineBody, EngineJson
    from provisioner.model.node import Node
    from provisioner.model.positions import Positions
    from provisioner.model.state import ImageFacts, Spec


# The observed side's key, and its label, for values that an adopted service has only because another tool made it: by
# the path of a field. They hold until an update changes the part of the spec that they are in.
FORM, FORM_LABEL = "form", "provisioner.form"
_NOT_FORM = object()
# Tasks whose node fits the new placement go on.
PLACEMENT, ENDPOINT = f"{TASK}.Placement", "EndpointSpec"
_PARTS = (PLACEMENT, TASK, ENDPOINT, "UpdateConfig", "RollbackConfig")
_API = {field.key: field.api for field in FIELDS}
# What the fields say, and within what they say only a part of.
_PRIVILEGES = f"{SPEC}.Privileges"
_SAID = {*_API.values()} - {_PRIVILEGES} | {
    f"{_PRIVILEGES}.{option}" for option in ("NoNewPrivileges", "Seccomp", "AppArmor")
}


def parse(body: ComposeBody, context: ParseContext) -> Spec:
    """The spec of a service from its canonical body. What Swarm has not is not looked at; the platform refuses it."""
    return parse_fields(FIELDS, body, context)


def with_image_command(spec: Spec, image: ImageFacts | None) -> Spec:
    """The spec in which the image's own command stands where the image's entrypoint is cleared, and no command given.

    Unchanged where the image is not known.
    """
    if spec["entrypoint"] != [] or image is None:
        return spec
    return {**spec, "entrypoint": list(image.command)}


def encode(spec: Spec, context: EncodeContext) -> EngineBody:
    """The ServiceSpec, complete: an update replaces the whole."""
    raw: EngineBody = {"Name": context.name, "Labels": {}, TASK: {"ContainerSpec": {"Labels": {}}, "Networks": []}}
    encode_fields(FIELDS, raw, spec, context)
    raw["Labels"] |= context.labels
    raw[TASK]["ForceUpdate"] = context.force_update
    return raw


def decode(raw: EngineBody, context: DecodeContext) -> Spec:
    """The spec of a service from its inspection (Service.Spec)."""
    labels = raw["Spec"].get("Labels") or {}
    return {**decode_fields(FIELDS, raw["Spec"], context), FORM: json.loads(labels.get(FORM_LABEL) or "{}")}


def declared_policies(body: Node) -> frozenset[str]:
    """The parts of the update policies that a service declares, as paths of its fields; `update` stands for all."""
    places = [(key, ("deploy", key)) for key in ("update_config", "rollback_config")]
    paths: list[str] = []
    for key, place in (*places, ("update_config", ("update",))):
        node = body.get(*place)
        if node is not None and node.is_mapping:
            paths += [f"{key}.{part.replace('on_failure', 'failure_action')}" for part in node.mapping]
    return frozenset(paths)


def differences(
    desired: Spec, observed: Spec, spans: Positions | None = None, declared: frozenset[str] = frozenset()
) -> tuple[FieldChange, ...]:
    """The fields in which a service differs. A file from another config or secret is one difference, not two."""
    form, compared = observed.get(FORM) or {}, compare(FIELDS, desired, observed, spans, declared)
    # What the file says now it says of the policy that another tool gave, too.
    said = declared_policies(spans.body) if spans is not None and spans.body is not None else frozenset()
    changes = [
        change for change in compared if change.path in said or form.get(change.path, _NOT_FORM) != change.before
    ]
    other = {change.path.removesuffix(".source") for change in changes if change.path.endswith(".source")}
    return tuple(change for change in changes if change.path.removesuffix(".version") not in other)


def file_ids(live: EngineJson) -> list[str]:
    """The ids of the configs and secrets that a live spec (Service.Spec, Service.PreviousSpec) refers to."""
    container = get_path(live, SPEC) or {}
    secrets = [entry["SecretID"] for entry in container.get("Secrets") or []]
    return secrets + [entry["ConfigID"] for entry in container.get("Configs") or []]


def restarts_always(raw: EngineJson) -> bool:
    """Whether a live service's tasks are followed by others however they end."""
    return str(scheduling.decode_restart(dict(raw["Spec"]))["condition"]) == "any"


def decode_mode(raw: EngineJson) -> str:
    """The mode of a live service: replicated, global, or one of the two kinds of job."""
    return scheduling.decode_mode(dict(raw["Spec"]))


def pinned(raw: EngineJson) -> str:
    """The reference with its digest that a service was last given by an apply; empty where that is not known."""
    return str((raw["Spec"].get("Labels") or {}).get(PIN_LABEL) or "")


# Parts of the spec ----------------------------------------------------------------------------------------------------
#
# An update changes those in which something differs, and no others. A Swarm makes the tasks anew whose template or
# endpoint is not the very one that they were made from (swarmkit, manager/orchestrator/task.go, IsTaskDirty), and who
# made the service before writes the same in another form.


def part_of(path: str) -> str:
    """The part that a difference at a path is in. What is no field (a state, a job that is due) needs new tasks."""
    key = next((key for key in _API if path == key or path.startswith(f"{key}.")), None)
    if key is None:
        return TASK
    return next((part for part in _PARTS if f"{_API[key]}.".startswith(f"{part}.")), _API[key].partition(".")[0])


def keep(body: ComposeBody, live: EngineJson, changed: Collection[str]) -> None:
    """Give a complete ServiceSpec the parts of the live one that are not `changed`, with the labels that tell of them.

    Of a task template that is changed only that stays which no field can say.
    """
    if TASK in changed:
        _keep_unsaid(body[TASK], live.get(TASK) or {}, TASK)
        return
    placement, forced = body[TASK].get("Placement"), body[TASK].get("ForceUpdate")
    for part in _PARTS[1:]:
        if part not in changed:
            body.pop(part, None)
            if part in live:
                body[part] = live[part]
    if PLACEMENT in changed:
        body[TASK] = {**body[TASK], "Placement": placement or {}}
    if forced != (body[TASK].get("ForceUpdate") or 0):
        body[TASK] = {**body[TASK], "ForceUpdate": forced}
    body["Labels"][PIN_LABEL] = get_path(body, f"{SPEC}.Image")
    form = json.loads((live.get("Labels") or {}).get(FORM_LABEL) or "{}")
    if left := {path: value for path, value in form.items() if part_of(path) not in changed}:
        body["Labels"][FORM_LABEL] = json.dumps(left, sort_keys=True)


def _keep_unsaid(body: ComposeBody, live: EngineJson, place: str) -> None:
    for key, value in live.items():
        path = f"{place}.{key}"
        if path in _SAID or value is None:
            continue
        if not any(said.startswith(f"{path}.") for said in _SAID):
            body.setdefault(key, value)
        elif isinstance(value, dict):
            inner = dict(body.get(key) or {})
            _keep_unsaid(inner, value, path)
            if inner:
                body[key] = inner
