"""Networks, volumes and a Swarm's services that keep the name that they have on the engine, whatever the file would
call them: an engine can not rename them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.model.address import Address
from provisioner.model.node import Node

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from provisioner.model.adoption import Adopted
    from provisioner.model.playbook import Declared, Playbook

_KINDS = ("network", "volume", "service")


def names_of_adopted(adopted: Iterable[Adopted]) -> dict[Address, str]:
    """The names of adopted networks, volumes and services by their address."""
    records = ((Address.parse(record.address), record) for record in adopted if record.kind in _KINDS)
    return {address: record.name for address, record in records if address is not None}


def has_own_name(playbook: Playbook, declared: Declared) -> bool:
    """Whether the file itself names a network or volume (`name:`), be it as it would be called anyway: a name that
    was filled in has the place of its object.
    """
    written = declared.body.get("name")
    placed = written is not None and written.span != declared.body.span
    return placed or declared.name != f"{playbook.project}_{declared.key}"


def with_names(playbook: Playbook, names: Mapping[Address, str]) -> Playbook:
    """The playbook, in which these objects have these names, unless the file names them or calls them external."""
    networks = _with_names(playbook, "network", playbook.networks, names)
    volumes = _with_names(playbook, "volume", playbook.volumes, names)
    root = _in_root(_in_root(playbook.root, "networks", networks), "volumes", volumes)
    services = {
        key: replace(service, own_name=names[Address("service", key)])
        for key, service in playbook.services.items()
        if Address("service", key) in names
    }
    if not (networks or volumes or services):
        return playbook
    return replace(
        playbook, root=root, networks={**playbook.networks, **networks}, volumes={**playbook.volumes, **volumes},
        services={**playbook.services, **services},
    )  # fmt: skip


def _with_names(
    playbook: Playbook, kind: str, objects: Mapping[str, Declared], names: Mapping[Address, str]
) -> dict[str, Declared]:
    """Those objects that get another name."""
    changed = {}
    for key, declared in objects.items():
        name = names.get(Address(kind, key))
        if name and name != declared.name and not declared.external and not has_own_name(playbook, declared):
            changed[key] = replace(declared, name=name, body=_named(declared.body, name))
    return changed


def _named(body: Node, name: str) -> Node:
    return replace(body, value={**body.mapping, "name": Node(name, body.span)})


def _in_root(root: Node, section: str, changed: Mapping[str, Declared]) -> Node:
    """The document with the bodies of the changed objects, which a revision keeps."""
    node = root.get(section)
    if node is None or not changed:
        return root
    inside = {key: changed[key].body if key in changed else item for key, item in node.mapping.items()}
    return replace(root, value={**root.mapping, section: replace(node, value=inside)})
