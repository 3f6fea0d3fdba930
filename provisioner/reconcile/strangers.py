"""Objects that stand where a declared one should: whose they are, and what helps without losing anything. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.kinds.ownership import ADDRESS, NAME, PROJECT
from provisioner.model.address import Address
from provisioner.model.state import Stranger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.model.state import Resource

_COMPOSE = "com.docker.compose.project"
_STACK = "com.docker.stack.namespace"


def stranger(resource: Resource, labels: Mapping[str, str], project: str) -> Stranger:
    """What stands in the place of `resource`, by the labels that it has."""
    own = labels.get(PROJECT) == project
    if own:
        owner, hint = _own(resource, labels)
    elif PROJECT in labels:
        owner = f"the environment {labels[PROJECT]}"
        hint = "give this one another `name:`"
    elif _COMPOSE in labels:
        owner, hint = f"the Compose project {labels[_COMPOSE]}", _beside_compose(resource, labels[_COMPOSE])
    elif _STACK in labels:
        owner = f"the stack {labels[_STACK]}"
        hint = "give this one another `name:`"
    else:
        owner, hint = "somebody else", _beside_unknown(resource)
    return Stranger(resource.address, resource.kind, resource.name, owner, hint, own)


def _own(resource: Resource, labels: Mapping[str, str]) -> tuple[str, str]:
    """Of this environment: its labels speak of another object, or a hand took one of them away."""
    address = Address.parse(labels.get(ADDRESS, ""))
    if labels.get(NAME) == resource.name and address is not None and address != resource.address:
        return (
            f"this environment as {address}",
            "`--prune` removes a service that is no longer declared; or give this one another name",
        )
    wrong = f"its label {NAME} is {labels[NAME]!r}" if NAME in labels else f"its label {NAME} is missing"
    owner = f"this environment, but {wrong}, so that it can not be told from a copy"
    if resource.kind == "service":
        add = f"--label-add {NAME}={resource.name} --label-add {ADDRESS}={resource.address}"
        return owner, f"put the label back: docker service update {add} {resource.name}"
    if resource.kind in ("volume", "network"):
        return owner, "give this one another `name:`; what is there stays as it is"
    return owner, f"rename the container that is there: docker rename {resource.name} {resource.name}-copy"


def _beside_compose(resource: Resource, compose: str) -> str:
    if resource.kind == "volume":
        return (
            "it stays as it is; give this one another `name:`, and copy the data while nothing writes: "
            f"docker run --rm -v {resource.name}:/from:ro -v NEW_NAME:/to IMAGE cp -a /from/. /to"
        )
    return f"`docker compose -p {compose} down` makes room and keeps its volumes; or give this one another name"


def _beside_unknown(resource: Resource) -> str:
    if resource.kind in ("volume", "network"):
        return "give this one another `name:`, or use what is there with `external: true`: that is never removed"
    if resource.kind == "container":
        return f"rename it (docker rename {resource.name} …), or give this one another name"
    return "give this one another name"
