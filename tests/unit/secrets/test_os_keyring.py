"""Which keyring backends are taken, and that every call ends."""

from __future__ import annotations

import time

import pytest

from provisioner.errors import SecretUnavailable, Unreachable
from provisioner.model.secret import SecretValue
from provisioner.secrets.os_keyring import ASKED_BY_NAME, OsKeyring
from tests.contract.secret_sources.keyring_backend import Memory

BACKENDS = "tests.contract.secret_sources.keyring_backend"


@pytest.fixture(autouse=True)
def empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Memory, "items", {})


def keyring(backend: str, seconds: float = 20.0) -> OsKeyring:
    return OsKeyring("provision/shop", {ASKED_BY_NAME: f"{BACKENDS}.{backend}"}, seconds)


@pytest.mark.parametrize(
    "backend",
    [
        "keyring.backends.null.Keyring",
        "keyring.backends.fail.Keyring",
        "keyring.backends.chainer.ChainerBackend",
        "keyrings.alt.file.PlaintextKeyring",
        "keyrings.alt.file.EncryptedKeyring",
        "os.system",
    ],
)
def test_a_backend_outside_the_list_is_refused_and_not_imported(backend: str) -> None:
    with pytest.raises(
        SecretUnavailable, match=f"backend {backend} is not one that keeps secrets encrypted"
    ) as refusal:
        OsKeyring("provision/shop", {"PYTHON_KEYRING_BACKEND": backend}).get(["a"])
    assert f"{ASKED_BY_NAME}={backend}" in (refusal.value.hint or "")


def test_a_backend_that_is_asked_for_by_name_is_taken() -> None:
    chosen = OsKeyring("provision/shop", {ASKED_BY_NAME: "keyring.backends.null.Keyring"})
    assert chosen.backend == "keyring.backends.null.Keyring"
    assert chosen.get(["a"]) == {"a": None}


def test_what_is_installed_is_never_taken_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
    monkeypatch.setattr("provisioner.secrets.os_keyring.ALLOWED", ("keyring.backends.macOS.Keyring",))
    with pytest.raises(Unreachable, match="no OS keyring works here") as refusal:
        OsKeyring("provision/shop", {}).get(["a"])
    assert (refusal.value.detail or "").startswith("macOS: ")


def test_a_listed_backend_that_does_not_work_here_is_unreachable_with_the_reason() -> None:
    with pytest.raises(Unreachable, match="no OS keyring works here") as refusal:
        OsKeyring("provision/shop", {"PYTHON_KEYRING_BACKEND": "keyring.backends.Windows.WinVaultKeyring"}).get(["a"])
    assert (refusal.value.detail or "").startswith("Windows: ")


def test_a_named_backend_that_is_not_there_is_unreachable() -> None:
    with pytest.raises(Unreachable, match=r"backend no\.such\.Thing can not be used"):
        OsKeyring("provision/shop", {ASKED_BY_NAME: "no.such.Thing"}).get(["a"])


def test_items_are_kept_under_the_environments_service() -> None:
    ring = keyring("Memory")
    ring.set("JWT", SecretValue("pä$s\n".encode()))
    assert Memory.items == {("provision/shop", "JWT"): "pä$s\n"}
    assert ring.get(["JWT", "OTHER"]) == {"JWT": SecretValue("pä$s\n".encode()), "OTHER": None}
    assert ring.delete("JWT")
    assert not ring.delete("JWT")


@pytest.mark.parametrize("value", [b"\xff", b"a\0b"])
def test_what_a_keyring_can_not_carry_is_refused(value: bytes) -> None:
    with pytest.raises(SecretUnavailable, match="JWT: the OS keyring carries only text"):
        keyring("Memory").set("JWT", SecretValue(value))
    assert Memory.items == {}


def test_a_keyring_that_keeps_something_else_is_found_out() -> None:
    with pytest.raises(SecretUnavailable, match="did not keep the value as it was given"):
        keyring("Trimming").set("JWT", SecretValue(b" x "))


def test_a_keyring_that_waits_for_somebody_is_given_up() -> None:
    started = time.monotonic()
    with pytest.raises(Unreachable, match=r"did not answer within 0\.2 s"):
        keyring("Silent", seconds=0.2).get(["JWT"])
    assert time.monotonic() - started < 30


def test_an_error_of_the_backend_is_told_by_its_kind_only() -> None:
    with pytest.raises(Unreachable, match="failed with KeyringLocked") as refusal:
        keyring("Locked").get(["JWT"])
    assert "canary" not in f"{refusal.value!r}{refusal.value.__cause__!r}{refusal.value.__context__!r}"
