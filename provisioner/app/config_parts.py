"""Parts of the resolved playbook that `config` prints by themselves: services, profiles, hashes, variables, digests."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from provisioner.document.findings import nearest
from provisioner.errors import ProvisionError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioner.app.request import Request
    from provisioner.document import Document
    from provisioner.model.edges import ComposeBody
    from provisioner.ports import EngineReader

_SECTIONS = ("networks", "volumes", "configs", "secrets")
_USE = re.compile(
    r"(?<!\$)(?:\$\$)*\$(?:(?P<bare>[A-Za-z_]\w*)|\{(?P<name>[A-Za-z_]\w*)(?:(?P<sign>:?[-?+])(?P<text>[^{}]*))?\})"
)


class VariableRow(NamedTuple):
    """How the files use one variable: whether they end without it, and what stands in for it."""

    name: str
    required: bool
    default: str
    alternate: str


def only_services(document: Document, tree: ComposeBody, services: Sequence[str]) -> ComposeBody:
    """The tree with the named services, what they depend on, and the objects that these use. UsageError otherwise."""
    known = tree.get("services") or {}
    for name in services:
        if name not in known:
            hint = nearest(name, known) or f"there are: {', '.join(sorted(known))}"
            raise UsageError(f"no service is named {name!r}", hint=hint)
    from provisioner.playbook.bind import bind
    from provisioner.playbook.select import target

    narrowed = target(bind(document), [f"service.{name}" for name in services])
    kept = {"services": {name: body for name, body in known.items() if name in narrowed.services}}
    for section in _SECTIONS:
        if section in tree:
            used = getattr(narrowed, section)
            kept[section] = {key: body for key, body in tree[section].items() if key in used}
    return {key: kept.get(key, value) for key, value in tree.items() if key not in kept or kept[key]}


def profiles(document: Document) -> list[str]:
    """The names of all profiles of the files, active or not."""
    names: set[str] = set(document.profiles - {"*"})
    services = document.root.get("services")
    for service in services.mapping.values() if services is not None and services.is_mapping else ():
        named = service.get("profiles")
        names |= {str(item.value) for item in named.items} if named is not None and named.is_sequence else set()
    for undeployed in document.undeployed:
        names |= set(undeployed.profiles)
    return sorted(names)


def hashes(tree: Mapping[str, Any], which: str) -> list[tuple[str, str]]:
    """A digest of each resolved service: of all for `*`, or of those that are named with commas between them."""
    services: Mapping[str, Any] = tree.get("services") or {}
    names = sorted(services) if which == "*" else which.split(",")
    for name in names:
        if name not in services:
            hint = nearest(name, services) or f"there are: {', '.join(sorted(services))}"
            raise UsageError(f"--hash: no service is named {name!r}", hint=hint)
    texts = {name: json.dumps(services[name], sort_keys=True, ensure_ascii=False) for name in names}
    return [(name, hashlib.sha256(texts[name].encode()).hexdigest()) for name in names]


def variable_rows(document: Document) -> list[VariableRow]:
    """The variables that the files name, by name; of several uses the first that says what stands in for it."""
    rows: dict[str, VariableRow] = {}
    for file in document.files:
        try:
            text = Path(document.directory, file).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
        for use in _USE.finditer("\n".join(lines)):
            name, sign, said = use["bare"] or use["name"], use["sign"] or "", use["text"] or ""
            row = VariableRow(
                name, "?" in sign, said if "-" in sign else "", said if "+" in sign else ""
            )  # fmt: skip
            if name not in rows or rows[name] == VariableRow(name, False, "", ""):
                rows[name] = row
    return [rows[name] for name in sorted(rows)]


def environment(document: Document, request: Request) -> list[tuple[str, str]]:
    """The variables that `${…}` sees, by name; what looks like a secret is not shown."""
    from provisioner.kinds.compare import looks_secret

    known = {use.name: use.value for use in document.variables if use.value is not None}
    together = {**known, **request.shell, **request.overrides}
    return [(name, "(sensitive)" if looks_secret(name, text) else text) for name, text in sorted(together.items())]


def only_pinned(tree: Mapping[str, Any]) -> ComposeBody:
    """A file of overrides with nothing but the images that are pinned to a digest."""
    services: Mapping[str, Any] = tree.get("services") or {}
    pinned = {name: body["image"] for name, body in services.items() if "@" in str(body.get("image"))}
    return {"services": {name: {"image": image} for name, image in pinned.items()}}


def with_digests(tree: Mapping[str, Any], engine: EngineReader) -> ComposeBody:
    """The tree with every image that a registry knows pinned to its digest. ProvisionError for one that none knows."""
    services = {}
    for name, body in (tree.get("services") or {}).items():
        image = body.get("image")
        if image and "@" not in image:
            digest = engine.distribution(image)
            if digest is None and "build" not in body:
                raise ProvisionError(f"service.{name}: no registry tells the digest of {image}", hint="docker login")
            body = {**body, "image": f"{image}@{digest}"} if digest else body
        services[name] = body
    return {**tree, "services": services}
