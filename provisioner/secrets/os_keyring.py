"""The OS keyring, behind `keyring:` values of `.env.local`. The only importer of keyring.

Backends are taken from a list, never from what happens to be installed: a plaintext one would win by itself.
"""

from __future__ import annotations

import importlib
from dataclasses import field
from typing import TYPE_CHECKING, Any, TypeVar

from provisioner.errors import SecretUnavailable, Unreachable
from provisioner.model.dataclass import dataclass
from provisioner.model.secret import SecretValue
from provisioner.secrets.deadline import within

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

T = TypeVar("T")

# Backends that keep items encrypted and bound to the user's session.
ALLOWED = (
    "keyring.backends.macOS.Keyring",
    "keyring.backends.Windows.WinVaultKeyring",
    "keyring.backends.SecretService.Keyring",
    "keyring.backends.libsecret.Keyring",
    "keyring.backends.kwallet.DBusKeyring",
)
ASKED_BY_NAME = "PROVISION_KEYRING_BACKEND"
SECONDS = 20.0


@dataclass(slots=True)
class OsKeyring:
    """Items of one service name. Every call ends after `seconds`, also when a dialog waits for somebody.

    `variables` is the process environment: `PROVISION_KEYRING_BACKEND` names a backend outside the list,
    `PYTHON_KEYRING_BACKEND` may only choose one on it. Raises `Unreachable` when no keyring answers and
    `SecretUnavailable` when a backend is refused or can not carry a value.
    """

    service: str
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    seconds: float = SECONDS
    _opened: Any = field(default=None, init=False, repr=False)

    @property
    def backend(self) -> str:
        """The full name of the backend's class, for people."""
        kind = type(self._backend())
        return f"{kind.__module__}.{kind.__qualname__}"

    def get(self, names: Sequence[str]) -> Mapping[str, SecretValue | None]:
        """The items' values; None for one that is not there."""
        passwords = {name: self._password(name) for name in names}
        return {name: None if text is None else SecretValue(text.encode()) for name, text in passwords.items()}

    def set(self, name: str, value: SecretValue) -> None:
        """Keep an item and read it back; a keyring carries text without NUL only."""
        text = _text(value)
        if text is None:
            raise SecretUnavailable(f"{name}: the OS keyring carries only text without NUL characters")
        backend = self._backend()
        self._within(lambda: backend.set_password(self.service, name, text))
        if self._password(name) != text:
            raise SecretUnavailable(f"{name}: the OS keyring ({self.backend}) did not keep the value as it was given")

    def delete(self, name: str) -> bool:
        """Remove an item; whether it was there."""
        backend = self._backend()
        if self._password(name) is None:
            return False
        self._within(lambda: backend.delete_password(self.service, name))
        return True

    def _password(self, name: str) -> str | None:
        backend = self._backend()
        password: str | None = self._within(lambda: backend.get_password(self.service, name))
        return password

    def _backend(self) -> Any:
        if self._opened is None:
            self._opened = self._within(lambda: _open(self.variables))
        return self._opened

    def _within(self, call: Callable[[], T]) -> T:
        try:
            return within(self.seconds, call)
        except (SecretUnavailable, Unreachable):
            raise
        except TimeoutError:
            why = f"did not answer within {self.seconds:g} s; it may be waiting for somebody to unlock it"
        except Exception as error:
            # Only the kind of error: a backend's text may hold what it was given.
            why = f"failed with {type(error).__name__}"
        raise Unreachable(f"the OS keyring {why}", hint="unlock the keyring of this session and try again")


def _open(variables: Mapping[str, str]) -> Any:
    """A backend: the one asked for by name, else the best of the list that works here."""
    asked = variables.get(ASKED_BY_NAME)
    if asked:
        backend, why = _instance(asked)
        if backend is None:
            raise Unreachable(f"the keyring backend {asked} can not be used: {why}", hint=f"see {ASKED_BY_NAME}")
        return backend
    chosen = variables.get("PYTHON_KEYRING_BACKEND")
    if chosen and chosen not in ALLOWED:
        raise SecretUnavailable(
            f"the keyring backend {chosen} is not one that keeps secrets encrypted",
            hint=f"unset PYTHON_KEYRING_BACKEND, or ask for it by name with {ASKED_BY_NAME}={chosen}",
        )
    reasons = []
    usable = []
    for name in (chosen,) if chosen else ALLOWED:
        backend, why = _instance(name)
        if backend is None:
            reasons.append(f"{name.split('.')[-2]}: {why}")
        else:
            usable.append(backend)
    if not usable:
        raise Unreachable(
            "no OS keyring works here", detail="\n".join(reasons), hint="put the values themselves into .env.local"
        )
    return max(usable, key=lambda backend: float(backend.priority))


def _instance(name: str) -> tuple[Any, str]:
    """A backend by its class's full name, or None and why not."""
    module, _, kind = name.rpartition(".")
    try:
        backend = getattr(importlib.import_module(module), kind)()
        # A backend that does not work here raises the reason when it is asked for its priority.
        float(backend.priority)
    except Exception as error:
        return None, str(error) or type(error).__name__
    return backend, ""


def _text(value: SecretValue) -> str | None:
    try:
        text = value.reveal().decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text
