"""Keyed fingerprints and their key."""

from __future__ import annotations

import stat
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.errors import SecretUnavailable, Unreachable
from provisioner.model.secret import SecretValue
from provisioner.secrets.fingerprint import (
    KEY_FILE,
    KEY_SOURCE,
    FingerprintKey,
    KeyAbsent,
    create_key,
    find_key,
    key_file,
    new_key,
)
from provisioner.secrets.os_keyring import ASKED_BY_NAME
from tests.contract.secret_sources.keyring_backend import Memory

if TYPE_CHECKING:
    from pathlib import Path

    from provisioner.secrets.tier_context import TierContext

KEY = FingerprintKey("0123abcd", "shop-prod", SecretValue(bytes(32)))
TEXT = f"0123abcd.{bytes(32).hex()}\n"


def of(value: bytes, name: str = "jwt", key: FingerprintKey = KEY) -> str:
    return key.fingerprint(name, SecretValue(value))


def test_the_fingerprint_is_the_documented_hmac() -> None:
    # A key of 32 zero bytes; four parts, each behind its length in 8 bytes; computed with
    # `openssl dgst -sha256 -mac HMAC -macopt hexkey:00…`.
    assert of(b"value") == "0123abcd.1fe8cc9e1b234f2a5f5f60da07f58ffde86c9a4a1b14f9471e078e26e727aa23"


def test_the_same_value_of_the_same_secret_is_the_same() -> None:
    assert of(b"x") == of(b"x")
    assert of(b"x") != of(b"y")


def test_equal_values_look_different_elsewhere() -> None:
    elsewhere = replace(KEY, environment="shop-dev")
    assert len({of(b"x"), of(b"x", "other"), of(b"x", key=elsewhere)}) == 3


@given(st.text(), st.binary(), st.text(), st.binary())
def test_parts_can_not_be_shifted_into_each_other(name: str, value: bytes, other_name: str, other_value: bytes) -> None:
    same = (name, value) == (other_name, other_value)
    assert (of(value, name) == of(other_value, other_name)) == same


def test_the_key_is_never_shown() -> None:
    assert bytes(32).hex() not in repr(KEY)
    assert "(sensitive)" not in of(b"x")


def test_no_key_is_said_not_guessed(tier_context: TierContext) -> None:
    assert find_key(tier_context) == KeyAbsent(f"there is no {key_file(tier_context)}")


def test_a_key_is_made_once_private_and_ignored_by_git(tier_context: TierContext) -> None:
    made = create_key(tier_context)
    again = create_key(tier_context)
    assert made == again == find_key(tier_context)
    folder = key_file(tier_context).parent
    assert stat.S_IMODE(key_file(tier_context).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert sorted(item.name for item in folder.iterdir()) == [".gitignore", "shop-prod.key"]
    assert (folder / ".gitignore").read_text() == "*\n"


def test_every_environment_has_its_own_key(tier_context: TierContext) -> None:
    other = replace(tier_context, project="shop-dev")
    assert create_key(tier_context).value != create_key(other).value


def test_a_key_file_can_be_named(tier_context: TierContext, tmp_path: Path) -> None:
    path = tmp_path / "elsewhere.key"
    named = replace(tier_context, variables={KEY_FILE: str(path)})
    create_key(tier_context)
    assert isinstance(find_key(named), KeyAbsent)
    path.write_text(TEXT)
    path.chmod(0o600)
    assert find_key(named) == KEY
    assert create_key(named) == KEY


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_that_others_can_read_is_refused(tier_context: TierContext, mode: int) -> None:
    create_key(tier_context)
    key_file(tier_context).chmod(mode)
    with pytest.raises(SecretUnavailable, match=r"by others"):
        find_key(tier_context)


@pytest.mark.parametrize("text", ["", "canary", TEXT.upper(), TEXT[:-2], f"{TEXT}\n", f" {TEXT}"])
def test_a_torn_or_foreign_key_file_is_refused_without_its_content(tier_context: TierContext, text: str) -> None:
    create_key(tier_context)
    key_file(tier_context).write_text(text)
    with pytest.raises(SecretUnavailable, match="does not hold a fingerprint key") as refusal:
        find_key(tier_context)
    assert "canary" not in refusal.value.message
    with pytest.raises(SecretUnavailable):
        create_key(tier_context)
    assert key_file(tier_context).read_text() == text


def test_the_keyring_may_hold_the_key(tier_context: TierContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Memory, "items", {})
    variables = {KEY_SOURCE: "keyring:fingerprint", ASKED_BY_NAME: f"{Memory.__module__}.Memory"}
    there = replace(tier_context, variables=variables)
    create_key(tier_context)
    assert find_key(there) == KeyAbsent("keyring:fingerprint has none")
    Memory.items["provision/shop-prod", "fingerprint"] = TEXT
    assert find_key(there) == KEY


def test_a_key_that_is_elsewhere_is_not_made_here(tier_context: TierContext) -> None:
    with pytest.raises(SecretUnavailable, match="not made in aws:shop/prod/fingerprint"):
        create_key(replace(tier_context, variables={KEY_SOURCE: "aws:shop/prod/fingerprint"}))
    assert not key_file(tier_context).exists()


def test_a_key_whose_place_does_not_answer_is_not_absent(
    tier_context: TierContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "example")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with pytest.raises(Unreachable, match="secret fingerprint key: AWS"):
        find_key(replace(tier_context, variables={KEY_SOURCE: "aws:shop/prod/fingerprint"}))


@pytest.mark.parametrize("source", ["0123abcd.00", "file:/x", "aws:", "keyring:", "vault:x"])
def test_a_source_that_is_none_is_refused_without_being_shown(tier_context: TierContext, source: str) -> None:
    with pytest.raises(SecretUnavailable, match="is not `keyring:NAME` or `aws:REFERENCE`") as refusal:
        find_key(replace(tier_context, variables={KEY_SOURCE: source}))
    assert source not in refusal.value.message.replace("aws:REFERENCE", "").replace("keyring:NAME", "")


def test_new_keys_differ() -> None:
    assert new_key() != new_key()
