"""Durations, sizes, modes, numbers and booleans: as people write them, as Compose writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.document import quantities
from provisioner.model.node import Node, Scalar
from provisioner.model.span import Span

if TYPE_CHECKING:
    from collections.abc import Callable


def node(value: Scalar) -> Node:
    return Node(value, Span("f.yml", 1, 1), str(value))


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("30s", "30s"),
        ("90s", "1m30s"),
        ("60s", "1m0s"),
        ("1h", "1h0m0s"),
        ("1.5h", "1h30m0s"),
        ("1h1m1.5s", "1h1m1.5s"),
        ("0", "0s"),
        ("0s", "0s"),
        ("1ms", "1ms"),
        ("100us", "100µs"),
        ("100µs", "100µs"),
        ("1500us", "1.5ms"),
        ("5ns", "5ns"),
        (".5s", "500ms"),
        ("1d", "24h0m0s"),
        ("2w", "336h0m0s"),
    ],
)
def test_durations(text: str, canonical: str) -> None:
    assert quantities.to_duration(node(text)) == canonical


@pytest.mark.parametrize("text", ["", "5", "s", "1x", "1 s", "-1s", "1s ", "1e3s", "1s1", "99999999999999w", "٣s"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="expected a duration"):
        quantities.to_duration(node(text))


@given(st.integers(0, 2**63 - 1))
def test_a_duration_written_canonically_reads_back(length: int) -> None:
    assert quantities.nanoseconds(quantities.duration_text(length)) == length


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (512, "512"),
        ("512", "512"),
        ("512b", "512"),
        ("1k", "1024"),
        ("64m", str(64 * 1024**2)),
        ("1.5gb", str(3 * 512 * 1024**2)),
        ("1.5 GiB", str(3 * 512 * 1024**2)),
        ("1T", str(1024**4)),
        (0, "0"),
    ],
)
def test_sizes(value: Scalar, size: str) -> None:
    assert quantities.to_size(node(value)) == size


@pytest.mark.parametrize("value", ["", "10x", "ten", "-1", "1e3", 1e3, -1, "1.m", "9999999p", "1 0m"])
def test_what_is_no_size(value: Scalar) -> None:
    with pytest.raises(ValueError, match="expected"):
        quantities.to_size(node(value))


def test_memory_and_swap_may_be_without_limit() -> None:
    assert [quantities.to_size_or_unlimited(node(value)) for value in (-1, "-1", "1k")] == ["-1", "-1", "1024"]


@pytest.mark.parametrize(
    ("value", "mode"), [(0o440, "0440"), ("0440", "0440"), ("440", "0440"), ("0o400", "0400"), (0, "00")]
)
def test_modes(value: Scalar, mode: str) -> None:
    assert quantities.to_mode(node(value)) == mode


@pytest.mark.parametrize("value", ["0999", "rw", "", -1, 0o10000, "77777"])
def test_what_is_no_mode(value: Scalar) -> None:
    with pytest.raises(ValueError, match="octal"):
        quantities.to_mode(node(value))


@pytest.mark.parametrize(
    ("convert", "value", "expected"),
    [
        (quantities.to_boolean, "yes", True),
        (quantities.to_boolean, "Off", False),
        (quantities.to_boolean, True, True),
        (quantities.to_integer, "-3", -3),
        (quantities.to_integer, 3.0, 3),
        (quantities.to_number, "0.5", 0.5),
        (quantities.to_number, "2", 2),
        (quantities.to_text, 1.10, "1.1"),
        (quantities.to_text, True, "true"),
        (quantities.to_text, None, ""),
    ],
)
def test_scalars(convert: Callable[[Node], Scalar], value: Scalar, expected: Scalar) -> None:
    found = convert(node(value))
    assert (type(found), found) == (type(expected), expected)


@pytest.mark.parametrize(
    ("convert", "value"),
    [
        (quantities.to_boolean, "maybe"),
        (quantities.to_integer, "1.5"),
        (quantities.to_integer, 1.5),
        (quantities.to_integer, "1_000"),
        (quantities.to_number, "many"),
        (quantities.to_number, "1_0"),
        (quantities.to_number, "nan"),
        (quantities.to_number, float("inf")),
        (quantities.to_text, float("nan")),
    ],
)
def test_what_does_not_fit(convert: Callable[[Node], Scalar], value: Scalar) -> None:
    with pytest.raises(ValueError, match="expected"):
        convert(node(value))
