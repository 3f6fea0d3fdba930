"""What is said of one object beside its file, in Compose's short forms, laid over the object's canonical body."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.document.attributes import rules
from provisioner.document.canonicalise import Canonicaliser
from provisioner.document.findings import Findings
from provisioner.document.merge import merge, unique
from provisioner.errors import UsageError
from provisioner.model.node import from_plain
from provisioner.model.span import Span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.model.node import JSON, Node

_PLACE = Span("the command line")


def over_service(body: Node, values: Mapping[str, JSON], *, directory: str, home: str) -> Node:
    """`body` with `values` over it, as an override file would have it; paths start in `directory`.

    UsageError with the first problem of what was typed; no value is repeated that may be a secret.
    """
    return over_object("services", body, values, directory=directory, home=home)


def over_object(section: str, body: Node, values: Mapping[str, JSON], *, directory: str, home: str) -> Node:
    """The same for an object of any section (`services`, `networks`, …)."""
    if not values:
        return body
    rule = rules().children[section].any
    assert rule is not None
    findings = Findings()
    node = Canonicaliser(directory, home, findings).apply(from_plain(dict(values), _PLACE), rule, ())
    if findings.errors or node is None:
        first = next(iter(findings.errors))
        raise UsageError(f"{first.path}: {first.message}", hint=first.hint)
    return unique(merge(body, node, rule), rule)
