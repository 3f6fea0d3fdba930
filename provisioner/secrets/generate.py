"""Values that are made once, when no tier has one: `generate: {length: 32}`."""

from __future__ import annotations

import secrets
import string
from typing import TYPE_CHECKING

from provisioner.model.secret import Found, SecretRef, SecretValue

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from provisioner.model.secret import Generate, Resolution
    from provisioner.ports import SecretStore

TIER = "generate"

# Nothing here needs quotes in a file, a URL or a shell.
ALPHABETS = {
    "alphanumeric": string.ascii_letters + string.digits,
    "hex": "0123456789abcdef",
    "base64url": string.ascii_letters + string.digits + "-_",
}


def generated(rule: Generate) -> SecretValue:
    """A new random value."""
    alphabet = ALPHABETS[rule.charset]
    return SecretValue("".join(secrets.choice(alphabet) for _ in range(rule.length)).encode())


def may_generate(ref: SecretRef) -> bool:
    """Whether a value may be made: it is kept in `.env.local`, so only where that tier is allowed."""
    return ref.generate is not None and "env_local" in ref.sources


def keep(refs: Iterable[SecretRef], resolutions: Mapping[str, Resolution], store: SecretStore) -> tuple[str, ...]:
    """Store the values that were made in this run, all at once, before anything uses them; their keys.

    A value that somebody else has set meanwhile stays: the apply then sees that it is another one.
    """
    made: dict[str, SecretValue] = {}
    keys: list[str] = []
    for ref in refs:
        answer = resolutions[ref.key]
        if isinstance(answer, Found) and answer.tier == TIER:
            made[ref.env] = answer.value
            keys.append(ref.key)
    if made:
        store.set(made, replace=False)
    return tuple(keys)
