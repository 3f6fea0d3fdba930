"""What follows from the merged tree alone: defaults, what must be there, implied networks, dependencies and names."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.document.shape import mapping, scalar
from provisioner.model.node import Node, items_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from provisioner.document.attributes import Rule
    from provisioner.document.findings import Findings, Path
    from provisioner.model.span import Span

_NAMESPACES = ("network_mode", "ipc", "pid", "uts", "cgroup")
_SERVICE, _CONTAINER = "service:", "container:"


def fill(node: Node, rule: Rule, findings: Findings, path: Path = ()) -> Node:
    """`node` with the defaults of its rows; keys that must be there and are not are told."""
    if not rule.fills:
        return node
    if node.is_sequence:
        if rule.any is None:
            return node
        items = tuple(fill(item, rule.any, findings, (*path, str(index))) for index, item in enumerate(node.items))
        return (
            node if all(new is old for new, old in zip(items, node.items, strict=True)) else replace(node, value=items)
        )
    if not node.is_mapping or (rule.any is None and not rule.children):
        return node
    entries: dict[str, Node] = {}
    for key, item in node.mapping.items():
        below = rule.below(key)
        entries[key] = item if below is None else fill(item, below, findings, (*path, key))
    required = (key for key in rule.row.shape.required if key not in entries)
    missing = [key for key in required if (node.span, key) not in findings.damaged]
    if missing:
        keys = " and ".join(f"'{key}'" for key in missing)
        findings.error(f"{keys} {'is' if len(missing) == 1 else 'are'} missing", node.span, path)
    changed = False
    for key, child in rule.children.items():
        if child.row.default is not None and key not in entries:
            entries[key] = Node(child.row.default, node.span)
            changed = True
    if not changed and all(entries[key] is item for key, item in node.mapping.items()):
        return node
    return mapping(entries, node)


def trim(node: Node, rule: Rule | None) -> Node:
    """`node` without keys whose value says nothing: zero, empty, false, where their rows do not keep it."""
    if rule is None or not rule.trims:
        return node
    if node.is_sequence:
        items = tuple(trim(item, rule.any) for item in node.items)
        return (
            node if all(new is old for new, old in zip(items, node.items, strict=True)) else replace(node, value=items)
        )
    if not node.is_mapping:
        return node
    entries: dict[str, Node] = {}
    for key, item in node.mapping.items():
        child = rule.children.get(key)
        item = trim(item, child or rule.any)
        if child is not None and not child.row.shape.keep and _says_nothing(item, child):
            continue
        entries[key] = item
    if len(entries) == len(node.mapping) and all(entries[key] is item for key, item in node.mapping.items()):
        return node
    return mapping(entries, node)


_ZEROS = {"duration": "0s", "size": "0"}


def _says_nothing(node: Node, rule: Rule) -> bool:
    if node.is_mapping or node.is_sequence:
        return not node.value
    return not node.value or node.value == _ZEROS.get(rule.row.shape.format)


def normalise(root: Node, project: str, directory: str, value: Callable[[str], str | None]) -> Node:
    """Builds, namespaces and links lead to what they imply; objects get their names on the engine.

    `value` is the environment: build arguments and variables without a value take theirs from it.
    """
    entries = dict(root.mapping)
    services = root.get("services")
    if services is not None:
        networked = {
            name: _service(item, directory, value) for name, item in services.mapping.items() if item.is_mapping
        }
        entries["services"] = mapping(networked, services)
        if any("default" in _keys(item.get("networks")) for item in networked.values()):
            networks = entries.get("networks") or Node({}, services.span)
            if "default" not in networks.mapping:
                entries["networks"] = mapping({**networks.mapping, "default": Node({}, services.span)}, networks)
    for section in ("networks", "volumes", "configs", "secrets"):
        objects = entries.get(section)
        if objects is not None and objects.is_mapping:
            entries[section] = mapping(
                {key: _named(key, item, project) for key, item in objects.mapping.items()}, objects
            )
    return mapping(entries, root)


def _keys(node: Node | None) -> tuple[str, ...]:
    return tuple(node.mapping) if node is not None and node.is_mapping else ()


def _named(key: str, node: Node, project: str) -> Node:
    if not node.is_mapping:
        return node
    name = node.get("name")
    if name is not None and name.value:
        return node
    external = node.get("external")
    own = key if external is not None and external.value is True else f"{project}_{key}"
    return mapping({**node.mapping, "name": Node(own, node.span)}, node)


def _service(node: Node, directory: str, value: Callable[[str], str | None]) -> Node:
    entries = dict(node.mapping)
    if not _keys(entries.get("networks")) and "network_mode" not in entries and "provider" not in entries:
        entries["networks"] = mapping({"default": Node(None, node.span)}, Node({}, node.span))
    build = entries.get("build")
    if build is not None and build.is_mapping:
        entries["build"] = _build(build, directory, value)
    implied = _implied(node)
    if implied:
        depends_on = entries.get("depends_on") or Node({}, node.span)
        dependencies = dict(depends_on.mapping)
        for name, (restart, span) in implied.items():
            dependencies.setdefault(name, _dependency(restart, span))
        entries["depends_on"] = mapping(dependencies, depends_on)
    return mapping(entries, node)


def _build(node: Node, directory: str, value: Callable[[str], str | None]) -> Node:
    entries = dict(node.mapping)
    if "context" not in entries:
        entries["context"] = Node(directory, node.span)
    if "dockerfile" not in entries and "dockerfile_inline" not in entries:
        entries["dockerfile"] = Node("Dockerfile", node.span)
    args = entries.get("args")
    if args is not None and args.is_mapping:
        arguments = {
            key: item if item.value is not None else scalar(value(key), item) for key, item in args.mapping.items()
        }
        entries["args"] = mapping({key: item for key, item in arguments.items() if item.value is not None}, args)
    return mapping(entries, node)


def _dependency(restart: bool, span: Span) -> Node:
    near = Node({}, span)
    keys: dict[str, Node] = {"condition": Node("service_started", span)}
    if restart:
        keys["restart"] = Node(True, span)
    keys["required"] = Node(True, span)
    return mapping(keys, near)


def _implied(node: Node) -> dict[str, tuple[bool, Span]]:
    """Services that `node` needs without saying so under depends_on, and whether it restarts with them."""
    implied: dict[str, tuple[bool, Span]] = {}
    for link in items_of(node.get("links")):
        implied.setdefault(str(link.value).split(":")[0], (True, link.span))
    for key in _NAMESPACES:
        shared = node.get(key)
        if shared is not None and isinstance(shared.value, str) and shared.value.startswith(_SERVICE):
            implied.setdefault(shared.value.removeprefix(_SERVICE), (True, shared.span))
    for volumes in items_of(node.get("volumes_from")):
        if not str(volumes.value).startswith(_CONTAINER):
            implied.setdefault(str(volumes.value).split(":")[0], (False, volumes.span))
    return implied
