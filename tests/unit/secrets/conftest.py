"""Playbooks written as YAML, without the document layer; and the world around an environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from provisioner.model.node import Node
from provisioner.model.playbook import Declared, EngineChoice, Playbook, Service
from provisioner.model.span import Span
from provisioner.secrets.tier_context import TierContext

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _node(item: yaml.Node | None) -> Node:
    if item is None:
        return Node({}, Span("playbook.yml", 1, 1))
    span = Span("playbook.yml", item.start_mark.line + 1, item.start_mark.column + 1)
    if isinstance(item, yaml.MappingNode):
        return Node({key.value: _node(value) for key, value in item.value}, span)
    if isinstance(item, yaml.SequenceNode):
        return Node(tuple(_node(value) for value in item.value), span)
    return Node(yaml.SafeLoader("").construct_object(item), span, text=item.value)


@pytest.fixture
def playbook() -> Callable[..., Playbook]:
    """A playbook of the system `shop`, environment `prod`, from its canonical YAML."""

    def read(text: str, environment: str | None = "prod") -> Playbook:
        root = _node(yaml.compose(text))
        project = f"shop-{environment}" if environment else "shop"
        services, secrets = root.get("services"), root.get("secrets")
        declared = {}
        for key, body in (secrets.mapping if secrets else {}).items():
            if body.value is None:
                body = Node({}, body.span)
            name = body.get("name")
            external = body.get("external")
            declared[key] = Declared(
                key, str(name.value) if name else f"{project}_{key}", body, bool(external and external.value)
            )
        return Playbook(
            name="shop",
            environment=environment,
            project=project,
            directory="/srv/shop",
            files=("playbook.yml",),
            root=root,
            engine=EngineChoice(),
            services={key: Service(key, body) for key, body in (services.mapping if services else {}).items()},
            networks={},
            volumes={},
            configs={},
            secrets=declared,
        )

    return read


@pytest.fixture
def tier_context(tmp_path: Path) -> TierContext:
    return TierContext(tmp_path, "shop-prod", {}, mounted=tmp_path / "run-secrets")
