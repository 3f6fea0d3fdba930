"""Keyed fingerprints of secret values, and where their key comes from.

With the key an unchanged value is recognised; without it a fingerprint tells nothing, not even that two are equal.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.errors import SecretUnavailable, not_written
from provisioner.model.dataclass import dataclass
from provisioner.model.secret import Found, SecretRef, SecretValue
from provisioner.secrets import private_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.secrets.tier_context import TierContext

KEY_FILE = "PROVISION_FINGERPRINT_KEY_FILE"
KEY_SOURCE = "PROVISION_FINGERPRINT_KEY"
FOLDER = ".provision"


_DOMAIN = b"provision secret fingerprint 1"
_TEXT = re.compile(rb"(?P<id>[0-9a-f]{8})\.(?P<key>[0-9a-f]{64})\n?")
_FINGERPRINT = re.compile(r"(?P<id>[0-9a-f]{8})\.(?P<code>[0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class FingerprintKey:
    """The key of one environment. `id` is random and public; it tells fingerprints of different keys apart."""

    id: str
    environment: str
    value: SecretValue = field(repr=False)

    def fingerprint(self, name: str, value: SecretValue) -> str:
        """`<key id>.<HMAC-SHA-256>` over environment, name and value: one value under two names looks different."""
        code = hmac.new(self.value.reveal(), digestmod=hashlib.sha256)
        for part in (_DOMAIN, self.environment.encode(), name.encode(), value.reveal()):
            code.update(len(part).to_bytes(8, "big"))
            code.update(part)
        return f"{self.id}.{code.hexdigest()}"

    def seal(self, data: bytes) -> str:
        """An HMAC-SHA-256 (hex) by which text that this environment wrote is known again; no secret's fingerprint."""
        return hmac.new(self.value.reveal(), b"provision saved plan 1\0" + data, hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class KeyAbsent:
    """There is no key: values can not be compared. `tried` says where it was looked for."""

    tried: str


def find_key(context: TierContext) -> FingerprintKey | KeyAbsent:
    """The environment's key from the one place that holds it.

    `PROVISION_FINGERPRINT_KEY_FILE` names a file, `PROVISION_FINGERPRINT_KEY` is `keyring:NAME` or `aws:REFERENCE`;
    without either it is `.provision/<project>.key` beside the playbook. `SecretUnavailable` for a key that is unsafe
    or malformed, `Unreachable` when its place does not answer.
    """
    variables = context.variables
    if variables.get(KEY_FILE):
        return _from_file(Path(variables[KEY_FILE]), context.project)
    source = variables.get(KEY_SOURCE)
    if source:
        return _from_source(source, context)
    return _from_file(key_file(context), context.project)


def key_file(context: TierContext) -> Path:
    """Where the key lies when nothing else is said."""
    return context.directory / FOLDER / f"{context.project}.key"


def create_key(context: TierContext) -> FingerprintKey:
    """The key from its file, made there if there is none: mode 0600, in a folder that git ignores.

    Two runs at once end with the same key. `SecretUnavailable` when the key is said to be elsewhere.
    """
    if context.variables.get(KEY_SOURCE) and not context.variables.get(KEY_FILE):
        raise SecretUnavailable(
            f"the fingerprint key is not made in {context.variables[KEY_SOURCE]}",
            hint="store there what `new_key` gives, or unset " + KEY_SOURCE,
        )
    named = context.variables.get(KEY_FILE)
    path = Path(named) if named else key_file(context)
    try:
        if not named:
            _own_folder(path.parent)
        with private_file.locked(path.parent):
            private_file.create(path, new_key().reveal())
    except OSError as error:
        raise not_written(f"the fingerprint key {path}", error) from None
    made = _from_file(path, context.project)
    if isinstance(made, FingerprintKey):
        return made
    raise SecretUnavailable(f"the fingerprint key {path} can not be made: it is gone again")


def place_of_key(context: TierContext) -> Path | None:
    """The file that holds the key, there or not; None where the key is said to lie in a keyring or in AWS."""
    named = context.variables.get(KEY_FILE)
    if named:
        return Path(named)
    return None if context.variables.get(KEY_SOURCE) else key_file(context)


def keep_key(context: TierContext, key: FingerprintKey, *, replace: bool) -> None:
    """Keep a key in its file; the same one again is fine. SecretUnavailable for another one there without `replace`."""
    path = place_of_key(context)
    if path is None:
        raise SecretUnavailable(f"{KEY_SOURCE} says that the key lies elsewhere", hint="change it there")
    existing = None if replace else _from_file(path, context.project)
    if isinstance(existing, FingerprintKey):
        if existing == key:
            return
        raise SecretUnavailable(
            f"{path} has another key ({existing.id}; this is {key.id})", hint="--replace puts this one in its place"
        )
    try:
        if path == key_file(context):
            _own_folder(path.parent)
        with private_file.locked(path.parent):
            private_file.replace(path, key_text(key).reveal())
    except OSError as error:
        raise not_written(f"the fingerprint key {path}", error) from None


def key_text(key: FingerprintKey) -> SecretValue:
    """A key as a file holds it."""
    return SecretValue(f"{key.id}.{key.value.reveal().hex()}\n".encode())


def parse_key(text: SecretValue, where: str, project: str) -> FingerprintKey:
    """The key that a text is. SecretUnavailable, naming where it was found, for one that is none."""
    return _key(text, where, project)


def new_key() -> SecretValue:
    """The text of a new key, as a file, a keyring item or an AWS secret holds it: `<id>.<64 hexadecimal digits>`."""
    return SecretValue(f"{secrets.token_hex(4)}.{secrets.token_hex(32)}\n".encode())


def _own_folder(folder: Path) -> None:
    """Make the folder so that it ignores itself."""
    folder.mkdir(mode=0o700, exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")


def _from_file(path: Path, project: str) -> FingerprintKey | KeyAbsent:
    file = private_file.read(path, only_owner=True)
    if file is None:
        return KeyAbsent(f"there is no {path}")
    return _key(SecretValue(file.content), str(path), project)


def _from_source(source: str, context: TierContext) -> FingerprintKey | KeyAbsent:
    place, _, name = source.partition(":")
    if place == "keyring" and name:
        value = _from_keyring(name, context)
    elif place == "aws" and name:
        value = _from_aws(name)
    else:
        raise SecretUnavailable(f"{KEY_SOURCE} is not `keyring:NAME` or `aws:REFERENCE`")
    return KeyAbsent(f"{source} has none") if value is None else _key(value, source, context.project)


def _from_keyring(name: str, context: TierContext) -> SecretValue | None:
    from provisioner.secrets.env_local import keyring_of

    values: Mapping[str, SecretValue | None] = keyring_of(context).get([name])
    return values[name]


def _from_aws(reference: str) -> SecretValue | None:
    from provisioner.secrets.aws import AwsTier

    ref = SecretRef("fingerprint key", (), "", reference, ("aws",), asks_aws=True)
    answer = AwsTier().fetch([ref])[ref]
    return answer.value if isinstance(answer, Found) else None


def _key(text: SecretValue, where: str, project: str) -> FingerprintKey:
    match = _TEXT.fullmatch(text.reveal())
    if match is None:
        raise SecretUnavailable(
            f"{where} does not hold a fingerprint key", hint="8 and 64 hexadecimal digits with a '.' between expected"
        )
    return FingerprintKey(match["id"].decode(), project, SecretValue(bytes.fromhex(match["key"].decode())))
