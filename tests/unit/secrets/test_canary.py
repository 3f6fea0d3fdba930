"""The law of the canary: a value never appears in anything that a program writes by accident."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
import traceback
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import provisioner
from provisioner.model.secret import Found, Held, SecretValue

values = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=12).map(lambda text: f"canary-{text}")


@given(values)
def test_a_value_is_in_no_text(text: str) -> None:
    value = SecretValue(text.encode())
    found = Found(value, "", "env_local")
    for shown in (
        repr(value),
        str(value),
        f"{value}",
        f"{value!r:>80}",
        f"{value:x}",
        "%s %r" % (value, value),  # noqa: UP031
        repr([found]),
        str({"a": found}),
        f"{found}",
        repr(dataclasses.replace(found, tier="aws")),
    ):
        assert "canary" not in shown
        assert "(sensitive)" in shown


@given(values)
def test_a_value_can_not_be_serialised_or_copied(text: str) -> None:
    value = SecretValue(text.encode())
    attempts: list[Any] = [
        json.dumps,
        lambda item: json.dumps({"a": [item]}),
        pickle.dumps,
        lambda item: pickle.dumps([item], protocol=0),
        lambda item: copy.copy(item) if isinstance(item, SecretValue) else copy.deepcopy(item),
        lambda item: copy.deepcopy([item]),
        lambda item: dataclasses.asdict(item) if dataclasses.is_dataclass(item) else json.dumps(item),
    ]
    for item in (value, Found(value, "", "aws")):
        for attempt in attempts:
            with pytest.raises(TypeError) as refusal:
                attempt(item)
            assert text not in "".join(traceback.format_exception(refusal.value))


def test_json_with_a_default_of_str_shows_nothing() -> None:
    assert json.dumps(Found(SecretValue(b"canary"), "", "aws"), default=str).count("canary") == 0


def test_a_value_has_no_attributes_to_dump() -> None:
    value = SecretValue(b"canary")
    with pytest.raises(TypeError):
        vars(value)
    with pytest.raises(TypeError):
        value.__getstate__()


@given(st.binary(), st.binary())
def test_values_are_equal_when_their_bytes_are(left: bytes, right: bytes) -> None:
    assert (SecretValue(left) == SecretValue(right)) == (left == right)
    assert SecretValue(left) != left
    assert SecretValue(left).size == len(left)
    assert len({SecretValue(left), SecretValue(left)}) == 1


def test_what_the_engine_holds_has_no_value() -> None:
    assert [field.name for field in dataclasses.fields(Held)] == ["name", "tier", "version", "created"]


def test_values_are_revealed_in_these_places_only() -> None:
    """Each is where a value leaves for a store, a template or a fingerprint; a new one is a decision."""
    package = Path(provisioner.__file__).parent / "secrets"
    sites = {path.name: count for path in sorted(package.glob("*.py")) if (count := path.read_text().count(".reveal("))}
    assert sites == {
        "dotenv.py": 1,  # written into .env.local
        "fingerprint.py": 7,  # the key and the value into HMACs; a key into its file, twice; its text, twice
        "mask.py": 1,  # looked for in foreign text, to take it out
        "os_keyring.py": 1,  # stored in the OS keyring
        "template.py": 1,  # composed into another secret
    }
