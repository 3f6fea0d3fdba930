"""What `secrets set`, `unset` and `rotate` do, for one declared secret and a store. The value comes from the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.errors import SecretUnavailable
from provisioner.model.secret import LARGEST_SECRET
from provisioner.secrets.chain import LOCAL
from provisioner.secrets.generate import generated

if TYPE_CHECKING:
    from provisioner.model.secret import SecretRef, SecretValue
    from provisioner.ports import SecretStore


def set_value(ref: SecretRef, value: SecretValue, store: SecretStore) -> None:
    """Keep the value. `SecretUnavailable` when the secret may not come from `.env.local`, or the size is impossible."""
    require_local(ref)
    _refuse_size(ref, value)
    store.set({ref.env: value})


def unset_value(ref: SecretRef, store: SecretStore) -> bool:
    """Remove the value; whether there was one. Also where `.env.local` is not allowed, to clear a forgotten one."""
    return bool(store.unset([ref.env]))


def rotate(ref: SecretRef, store: SecretStore, value: SecretValue | None = None) -> None:
    """Replace the value, by a new generated one unless one is given; the next apply brings it to its services.

    `SecretUnavailable` when neither is possible, since the value then changes where it comes from.
    """
    set_value(ref, new_value(ref, value), store)


def new_value(ref: SecretRef, value: SecretValue | None = None) -> SecretValue:
    """The value that a rotation would bring, kept nowhere yet. `SecretUnavailable` as for `rotate`."""
    require_local(ref)
    if value is None:
        if ref.generate is None:
            raise SecretUnavailable(
                f"secret {ref.key} is not generated", hint=f"give its new value: provision secrets rotate {ref.key} -"
            )
        value = generated(ref.generate)
    _refuse_size(ref, value)
    return value


def _refuse_size(ref: SecretRef, value: SecretValue) -> None:
    if not 1 <= value.size <= LARGEST_SECRET:
        raise SecretUnavailable(f"secret {ref.key}: {value.size} bytes; 1 to {LARGEST_SECRET} are possible")


def require_local(ref: SecretRef) -> None:
    """`SecretUnavailable` for a secret that may not come from `.env.local`: its value is changed where it lies."""
    if LOCAL not in ref.sources:
        places = ", ".join(ref.sources) or "its template"
        raise SecretUnavailable(
            f"secret {ref.key} does not come from {LOCAL} but from {places}", hint="change the value there, then apply"
        )
