"""secrets/<system>.yml and secrets/<environment>.yml beside playbooks/: declarations of secrets, never their values."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from provisioner.document.attributes import rules
from provisioner.document.canonicalise import Canonicaliser
from provisioner.document.merge import drop_merge_tags, merge
from provisioner.document.names import FOLDER
from provisioner.document.paths import exists, parent
from provisioner.document.shape import mapping

if TYPE_CHECKING:
    from provisioner.document.files import Files
    from provisioner.document.findings import Findings
    from provisioner.document.interpolate import Interpolation
    from provisioner.document.names import Names
    from provisioner.model.node import Node
    from provisioner.model.span import Span

_VALUES = frozenset(("value", "content", "secret", "plaintext", "data"))


def folder(path: str) -> str | None:
    """The secrets folder that goes with the playbook at `path`: beside the nearest playbooks/ above it."""
    for above in PurePosixPath(path).parents:
        if above.name == FOLDER:
            return str(above.parent / "secrets")
    return None


def declared(
    path: str, names: Names, files: Files, interpolation: Interpolation, home: str, findings: Findings
) -> Node | None:
    """The secrets declared for the playbook at `path`; the environment's file wins over the system's."""
    where = folder(path)
    secrets: Node | None = None
    for name in dict.fromkeys((names.name, names.environment)):
        file = f"{where}/{name}.yml" if where and name else ""
        if not file or not exists(file):
            continue
        root = files.tree(file)
        if root is None:
            continue
        section = _section(root, file, interpolation, home, findings)
        if section is not None:
            rule = rules().children["secrets"]
            secrets = section if secrets is None else merge(secrets, section, rule)
    return drop_merge_tags(secrets) if secrets is not None else None


def _section(root: Node, file: str, interpolation: Interpolation, home: str, findings: Findings) -> Node | None:
    for key in root.mapping if root.is_mapping else ():
        if key != "secrets" and not key.startswith("x-"):
            findings.error(
                f"unknown key '{key}' in a file of secrets", root.key_spans[key], (), "only `secrets:` goes here"
            )
    section = root.get("secrets")
    if section is None:
        findings.error("no `secrets:` in a file of secrets", root.span)
        return None
    if not section.is_mapping:
        findings.error("expected a mapping of secrets", section.span, ("secrets",))
        return None
    entries: dict[str, Node] = {}
    for name, item in section.mapping.items():
        span = section.key_spans.get(name, item.span)
        if item.value is not None and not item.is_mapping:
            _value(name, item.span, findings)
            continue
        for key in _VALUES & item.mapping.keys():
            _value(name, item.key_spans.get(key, span), findings)
        kept = {key: value for key, value in item.mapping.items() if key not in _VALUES}
        entries[name] = mapping(kept, item)
    canonical = Canonicaliser(parent(file), home, findings)
    return canonical.apply(
        interpolation.apply(mapping(entries, section), ("secrets",)), rules().children["secrets"], ("secrets",)
    )


def _value(name: str, span: Span, findings: Findings) -> None:
    findings.error(
        "a value: this file only declares secrets",
        span,
        ("secrets", name),
        f"remove it, and set it with `provision secrets set {name}`",
    )
