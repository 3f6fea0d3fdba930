"""Seccomp profiles in `security_opt`: a file in the playbook, JSON on the engine, compared by what they say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.model.edges import ComposeBody

_NAME = "seccomp"
_BUILT_IN = ("unconfined", "builtin")


def parts(option: str) -> tuple[str, str]:
    """The name and the value of a security option; both `name=value` and `name:value` are written."""
    name, _, value = (option if "=" in option.partition(":")[0] else option.replace(":", "=", 1)).partition("=")
    return name, value


def profile_file(option: str) -> str | None:
    """The path of the profile that an option names; None for any other option."""
    name, value = parts(option)
    return value if name == _NAME and value and value not in _BUILT_IN and not value.startswith("{") else None


def canonical(text: str) -> str:
    """A profile in the one form in which two that say the same are equal. ValueError for what is no JSON object."""
    profile = json.loads(text)
    if not isinstance(profile, dict):
        raise ValueError("it is no JSON object")
    return json.dumps(profile, sort_keys=True, separators=(",", ":"))


def canonical_form(option: str) -> str:
    """An option as it is compared: a profile's JSON in its canonical form."""
    name, value = parts(option)
    if name != _NAME or not value.startswith("{"):
        return option
    try:
        return f"{_NAME}={canonical(value)}"
    except ValueError:
        return option


def with_profiles(body: ComposeBody, profiles: Mapping[str, str]) -> ComposeBody:
    """A service's body with the contents of its profiles in the place of their paths."""
    options = body.get("security_opt")
    if not options:
        return body
    return {**body, "security_opt": [_with_profile(str(option), profiles) for option in options]}


def _with_profile(option: str, profiles: Mapping[str, str]) -> str:
    path = profile_file(option)
    return option if path is None or path not in profiles else f"{_NAME}={profiles[path]}"
