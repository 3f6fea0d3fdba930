"""What a rule is, what it is given, and how it names a place in a playbook."""

from __future__ import annotations

import re
from dataclasses import field
from typing import TYPE_CHECKING

from provisioner.model.dataclass import dataclass
from provisioner.model.finding import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from provisioner.lint.dockerfile import Dockerfile
    from provisioner.lint.edits import TextEdit
    from provisioner.model.node import Node
    from provisioner.model.playbook import Playbook, Service
    from provisioner.model.span import Span
    from provisioner.model.state import ImageFacts

_PRODUCTION = frozenset(("prod", "production", "live"))


@dataclass(frozen=True, slots=True)
class LintFacts:
    """What is known beyond the playbook; whatever is missing here is unknown, never false.

    `volumes` are the engine's by name with their creation times, `subnets` those of networks that are not the
    playbook's, by network name. `modified` has the newest modification time of each bind mount's source, None where
    nothing is there; `secret_files` the files in it in which provision keeps secrets. Times are seconds since 1970.
    `dockerfiles` and `images` are by service.
    """

    volumes: Mapping[str, float] = field(default_factory=dict)
    subnets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    modified: Mapping[str, float | None] = field(default_factory=dict)
    secret_files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    dockerfiles: Mapping[str, Dockerfile] = field(default_factory=dict)
    images: Mapping[str, ImageFacts] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Match:
    """One place where a rule does not hold. `fix` and `severity` replace the rule's own where they are given.

    `edits` are the changes of the playbook's text after which the rule holds there; none where that is for people.
    """

    message: str
    span: Span | None
    path: str
    service: str = ""
    fix: str = ""
    severity: Severity | None = None
    edits: tuple[TextEdit, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """`id` is P and three digits. `reason` says what goes wrong otherwise, `fix` is an imperative."""

    id: str
    severity: Severity
    title: str
    reason: str
    fix: str
    check: Callable[[Playbook, LintFacts], Iterable[Match]]

    def finding(self, match: Match) -> Finding:
        return Finding(
            rule=self.id,
            severity=match.severity or self.severity,
            message=match.message,
            span=match.span,
            path=match.path,
            fix=match.fix or self.fix,
            service=match.service,
            title=self.title,
            reason=self.reason,
        )


def at(
    service: Service,
    *path: str,
    message: str,
    fix: str = "",
    severity: Severity | None = None,
    edits: tuple[TextEdit, ...] = (),
) -> Match:
    """A match at a path of a service's body, or at the nearest place above it that the playbook has."""
    return Match(
        message=message,
        span=_nearest_span(service.body, path, service.span or service.body.span),
        path=".".join(("services", service.name, *path)),
        service=service.name,
        fix=fix,
        severity=severity,
        edits=edits,
    )


def at_object(
    playbook: Playbook, section: str, key: str, *path: str, message: str, edits: tuple[TextEdit, ...] = ()
) -> Match:
    """A match at a path of a top-level object (`volumes`, `pgdata`)."""
    place = (section, key, *path)
    return Match(message, _nearest_span(playbook.root, place, playbook.root.span), ".".join(place), edits=edits)


def file_of(service: Service, *path: str) -> str:
    """The file in which a path of a service's body stands, or the nearest place above it."""
    return _nearest_span(service.body, path, service.span or service.body.span).file


def is_production(playbook: Playbook) -> bool:
    """Whether the environment's name says that people depend on it."""
    return not _PRODUCTION.isdisjoint(re.split(r"[^a-z]+", (playbook.environment or "").lower()))


def _nearest_span(node: Node, path: tuple[str, ...], span: Span) -> Span:
    for key in path:
        if node.is_mapping and key in node.mapping:
            span = node.key_spans.get(key, node.mapping[key].span)
            node = node.mapping[key]
        elif node.is_sequence and key.isdecimal() and int(key) < len(node.items):
            node = node.items[int(key)]
            span = node.span
        else:
            break
    return span
