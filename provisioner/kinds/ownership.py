"""The labels that say whose an object is. A label names the object it sits on, so a copied one owns nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from provisioner.kinds.tool_labels import COMPOSE_PROJECT, STACK, is_tool_label
from provisioner.model.address import Address

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "provisioner."
PROJECT = "provisioner.environment"
ADDRESS = "provisioner.address"
NAME = "provisioner.name"
# What an adopted container was called before: Compose gives a container its name as an alias.
FORMER_NAME = "provisioner.former-name"
DECLARED_FIELDS = "provisioner.declared"
FILES = "provisioner.files"
# The operation that made an object: after a lost answer it tells whose object stands there.
OPERATION = "provisioner.operation"
ONE_OFF = "provisioner.oneoff"
# On a volume that was protected when it was made; what the ledger says later counts more, as labels can not change.
PROTECTED = "provisioner.protect"
# A replacement stands beside the object it will replace under this suffix.
NEXT = ".next"
# What was replaced waits beside its replacement under this suffix until that one has proven itself.
PREVIOUS = ".previous"


def ownership_labels(project: str, address: Address, name: str) -> dict[str, str]:
    """The labels that an object of this project carries. `name` is its final name on the engine."""
    return {PROJECT: project, ADDRESS: str(address), NAME: name}


class Owner(NamedTuple):
    """The project that an object belongs to, and its address there."""

    project: str
    address: Address


def owner(labels: Mapping[str, str] | None, actual_name: str) -> Owner | None:
    """Whose an object is; None when its labels are missing or speak of another object."""
    if not labels or PROJECT not in labels:
        return None
    named = labels.get(NAME, "")
    address = Address.parse(labels.get(ADDRESS, ""))
    if address is None or actual_name not in (named, named + NEXT, named + PREVIOUS):
        return None
    return Owner(labels[PROJECT], address)


def owned_address(labels: Mapping[str, str] | None, actual_name: str, project: str) -> Address | None:
    """The address of an object of this project; None for any other object."""
    ownership = owner(labels, actual_name)
    return ownership.address if ownership is not None and ownership.project == project else None


def user_labels(labels: Mapping[str, str] | None) -> dict[str, str]:
    """The labels without ours, and without those that Compose and `docker stack` write by themselves."""
    return {key: value for key, value in (labels or {}).items() if not (key.startswith(PREFIX) or is_tool_label(key))}


def declared_paths(labels: Mapping[str, str] | None) -> frozenset[str]:
    """What was declared of an object, when it was made, of the fields that an engine chooses otherwise."""
    return frozenset(key for key in (labels or {}).get(DECLARED_FIELDS, "").split(",") if key)


def add_to_label(labels: dict[str, str], label: str, key: str, value: object) -> None:
    """Add one entry to a label that holds a JSON mapping."""
    labels[label] = json.dumps({**json.loads(labels.get(label, "{}")), key: value}, sort_keys=True)


def describe_owner(labels: Mapping[str, str] | None) -> str:
    """Whose an object is that is not ours, as the end of a sentence: ` of the environment shop`; empty if unknown."""
    for label, whose in (
        (PROJECT, "environment"), (COMPOSE_PROJECT, "Compose project"), (STACK, "stack"),
    ):  # fmt: skip
        if labels and labels.get(label):
            return f" of the {whose} {labels[label]}"
    return ""
