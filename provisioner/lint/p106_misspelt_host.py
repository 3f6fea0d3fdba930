"""P106: an address that names almost a service."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

from provisioner.lint.bodies import aliases, text, variables
from provisioner.lint.rule import Rule, at
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.playbook import Playbook, Service

_URL = re.compile(r"[a-z][a-z0-9+.-]*://(?:[^\s/@]*@)?(?P<host>[A-Za-z][A-Za-z0-9_-]*)(?=[:/?#,\s]|\Z)")
_HOST = re.compile(r"(?:^|_)HOST\Z")
_BARE = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    names = frozenset(name for service in playbook.services.values() for name in aliases(service))
    for service in playbook.services.values():
        known = {name.lower() for name in names | _own_hosts(service)} | {"localhost"}
        for key, value in variables(service):
            hosts = [match["host"] for match in _URL.finditer(value)]
            if _HOST.search(key) and _BARE.fullmatch(value):
                hosts.append(value)
            for host in hosts:
                near = get_close_matches(host.lower(), sorted(playbook.services), n=1, cutoff=0.8)
                if host.lower() not in known and near:
                    message = f"no service is named '{host}'"
                    yield at(service, "environment", key, message=message, fix=f"did you mean '{near[0]}'?")


def _own_hosts(service: Service) -> frozenset[str]:
    hosts = set()
    for key in ("extra_hosts", "links", "external_links"):
        section = service.body.get(key)
        for item in section.items if section is not None and section.is_sequence else ():
            hosts.update(re.split(r"[=:]", text(item))[:2])
        if section is not None and section.is_mapping:
            hosts.update(section.mapping)
    return frozenset(hosts)


RULE = Rule(
    id="P106",
    severity=Severity.WARNING,
    title="Misspelt service name in an address",
    reason="The name does not resolve, and the service fails when it first needs the other one.",
    fix="use the service's name",
    check=check,
)
