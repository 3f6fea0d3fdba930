"""The tier `env_local`: `.env.<environment>.local` and `.env.local` beside the playbook, and the store behind them.

An unquoted value `keyring:NAME` lies in the OS keyring. Knows the file's place and safety, not its grammar.
"""

from __future__ import annotations

import re
from dataclasses import field
from typing import TYPE_CHECKING

from provisioner.errors import SecretUnavailable, not_written
from provisioner.model.dataclass import dataclass
from provisioner.model.secret import Found, Missing, Resolution, SecretRef, SecretValue
from provisioner.secrets import dotenv, private_file
from provisioner.secrets.exposure import exposure
from provisioner.secrets.os_keyring import OsKeyring
from provisioner.secrets.tier_context import Tier, TierContext

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

FILE = ".env.local"
# The names of environments that can be in a file's name.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(slots=True)
class EnvLocal:
    """Values by their `env` name, from `path` or else from `shared`, which several environments read.

    `SecretUnavailable` for an unsafe or tracked file and for any bad line.
    """

    path: Path
    keyring: OsKeyring
    shared: Path | None = None
    tier: str = field(default="env_local", init=False)
    remote: bool = field(default=False, init=False)
    _read: tuple[dict[str, tuple[Path, dotenv.Entry]], tuple[str, ...]] | None = field(default=None, init=False)

    def fetch(self, refs: Sequence[SecretRef]) -> Mapping[SecretRef, Resolution]:
        """Answers from the files as they are at the first call; the keyring is asked for what points there only."""
        if self._read is None:
            self._read = _entries(self.path, self.shared)
        entries, _ = self._read
        items = {entry.keyring for ref in refs if ref.env in entries and (entry := entries[ref.env][1]).keyring}
        kept = self.keyring.get(sorted(items)) if items else {}
        return {ref: self._answer(ref, entries.get(ref.env), kept) for ref in refs}

    def _answer(
        self, ref: SecretRef, located: tuple[Path, dotenv.Entry] | None, kept: Mapping[str, SecretValue | None]
    ) -> Resolution:
        if located is None:
            places = [place for place in (self.path, self.shared) if place is not None]
            existing = [str(place) for place in places if place.exists()]
            if not existing:
                return Missing((f"env_local: there is no {' and no '.join(map(str, places))}",))
            return Missing((f"env_local: no {ref.env} in {' or '.join(existing)}",))
        path, entry = located
        value = entry.value if entry.keyring is None else kept[entry.keyring]
        if value is None:
            raise SecretUnavailable(
                f"secret {ref.key}: {path}:{entry.first} points to the OS keyring, which has no item "
                f"{entry.keyring} for {self.keyring.service}",
                hint=f"provision secrets set {ref.key} --keyring",
            )
        return Found(value, "", self.tier, place=path.name)

    def warnings(self) -> Sequence[str]:
        return self._read[1] if self._read is not None else ()


@dataclass(frozen=True, slots=True)
class EnvLocalStore:
    """Writes `path`, or `shared` for a value that lies there: in place by key, atomically, comments and order kept,
    mode 0600.

    With `in_keyring` the values go to the OS keyring and the file gets a `keyring:` line.
    """

    path: Path
    keyring: OsKeyring
    in_keyring: bool = False
    shared: Path | None = None

    def set(self, values: Mapping[str, SecretValue], *, replace: bool = True) -> None:
        """Keep values by their `env` names; without `replace`, those that no file has yet.

        Nothing is written when one of them can not be carried.
        """
        for name, value in values.items():
            if value.size == 0:
                raise SecretUnavailable(f"{name}: an empty value is not a secret")
        if self.in_keyring:
            written = {name: f"{dotenv.KEYRING}{name}" for name in values}
        else:
            written = {name: _literal(name, value) for name, value in values.items()}
        homes = {name: self.home_of(name) for name in values}
        if self.in_keyring:
            for name, value in values.items():
                self.keyring.set(name, value)
        for path in dict.fromkeys(homes.values()):
            before = self._edit(path, {n: text for n, text in written.items() if homes[n] == path}, (), replace=replace)
            if not self.in_keyring:
                self._forget(before)

    def unset(self, names: Sequence[str]) -> Sequence[str]:
        """Remove the lines that are read, and the keyring items behind them, and return the names that were there."""
        homes = {name: self.home_of(name) for name in names}
        before = [
            entry
            for path in dict.fromkeys(homes.values())
            for entry in self._edit(path, {}, [name for name in names if homes[name] == path])
        ]
        self._forget(before)
        return tuple(entry.key for entry in before)

    def home_of(self, name: str) -> Path:
        """The file that the value of a name is read from, or where a new one goes."""
        entries, _ = _entries(self.path, self.shared)
        return entries[name][0] if name in entries else self.path

    def _edit(
        self, path: Path, values: Mapping[str, str], removed: Sequence[str], *, replace: bool = True
    ) -> tuple[dotenv.Entry, ...]:
        """Change a file and return the entries that were replaced or removed."""
        try:
            with private_file.locked(path.parent):
                document, owner, _ = load(path)
                if document is None and not values:
                    return ()
                document = document or dotenv.Document({})
                if not replace:
                    values = {name: text for name, text in values.items() if name not in document.entries}
                touched = {*values, *removed}
                before = tuple(entry for entry in document.entries.values() if entry.key in touched)
                if values or before:
                    private_file.replace(path, dotenv.edit(document, values, removed), owner=owner)
                return before
        except OSError as error:
            raise not_written(str(path), error) from None

    def _forget(self, before: Sequence[dotenv.Entry]) -> None:
        for entry in before:
            if entry.keyring:
                self.keyring.delete(entry.keyring)


def _entries(path: Path, shared: Path | None) -> tuple[dict[str, tuple[Path, dotenv.Entry]], tuple[str, ...]]:
    """Where each name is read, with its entry, and what a person should know of the files."""
    entries: dict[str, tuple[Path, dotenv.Entry]] = {}
    cautions: list[str] = []
    for place in [path] if shared is None else [path, shared]:
        document, _, notes = load(place)
        cautions += notes
        for name, entry in document.entries.items() if document is not None else ():
            entries.setdefault(name, (place, entry))
    return entries, tuple(cautions)


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
        cautions.append(f"{path} is not ignored by git; add .env.local and .env.*.local to .gitignore")
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


def files(context: TierContext) -> tuple[Path, ...]:
    """The files of an environment, the one that is read first at the front: its own, and the one for all."""
    shared = context.directory / FILE
    name = context.environment
    return (context.directory / f".env.{name}.local", shared) if _NAME.fullmatch(name) else (shared,)


def lies_in_keyring(context: TierContext, name: str) -> bool:
    """Whether the value of this `env` name lies in the OS keyring."""
    entries, _ = _entries(*_pair(context))
    return name in entries and entries[name][1].keyring is not None


def _pair(context: TierContext) -> tuple[Path, Path | None]:
    own, *rest = files(context)
    return own, rest[0] if rest else None


def keyring_of(context: TierContext) -> OsKeyring:
    """The OS keyring with the service name of this environment."""
    return OsKeyring(f"provision/{context.project}", context.variables)


def store(context: TierContext, *, in_keyring: bool = False) -> EnvLocalStore:
    """The store behind `secrets set`, `unset`, `rotate` and generated values."""
    path, shared = _pair(context)
    return EnvLocalStore(path, keyring_of(context), in_keyring, shared)


def _open(context: TierContext) -> EnvLocal:
    path, shared = _pair(context)
    return EnvLocal(path, keyring_of(context), shared)


SOURCE = Tier("env_local", _open)
