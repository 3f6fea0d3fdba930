"""Names on the engine that two objects of one playbook can not both have, or that provision needs itself. Pure.

That two services write one `container_name` the document layer has said.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from provisioner.model.node import mapping_of
from provisioner.model.span import Problem
from provisioner.playbook.impossible import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provisioner.model.playbook import Declared, Playbook
    from provisioner.model.span import Span

_VOLUME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_OWN_LABELS = "provisioner."
# What stands beside an environment's containers: its history and its lease, and the mark of a rehearsal.
_KEPT = ("ledger", "lease", "rehearsal")


def shared_names(playbook: Playbook) -> Iterator[Problem]:
    """Networks and volumes of the playbook's own of which two would be one object."""
    for section in ("networks", "volumes"):
        first: dict[str, Declared] = {}
        for key, declared in getattr(playbook, section).items():
            if declared.external:
                continue
            other = first.setdefault(declared.name, declared)
            if other is not declared:
                text = f"'{declared.name}' is also the name of {section}.{other.key} at {other.body.span}"
                hint = "use one of the two everywhere, or give this one another `name:`"
                yield Problem(text, _span(declared), f"{section}.{key}", hint)


def reserved_labels(playbook: Playbook) -> Iterator[Problem]:
    """Labels of provision's own, by which it knows whose an object is."""
    bodies = [(f"services.{service.name}", service.body) for service in playbook.services.values()]
    for section in ("networks", "volumes", "configs", "secrets"):
        bodies += [(f"{section}.{key}", declared.body) for key, declared in getattr(playbook, section).items()]
    for path, body in bodies:
        for keys in (("labels",), ("deploy", "labels")):
            for name, node in mapping_of(body.get(*keys)).items():
                if name.startswith(_OWN_LABELS):
                    text = f"{shown(name)} is one of the labels by which provision knows its objects"
                    yield Problem(text, node.span, ".".join((path, *keys, name)), "choose another name")


def volume_names(playbook: Playbook) -> Iterator[Problem]:
    """Names that the engine's own driver gives no volume (volume/local, volumeNameRegex; at least two characters)."""
    for key, declared in playbook.volumes.items():
        driver = declared.body.get("driver")
        if declared.external or (driver is not None and driver.value not in (None, "", "local")):
            continue
        if not _VOLUME.fullmatch(declared.name):
            text = f"{shown(declared.name)} is no name of a volume"
            hint = "write two or more letters, digits, dots, dashes and underscores, a letter or digit first"
            yield Problem(text, _span(declared), f"volumes.{key}", hint)


def shared_container_names(playbook: Playbook) -> Iterator[Problem]:
    """A `container_name` that a replica of another service, or a container of provision's own, is called anyway."""
    project = playbook.project
    implied = {
        f"{project}-{service.name}-{index}": service
        for service in playbook.services.values()
        for index in range(1, service.replicas + 1)
        if service.body.get("container_name") is None
    }
    for service in playbook.services.values():
        node = service.body.get("container_name")
        if node is None or not service.replicas:
            continue
        path, hint = f"services.{service.name}.container_name", "choose another name"
        if node.value in {f"{project}.{word}" for word in _KEPT}:
            yield Problem(
                f"'{node.value}' is the name of a container that provision needs itself", node.span, path, hint
            )
        elif (other := implied.get(str(node.value))) is not None:
            text = f"'{node.value}' is what a replica of service '{other.name}' at {other.body.span} is called"
            yield Problem(text, node.span, path, hint)


def _span(declared: Declared) -> Span:
    name = declared.body.get("name")
    return name.span if name is not None else declared.body.span
