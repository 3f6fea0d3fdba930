"""Objects that stand where a declared one should: whose they are, and what helps without losing anything. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.kinds.network import OF_THE_ENGINE
from provisioner.kinds.ownership import ADDRESS, NAME, PROJECT
from provisioner.model.address import Address
from provisioner.model.state import ForeignObject
from provisioner.reconcile.adoption import former_owner

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.model.state import Resource

# What helps where another environment has an object: it may have adopted it.
LET_GO = "where it was adopted there, `provision adopt --release` of that environment lets go of it"
ADOPT = "provision adopt"
_ADOPT = f"`{ADOPT}` takes it over as it is, without a restart"


def foreign_object(resource: Resource, labels: Mapping[str, str], project: str, identity: str = "") -> ForeignObject:
    """What stands in the place of `resource`, by the labels that it has; `identity` is its id on the engine."""
    own, former = labels.get(PROJECT) == project, former_owner(labels)
    of_engine = resource.kind == "network" and resource.name in OF_THE_ENGINE
    if of_engine:
        owner, hint = "the engine itself", "use it with `external: true`, or give this one another `name:`"
    elif own:
        owner, hint = _own(resource, labels)
    elif former.kind == "environment":
        owner, hint = str(former), f"give this one another `name:`; {LET_GO}"
    elif not former.kind:
        owner, hint = "somebody else", f"{_ADOPT}; or {_beside_unknown(resource)}"
    elif former.name == project:
        owner, hint = str(former), _ADOPT
    else:
        owner, hint = str(former), f"{_ADOPT}, with --force {former.name}; or give this one another `name:`"
    adoptable = former.kind != "environment" and not of_engine
    return ForeignObject(resource.address, resource.kind, resource.name, owner, hint, own, adoptable, identity)


def _own(resource: Resource, labels: Mapping[str, str]) -> tuple[str, str]:
    """Of this environment: its labels speak of another object, or a hand took one of them away."""
    address = Address.parse(labels.get(ADDRESS, ""))
    if labels.get(NAME) == resource.name and address is not None and address != resource.address:
        move = f"`moved: [{{from: {address.whole}, to: {resource.address.whole}}}]` in the file keeps what is there"
        if resource.kind in ("volume", "network"):
            return f"this environment as {address}", f"{move}; or give this one another `name:`"
        other = "`--prune` removes a service that is no longer declared; or give this one another name"
        return f"this environment as {address}", f"{move}; {other}"
    wrong = f"its label {NAME} is {labels[NAME]!r}" if NAME in labels else f"its label {NAME} is missing"
    owner = f"this environment, but {wrong}, so that it can not be told from a copy"
    if resource.kind == "service":
        add = f"--label-add {NAME}={resource.name} --label-add {ADDRESS}={resource.address}"
        return owner, f"put the label back: docker service update {add} {resource.name}"
    if resource.kind in ("volume", "network"):
        return owner, "give this one another `name:`; what is there stays as it is"
    return owner, f"rename the container that is there: docker rename {resource.name} {resource.name}-copy"


def _beside_unknown(resource: Resource) -> str:
    if resource.kind in ("volume", "network"):
        return "give this one another `name:`, or use what is there with `external: true`: that is never removed"
    if resource.kind == "container":
        return f"rename it (docker rename {resource.name} …), or give this one another name"
    return "give this one another name"
