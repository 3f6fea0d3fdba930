"""What the rules about unused objects have in common: which objects the services of a playbook use."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from provisioner.lint.bodies import mounts, networks, text
from provisioner.lint.rule import Rule, at_object
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.node import Node
    from provisioner.model.playbook import Declared, Playbook

_REFERENCE = re.compile(r"\$\{secret:([^}]+)\}")


def unused_rule(identifier: str, kind: str, section: str) -> Rule:
    """The rule about unused objects of one kind (`volume`, declared under `volumes`)."""

    def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
        used = frozenset(_used(playbook, section))
        for key, item in _declared(playbook, section).items():
            if key not in used and not (section == "networks" and key == "default"):
                fate = "" if item.external else f", and '{item.name}' is made all the same"
                yield at_object(playbook, section, key, message=f"no service uses it{fate}")

    return Rule(
        id=identifier,
        severity=Severity.WARNING,
        title=f"Unused {kind}",
        reason="It is a leftover, or a service that should use it does not: often a misspelt name.",
        fix="remove it, or name it in the service that needs it",
        check=check,
    )


def _declared(playbook: Playbook, section: str) -> dict[str, Declared]:
    found = {
        "volumes": playbook.volumes,
        "networks": playbook.networks,
        "secrets": playbook.secrets,
        "configs": playbook.configs,
    }[section]
    return dict(found)


def _used(playbook: Playbook, section: str) -> Iterator[str]:
    for service in playbook.services.values():
        if section == "volumes":
            yield from (mount.source for mount in mounts(service) if mount.kind in ("volume", "cluster"))
        elif section == "networks":
            yield from networks(service)
        else:
            yield from _sources(service.body.get(section))
            yield from _sources(service.body.get("build", section))
            yield from _in_environment(service.body.get("environment")) if section == "secrets" else ()
    for secret in playbook.secrets.values() if section == "secrets" else ():
        yield from _REFERENCE.findall(text(secret.body.get("template")))


def _sources(section: Node | None) -> Iterator[str]:
    for item in section.items if section is not None and section.is_sequence else ():
        yield text(item.get("source")) if item.is_mapping else text(item)


def _in_environment(section: Node | None) -> Iterator[str]:
    for item in section.mapping.values() if section is not None and section.is_mapping else ():
        yield text(item.get("secret"))
