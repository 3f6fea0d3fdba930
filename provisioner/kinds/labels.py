"""The labels of an object that Compose and the engine both know: those of people, without ours and other tools'."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.kinds.ownership import user_labels
from provisioner.kinds.tool_labels import without_tool_labels
from provisioner.kinds.values import pairs

if TYPE_CHECKING:
    from provisioner.model.edges import ComposeBody, EngineBody


def parse_labels(body: ComposeBody) -> dict[str, str]:
    """`labels` of Compose, a mapping or a list of `key=value`."""
    return without_tool_labels(pairs(body.get("labels"), "="))


def encode_labels(raw: EngineBody, value: dict[str, str]) -> None:
    """Labels of the body, beside those that say whose it is."""
    raw.setdefault("Labels", {}).update(value)


def decode_labels(raw: EngineBody) -> dict[str, str]:
    """Labels of an inspection that people gave."""
    return user_labels(raw.get("Labels"))
