"""P101: a container that looks for another one on localhost."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from provisioner.lint.bodies import inner_ports, outer_ports, shares_network, variables, words
from provisioner.lint.edits import Swap
from provisioner.lint.images import store_of
from provisioner.lint.rule import Rule, at
from provisioner.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from provisioner.lint.edits import TextEdit
    from provisioner.lint.rule import LintFacts, Match
    from provisioner.model.playbook import Playbook, Service

_LOCAL = re.compile(r"(?<![\w.-])(?P<host>localhost|127\.0\.0\.1|\[::1\])(?::(?P<port>[0-9]{1,5}))?(?![\w.-])")
_PLACE = re.compile(r"(?:^|_)(HOST|HOSTNAME|SERVER|ADDR|ADDRESS|ENDPOINT|URL|URI)S?$", re.IGNORECASE)
# Addresses that browsers and people use, from outside: there localhost is right.
_OUTSIDE = re.compile(
    r"cors|origin|public|vite_|react_app|vue_app|redirect|callback|external|allowed|advertised|root_url|site_url"
    r"|browser|frontend_url|listen|bind|domain",
    re.IGNORECASE,
)
# What a shell only says.
_SAID = re.compile(r"\becho\b[^;&|<>]*$")
_GENERAL = {"DB", "DATABASE", "SQL", "PG", "CACHE", "BROKER", "QUEUE"}


def check(playbook: Playbook, facts: LintFacts) -> Iterable[Match]:
    for service in playbook.services.values():
        if shares_network(service):
            continue
        others = [other for other in playbook.services.values() if other is not service]
        own = inner_ports(service)
        for key, value in variables(service):
            if _OUTSIDE.search(key):
                continue
            port = _port_beside(service, key)
            for match in _LOCAL.finditer(value):
                other = _meant(key, match, port, own, others)
                if other is not None:
                    yield _match(service, other, match, "environment", key)
        for part in ("command", "entrypoint"):
            before = ""
            for index, word in enumerate(words(service, part)):
                option, _, value = word.partition("=") if word.startswith("-") else (before, "", word)
                before = option if word.startswith("-") and not value else ""
                for match in _LOCAL.finditer(word):
                    if _OUTSIDE.search(option) or _SAID.search(word[: match.start()]):
                        continue
                    other = _meant("", match, None, own, others)
                    if other is not None:
                        yield _match(service, other, match, part, str(index))


def _match(service: Service, other: Service, match: re.Match[str], *path: str) -> Match:
    inside = sorted(inner_ports(other) or _store_ports(other))
    port = f":{inside[0]}" if inside else ""
    return at(
        service,
        *path,
        message=f"'{match[0]}' is this container itself, and not '{other.name}'",
        fix=f"use the service's name: {other.name}{port}",
        edits=_edits(service, other, match, inside, path),
    )


def _edits(
    service: Service, other: Service, match: re.Match[str], inside: list[int], path: tuple[str, ...]
) -> tuple[TextEdit, ...]:
    """The other's name in the place of localhost; none where it is not sure which port belongs to it."""
    written = service.body.get(*path[:1])
    node = written.items[int(path[1])] if written is not None and written.is_sequence else service.body.get(*path)
    if node is None:
        return ()
    if not match["port"]:
        return (Swap(node.span, match[0], other.name),) if _port_beside(service, path[-1]) in (None, *inside) else ()
    port = int(match["port"])
    if port not in inside and len(inside) != 1:
        return ()
    return (Swap(node.span, match[0], f"{other.name}:{port if port in inside else inside[0]}"),)


def _meant(
    key: str, match: re.Match[str], beside: int | None, own: frozenset[int], others: list[Service]
) -> Service | None:
    """The service that the author had in mind; None when the container may well mean itself."""
    port = int(match["port"]) if match["port"] else beside
    if port is not None:
        if port in own:
            return None
        return next((other for other in others if port in _known_ports(other)), None)
    if match[0] != match.string or not _PLACE.search(key):
        return None
    return next((other for other in others if _names(key) & _words_of(other)), None)


def _port_beside(service: Service, key: str) -> int | None:
    """The value of DB_PORT for DB_HOST."""
    values = dict(variables(service))
    value = values.get(_PLACE.sub("_PORT", key), "")
    return int(value) if value.isdecimal() else None


def _known_ports(service: Service) -> frozenset[int]:
    return inner_ports(service) | outer_ports(service) | _store_ports(service)


def _store_ports(service: Service) -> frozenset[int]:
    store = store_of(service)
    return frozenset(store.ports) if store else frozenset()


def _names(key: str) -> frozenset[str]:
    return frozenset(re.split(r"[^A-Z0-9]+", _PLACE.sub("", key).upper())) - {""}


def _words_of(service: Service) -> frozenset[str]:
    return frozenset(_all_words(service))


def _all_words(service: Service) -> Iterator[str]:
    yield service.name.upper()
    yield from re.split(r"[^A-Z0-9]+", service.name.upper())
    store = store_of(service)
    if store is not None:
        yield store.family.upper()
        yield from {"POSTGRES", "PG"} if store.family == "PostgreSQL" else ()
        yield from ("CACHE", "BROKER") if store.family in ("Redis", "Valkey", "memcached") else _GENERAL


RULE = Rule(
    id="P101",
    severity=Severity.ERROR,
    title="localhost between containers",
    reason="Each container has a network of its own: localhost is the container itself, never a neighbour.",
    fix="use the service's name and the port inside its container",
    check=check,
)
