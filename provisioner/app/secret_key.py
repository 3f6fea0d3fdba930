"""`secrets key export`, `import`, `rotate`: the key of an environment's fingerprints, carried to where it is needed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.app.load import load_playbook
from provisioner.app.wiring import tier_context
from provisioner.errors import SecretUnavailable, UsageError, not_written
from provisioner.secrets import fingerprint, private_file
from provisioner.secrets.env_local import keyring_of
from provisioner.secrets.fingerprint import FingerprintKey

if TYPE_CHECKING:
    from provisioner.app.request import Request
    from provisioner.model.secret import SecretValue
    from provisioner.secrets.tier_context import TierContext

KEYRING = "keyring:"


def read_key(request: Request) -> SecretValue:
    """The text of the environment's key, as a file holds it. SecretUnavailable where there is none, saying where."""
    context = _secret_context(request)
    key = fingerprint.find_key(context)
    if not isinstance(key, FingerprintKey):
        raise SecretUnavailable(
            f"there is no fingerprint key here ({key.tried})", hint="the first apply makes it, or import it"
        )
    return fingerprint.key_text(key)


def export_key(request: Request, place: str) -> str:
    """Keep the key in `keyring:NAME` or in a file of mode 0600, and say where. No file that is there is replaced."""
    context, text = _secret_context(request), read_key(request)
    if place.startswith(KEYRING):
        name = place.removeprefix(KEYRING)
        if not name:
            raise UsageError("keyring: has no name", hint="for example: --to keyring:fingerprint")
        keyring_of(context).set(name, text)
        return f"the OS keyring, as {name}; name it there with {fingerprint.KEY_SOURCE}={place}"
    path = Path(request.directory, place)
    if path.is_dir():
        raise UsageError(f"{place} is a folder", hint="name a file after --to")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with private_file.locked(path.parent):
            made = private_file.create(path, text.reveal())
    except OSError as error:
        raise not_written(f"the key {place}", error) from None
    kept = None if made else private_file.read(path, only_owner=True)
    if not made and (kept is None or kept.content != text.reveal()):
        raise UsageError(f"{place} is there already, with another content", hint="name another file")
    return f"{place}, mode 0600"


def import_key(request: Request, text: SecretValue, *, replace: bool) -> tuple[str, str]:
    """Keep a key in this environment's key file; the file, and the id of the key. With `replace` over another one.

    SecretUnavailable for a text that is no key, or where another key is there already.
    """
    context = _secret_context(request)
    path = fingerprint.place_of_key(context)
    key = fingerprint.parse_key(text, "what was given", context.project)
    if path is None:
        raise UsageError(
            f"{fingerprint.KEY_SOURCE} says that the key lies elsewhere",
            hint=f"unset it, or set {fingerprint.KEY_FILE}",
        )
    fingerprint.keep_key(context, key, replace=replace)
    return str(path), key.id


def new_key(request: Request) -> SecretValue | None:
    """Put a new key in the place of the one that is here; the text of that one, None where there was none."""
    context = _secret_context(request)
    before = fingerprint.find_key(context)
    key = fingerprint.parse_key(fingerprint.new_key(), "the new key", context.project)
    fingerprint.keep_key(context, key, replace=True)
    return fingerprint.key_text(before) if isinstance(before, FingerprintKey) else None


def _secret_context(request: Request) -> TierContext:
    return tier_context(request, load_playbook(request, allow_unset=True), None)
