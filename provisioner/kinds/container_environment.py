"""A container's `environment`.

A variable that takes a secret's value is known here by the secret and its version only: the value is put in where the
container is made, and left out where it is read back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provisioner.kinds import values
from provisioner.kinds.container_files import record, recorded
from provisioner.model.address import Address

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.kinds.context import DecodeContext, EncodeContext, ParseContext
    from provisioner.model.edges import ComposeBody, EngineBody
    from provisioner.model.specs import SecretValue, Variable
    from provisioner.model.state import ImageFacts, Spec


def parse(body: ComposeBody, context: ParseContext) -> dict[str, Variable]:
    """Variables by name: text, None for one that is taken away, or a secret with its version."""
    return {key: _value(value, context) for key, value in (body.get("environment") or {}).items()}


def _value(value: Any, context: ParseContext) -> Variable:
    if isinstance(value, dict):
        return {"secret": value["secret"], "version": context.versions.get(Address("secret", value["secret"]), "")}
    return None if value is None else values.text(value)


def secrets_in(variables: Mapping[str, Variable]) -> dict[str, SecretValue]:
    """Those of a container's variables that take a secret's value."""
    return {key: value for key, value in variables.items() if isinstance(value, dict)}


def lines(variables: Mapping[str, Variable]) -> list[str]:
    """Variables without secrets as the engine's lines; a name without a value takes the image's variable away."""
    return [key if value is None else f"{key}={value}" for key, value in variables.items()]


def from_lines(entries: list[str]) -> dict[str, str | None]:
    """Variables from the engine's lines."""
    return {key: value if sign else None for key, sign, value in (entry.partition("=") for entry in entries)}


def encode(raw: EngineBody, variables: Mapping[str, Variable], context: EncodeContext) -> None:
    """Config.Env; which of them have the value of a secret is recorded in a label."""
    secrets = secrets_in(variables)
    raw["Config"]["Env"] = lines(
        {**variables, **{key: context.revealed[value["secret"]] for key, value in secrets.items()}}
    )
    if secrets:
        record(raw, "environment", secrets)


def decode(raw: EngineBody, context: DecodeContext) -> dict[str, Variable]:
    """The variables of a container, for those that took a secret's value when it was made that secret."""
    variables = from_lines(raw["Config"].get("Env") or [])
    secrets = recorded(raw).get("environment", {})
    return {key: secrets.get(key, value) for key, value in variables.items()}


def beyond_image(spec: Spec, image: ImageFacts, observed: bool) -> dict[str, Variable]:
    """The variables that are not the image's. None stands for one of the image's that is taken away."""
    entries: dict[str, Variable] = spec["environment"]
    if observed:
        entries = {**entries, **{key: None for key in image.environment if key not in entries}}
    return {key: value for key, value in entries.items() if image.environment.get(key) != value}
