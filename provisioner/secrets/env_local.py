"""The tier `env_local`: `.env.local` beside the playbook, and the store that `secrets set` and `generate` write.

An unquoted value `keyring:NAME` lies in the OS keyring. Knows the file's place and safety, not its grammar.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from provisioner.errors import SecretUnavailable
from provisioner.model.secret import Found, Missing, Resolution, SecretRef, SecretValue
from provisioner.secrets import dotenv, private_file
from provisioner.secrets.exposure import exposure
from provisioner.secrets.os_keyring import OsKeyring
from provisioner.secrets.surroundings import Surroundings, Tier

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

FILE = ".env.local"


@dataclass(slots=True)
class EnvLocal:
    """Values by their `env` name. `SecretUnavailable` for an unsafe or tracked file and for any bad line."""

    path: Path
    keyring: OsKeyring
    tier: str = field(default="env_local", init=False)
    remote: bool = field(default=False, init=False)
    _warnings: tuple[str, ...] = field(default=(), init=False)

    def fetch(self, refs: Sequence[SecretRef]) -> Mapping[SecretRef, Resolution]:
        """Read the file once; ask the keyring only for the values that point there."""
        document, _, self._warnings = load(self.path)
        if document is None:
            return dict.fromkeys(refs, Missing((f"env_local: there is no {self.path}",)))
        entries = document.entries
        items = {entry.keyring for ref in refs if (entry := entries.get(ref.env)) and entry.keyring}
        kept = self.keyring.get(sorted(items)) if items else {}
        answers: dict[SecretRef, Resolution] = {}
        for ref in refs:
            entry = entries.get(ref.env)
            if entry is None:
                answers[ref] = Missing((f"env_local: no {ref.env} in {self.path}",))
                continue
            value = entry.value if entry.keyring is None else kept[entry.keyring]
            if value is None:
                raise SecretUnavailable(
                    f"secret {ref.key}: {self.path}:{entry.first} points to the OS keyring, which has no item "
                    f"{entry.keyring} for {self.keyring.service}",
                    hint=f"provision secrets set {ref.key} --keyring",
                )
            answers[ref] = Found(value, "", self.tier)
        return answers

    def warnings(self) -> Sequence[str]:
        return self._warnings


@dataclass(frozen=True, slots=True)
class EnvLocalStore:
    """Writes `.env.local`: in place by key, atomically, comments and order kept, mode 0600.

    With `in_keyring` the values go to the OS keyring and the file gets a `keyring:` line.
    """

    path: Path
    keyring: OsKeyring
    in_keyring: bool = False

    def set(self, values: Mapping[str, SecretValue], *, replace: bool = True) -> None:
        """Keep values by their `env` names; without `replace`, those that the file does not have yet.

        Nothing is written when one of them can not be carried.
        """
        for name, value in values.items():
            if value.size == 0:
                raise SecretUnavailable(f"{name}: an empty value is not a secret")
        if self.in_keyring:
            for name, value in values.items():
                self.keyring.set(name, value)
            self._edit({name: f"{dotenv.KEYRING}{name}" for name in values}, (), replace=replace)
        else:
            literals = {name: _literal(name, value) for name, value in values.items()}
            self._forget(self._edit(literals, (), replace=replace))

    def unset(self, names: Sequence[str]) -> Sequence[str]:
        """Remove the lines, and the keyring items behind them, and return the names that were there."""
        before = self._edit({}, names)
        self._forget(before)
        return tuple(entry.key for entry in before)

    def _edit(
        self, values: Mapping[str, str], removed: Sequence[str], *, replace: bool = True
    ) -> tuple[dotenv.Entry, ...]:
        """Change the file and return the entries that were replaced or removed."""
        try:
            with private_file.locked(self.path.parent):
                document, owner, _ = load(self.path)
                if document is None and not values:
                    return ()
                document = document or dotenv.Document({})
                if not replace:
                    values = {name: text for name, text in values.items() if name not in document.entries}
                touched = {*values, *removed}
                before = tuple(entry for entry in document.entries.values() if entry.key in touched)
                if values or before:
                    private_file.replace(self.path, dotenv.edit(document, values, removed), owner=owner)
                return before
        except OSError as error:
            why = os.strerror(error.errno or 0)
        raise SecretUnavailable(f"{self.path} can not be written: {why}")

    def _forget(self, before: Sequence[dotenv.Entry]) -> None:
        for entry in before:
            if entry.keyring:
                self.keyring.delete(entry.keyring)


def load(path: Path) -> tuple[dotenv.Document | None, tuple[int, int] | None, tuple[str, ...]]:
    """The file's entries, its owner and what a person should know of it; no document where there is no file."""
    file = private_file.read(path)
    if file is None:
        return None, None, ()
    exposed = exposure(path)
    if exposed == "tracked":
        raise SecretUnavailable(
            f"{path} is tracked by git, so its values are in the repository",
            hint=f"git rm --cached {path.name}, ignore it, and change every value that was committed",
        )
    document = dotenv.read(file.content)
    if document.bad:
        raise SecretUnavailable("\n".join(f"{path}:{bad.line}: {bad.text}" for bad in document.bad))
    cautions = list(file.cautions)
    if exposed == "not ignored":
        cautions.append(f"{path} is not ignored by git; add {path.name} to .gitignore")
    cautions += [f"{path}:{caution.line}: {caution.text}" for caution in document.cautions]
    return document, file.owner, tuple(cautions)


def _literal(name: str, value: SecretValue) -> str:
    written = dotenv.literal(value)
    if written is None:
        raise SecretUnavailable(
            f"{name}: .env.local carries only UTF-8 text without NUL characters",
            hint="put the bytes into a file and declare the secret with `file:`",
        )
    return written


def lies_in_keyring(surroundings: Surroundings, name: str) -> bool:
    """Whether the value of this `env` name lies in the OS keyring."""
    document, _, _ = load(surroundings.directory / FILE)
    entry = document.entries.get(name) if document else None
    return entry is not None and entry.keyring is not None


def keyring_of(surroundings: Surroundings) -> OsKeyring:
    """The OS keyring with the service name of this environment."""
    return OsKeyring(f"provision/{surroundings.project}", surroundings.variables)


def store(surroundings: Surroundings, *, in_keyring: bool = False) -> EnvLocalStore:
    """The store behind `secrets set`, `unset`, `rotate` and generated values."""
    return EnvLocalStore(surroundings.directory / FILE, keyring_of(surroundings), in_keyring)


def _open(surroundings: Surroundings) -> EnvLocal:
    return EnvLocal(surroundings.directory / FILE, keyring_of(surroundings))


SOURCE = Tier("env_local", _open)
