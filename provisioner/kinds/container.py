"""Containers: what one replica of a service is on a plain engine (POST /containers/create, API 1.41 and later)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.kinds import container_networks as networks
from provisioner.kinds import hooks
from provisioner.kinds.compare import declared_fields
from provisioner.kinds.container_environment import secrets_in
from provisioner.kinds.container_fields import PLAIN
from provisioner.kinds.container_files import record
from provisioner.kinds.container_mounts import ROOTS, with_anonymous
from provisioner.kinds.container_structured import STRUCTURED
from provisioner.kinds.fields import Field, decode_fields, encode_fields, parse_fields
from provisioner.kinds.ownership import DECLARED_FIELDS
from provisioner.model.state import ImageFacts, Runtime, Spec

if TYPE_CHECKING:
    from provisioner.kinds.context import DecodeContext, EncodeContext, ParseContext
    from provisioner.model.edges import ComposeBody, EngineBody

FIELDS: tuple[Field, ...] = (*STRUCTURED, *PLAIN)


def parse(body: ComposeBody, context: ParseContext) -> Spec:
    """The spec of a service's containers from its canonical body."""
    return parse_fields(FIELDS, body, context)


def encode(spec: Spec, context: EncodeContext) -> EngineBody:
    """The body of POST /containers/create."""
    raw: EngineBody = {"Config": {"Labels": {}}, "HostConfig": {"NetworkMode": "default"}}
    whole = {**spec, "volumes": with_anonymous(spec["volumes"], context.anonymous)}
    encode_fields(FIELDS, raw, whole, context)
    raw["Config"]["Labels"] |= context.labels
    if declared := declared_fields(FIELDS, spec):
        raw["Config"]["Labels"][DECLARED_FIELDS] = ",".join(declared)
    return {**raw.pop("Config"), **raw}


def record_labels(spec: Spec) -> dict[str, str]:
    """The labels with what can not be read back from the engine: the chosen fields that were declared, hooks, and the
    versions of files and of secrets in variables."""
    raw: EngineBody = {"Config": {"Labels": {}}}
    for key in (*ROOTS, "environment"):
        value = secrets_in(spec["environment"]) if key == "environment" else spec[key]
        if value:
            record(raw, key, value)
    for key in hooks.HOOKS:
        if spec[key]:
            hooks.encode(key, raw, spec[key])
    labels: dict[str, str] = raw["Config"]["Labels"]
    declared = declared_fields(FIELDS, spec)
    return labels | ({DECLARED_FIELDS: ",".join(declared)} if declared else {})


def endpoint(spec: Spec, key: str) -> EngineBody:
    """The EndpointSettings with which a container joins one more network."""
    return networks.endpoint(spec["networks"][key])


def encode_update(spec: Spec, paths: tuple[str, ...], context: EncodeContext) -> EngineBody:
    """The body of POST /containers/{id}/update that mends these fields."""
    raw: EngineBody = {"HostConfig": {}}
    encode_fields([field for field in PLAIN if field.key in paths], raw, spec, context)
    update: EngineBody = raw["HostConfig"]
    # The engine refuses memory above the memory-and-swap it has; without a declared value it is twice the memory.
    if "Memory" in update:
        update["MemorySwap"] = spec["memswap_limit"] or 2 * update["Memory"]
    return update


def decode(raw: EngineBody, context: DecodeContext) -> Spec:
    """The spec of a container from its inspection."""
    return decode_fields(FIELDS, raw, context)


def runtime(raw: EngineBody) -> Runtime:
    """What the container is doing (ContainerInspect.State)."""
    state = raw["State"]
    return Runtime(
        status=state.get("Status") or "",
        exit_code=int(state.get("ExitCode") or 0),
        health=(state.get("Health") or {}).get("Status") or "",
        started_at=state.get("StartedAt") or "",
        finished_at=state.get("FinishedAt") or "",
        restarts=int(raw.get("RestartCount") or 0),
        oom_killed=bool(state.get("OOMKilled")),
    )


def beyond_image(spec: Spec, image: ImageFacts, *, observed: bool) -> Spec:
    """The spec without what its image gives anyway, so that two containers of different images can be compared.

    Both sides go through this, each with its own image. `observed`: the spec is that of a live container.
    """
    own = {field.key: field.beyond_image(spec, image, observed) for field in FIELDS if field.beyond_image}
    return {**spec, **own}
