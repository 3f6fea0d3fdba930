"""Addresses: every key that a playbook may give to an object is read back from the label that it is written to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.model.address import Address

KEYS = st.from_regex(r"[A-Za-z0-9._-]+", fullmatch=True)


@given(st.sampled_from(["service", "network", "volume", "config", "secret"]), KEYS, st.integers(0, 12))
def test_every_key_is_read_back(kind: str, key: str, index: int) -> None:
    address = Address(kind, key, index)
    assert Address.parse(str(address)) == address


@pytest.mark.parametrize("text", ["", "service", "service.", "service.a b", "service.a[x]", "Service.a", ".a", "a/b"])
def test_what_is_no_address(text: str) -> None:
    assert Address.parse(text) is None


def test_a_name_alone() -> None:
    assert Address.parse_name("_api[2]") == Address("", "_api", 2)
    assert Address.parse_name("-api") is None
