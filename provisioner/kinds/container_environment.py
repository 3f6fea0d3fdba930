"""A container's `environment`.

A variable that takes a secret's value is known here by the secret and its version only: the value is put in where the
container is made, and left out where it is read back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provisioner.kinds import values
from provisioner.kinds.compare import DECLARED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.kinds.fields import Raw
    from provisioner.model.state import ImageFacts, Spec


def parse(body: Raw, versions: Mapping[str, str]) -> dict[str, Any]:
    """Variables by name: text, None for one that is taken away, or a secret with its version."""
    return {key: _value(value, versions) for key, value in (body.get("environment") or {}).items()}


def _value(value: Any, versions: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {"secret": value["secret"], "version": versions.get(value["secret"], "")}
    return None if value is None else values.text(value)


def secrets_of(spec: Spec) -> dict[str, dict[str, str]]:
    """The variables that take a secret's value."""
    return {key: value for key, value in spec["environment"].items() if isinstance(value, dict)}


def lines(variables: Mapping[str, Any]) -> list[str]:
    """Variables without secrets as the engine's lines; a name without a value takes the image's variable away."""
    return [key if value is None else f"{key}={value}" for key, value in variables.items()]


def encode(spec: Spec, revealed: Mapping[str, str]) -> list[str]:
    """The engine's lines. `revealed` gives the values of secrets by their key."""
    return lines(
        {
            key: revealed[value["secret"]] if isinstance(value, dict) else value
            for key, value in spec["environment"].items()
        }
    )


def decode(text_lines: list[str] | None, recorded: Mapping[str, Any]) -> dict[str, Any]:
    """The variables of a container. `recorded` are those that took a secret's value when it was made."""
    found = (line.partition("=") for line in text_lines or [])
    return {key: recorded.get(key, value if sign else None) for key, sign, value in found}


def beyond_image(spec: Spec, image: ImageFacts) -> dict[str, Any]:
    """The variables that are not the image's. None stands for one of the image's that is taken away."""
    entries = spec["environment"]
    if DECLARED in spec:
        entries = {**entries, **{key: None for key in image.environment if key not in entries}}
    return {key: value for key, value in entries.items() if image.environment.get(key) != value}
