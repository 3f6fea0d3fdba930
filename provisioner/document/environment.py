"""env_file, label_file and values taken from the environment become plain environment and labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.document.paths import exists
from provisioner.document.shape import mapping, scalar
from provisioner.model.node import Node

if TYPE_CHECKING:
    from collections.abc import Callable

    from provisioner.document.files import Files


def resolve(services: Node, files: Files, value: Callable[[str], str | None]) -> Node:
    """The services with their files read: what stands in the service itself wins, a later file over an earlier one."""
    return mapping(
        {name: _labels(name, _environment(name, item, files, value), files) for name, item in services.mapping.items()},
        services,
    )


def inherit(root: Node, value: Callable[[str], str | None]) -> Node:
    """The tree of an included file with its variables without a value taken from its own environment."""
    services = root.get("services")
    if services is None:
        return root
    entries: dict[str, Node] = {}
    for name, service in services.mapping.items():
        environment = service.get("environment")
        entries[name] = service
        if environment is not None and environment.is_mapping:
            variables = {
                key: scalar(value(key), item) if item.value is None else item
                for key, item in environment.mapping.items()
            }
            entries[name] = mapping({**service.mapping, "environment": mapping(variables, environment)}, service)
    return mapping({**root.mapping, "services": mapping(entries, services)}, root)


def _environment(service: str, node: Node, files: Files, value: Callable[[str], str | None]) -> Node:
    env_file, environment = node.get("env_file"), node.get("environment")
    if env_file is None and environment is None:
        return node
    variables: dict[str, Node] = {}
    place = ("services", service, "env_file")
    for entry in env_file.items if env_file is not None and env_file.is_sequence else ():
        path, required, form = entry.get("path"), entry.get("required"), entry.get("format")
        if path is None or files.refused(str(path.value), path.span):
            continue
        if required is not None and required.value is False and not exists(str(path.value)):
            continue
        raw = form is not None and form.value == "raw"
        # The service's own variables are seen by its files, before those of an earlier file.
        own = environment.mapping if environment is not None and environment.is_mapping else {}
        earlier = {name: item.value for name, item in {**variables, **own}.items() if isinstance(item.value, str)}

        def lookup(name: str, earlier: dict[str, str] = earlier) -> str | None:
            known = value(name)
            return known if known is not None else earlier.get(name)

        for name, setting in files.settings(str(path.value), lookup, path.span, place, raw=raw).items():
            text = value(name) if setting.value is None else setting.value
            if text is not None:
                variables[name] = Node(text, setting.span)
    spans = {name: item.span for name, item in variables.items()}
    if environment is not None and environment.is_mapping:
        for name, item in environment.mapping.items():
            variables[name] = scalar(value(name), item) if item.value is None else item
            spans[name] = environment.key_spans.get(name, item.span)
    near = environment if environment is not None else env_file
    entries = {key: item for key, item in node.mapping.items() if key not in ("env_file", "environment")}
    if variables and near is not None:
        entries["environment"] = Node(variables, near.span, None, spans)
    return mapping(entries, node)


def _labels(service: str, node: Node, files: Files) -> Node:
    label_file = node.get("label_file")
    if label_file is None:
        return node
    labels: dict[str, Node] = {}
    for item in label_file.items if label_file.is_sequence else ():
        place = ("services", service, "label_file")
        for key, setting in files.settings(str(item.value), lambda _: None, item.span, place).items():
            labels[key] = Node(setting.value or "", setting.span)
    own = node.get("labels")
    if own is not None and own.is_mapping:
        labels.update(own.mapping)
    entries = {key: item for key, item in node.mapping.items() if key != "label_file"}
    entries["labels"] = mapping(labels, own if own is not None else Node({}, label_file.span))
    return mapping(entries, node)
