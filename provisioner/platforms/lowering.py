"""What every mode needs to turn a playbook into objects: names, labels, contents, positions. Knows no mode."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from provisioner.model.address import Address
from provisioner.model.span import Span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.model.node import Node
    from provisioner.model.playbook import Playbook


@dataclass(frozen=True, slots=True)
class Inputs:
    """What was found out outside the playbook.

    `builds` gives the digest of each built service's context, `versions` the digest or keyed fingerprint of each
    config's and secret's content (`configs/x`, `secrets/x`), `registry` the digest that the registry has now for a
    reference that is always to be pulled.
    """

    builds: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    registry: Mapping[str, str] = field(default_factory=dict)


def plain_body(body: Node) -> dict[str, Any]:
    """A canonical body as plain values."""
    value = body.plain()
    return value if isinstance(value, dict) else {}


def key_spans(body: Node) -> dict[str, Span]:
    """Where each key of a body stands."""
    return {key: body.key_spans.get(key, item.span) for key, item in body.mapping.items()}


def image_addresses(playbook: Playbook) -> dict[str, Address]:
    """One address for each image reference: that of the first service, by name, that builds or uses it."""
    addresses: dict[str, Address] = {}
    for name in sorted(playbook.services, key=lambda n: (not playbook.services[n].builds, n)):
        addresses.setdefault(playbook.services[name].image, Address("image", name))
    return addresses
