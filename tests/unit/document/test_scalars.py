"""Plain scalars have the types that Compose's parser gives them."""

from __future__ import annotations

import math

import pytest

from provisioner.document.scalars import Timestamp, plain_text, typed

TRAPS = {
    # What YAML 1.1 takes for booleans is text, but for true and false.
    "no": "no",
    "yes": "yes",
    "on": "on",
    "off": "off",
    "y": "y",
    "n": "n",
    "tRUE": "tRUE",
    "true": True,
    "True": True,
    "TRUE": True,
    "False": False,
    # Nothing.
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "none": "none",
    # Base 60 does not exist.
    "22:22": "22:22",
    "9:59": "9:59",
    "12:30:45": "12:30:45",
    "80:80": "80:80",
    # Octal, hexadecimal, binary, underscores.
    "0": 0,
    "010": 8,
    "0644": 420,
    "0o644": 420,
    "0O17": 15,
    "0888": 888.0,
    "0o8": "0o8",
    "0x1F": 31,
    "0X1f": 31,
    "0xG": "0xG",
    "0x": "0x",
    "0b11": 3,
    "-0x1F": -31,
    "+12": 12,
    "-0": 0,
    "1_000": 1000,
    "1__0": 10,
    "_1": "_1",
    "18446744073709551615": 2**64 - 1,
    "18446744073709551616": 18446744073709551616.0,
    "-9223372036854775808": -(2**63),
    # Floats.
    "1e3": 1000.0,
    "12e03": 12000.0,
    "1.10": 1.1,
    "1.": 1.0,
    ".5": 0.5,
    "-1.5": -1.5,
    "1e": "1e",
    "1e400": "1e400",
    ".": ".",
    "+": "+",
    "-": "-",
    "1.2.3": "1.2.3",
    "3.10": 3.1,
    ".inf": math.inf,
    "-.INF": -math.inf,
    # Dates are neither text nor anything that a playbook takes.
    "2001-01-01": Timestamp("2001-01-01"),
    "2001-1-1": Timestamp("2001-1-1"),
    "2001-01-01T10:00:00Z": Timestamp("2001-01-01T10:00:00Z"),
    "2001-13-45": "2001-13-45",
    "2001-01": "2001-01",
    "=": "=",
    "<<": "<<",
}


@pytest.mark.parametrize(("text", "value"), TRAPS.items())
def test_a_plain_scalar_has_composes_type(text: str, value: object) -> None:
    found = typed(text)
    assert (type(found), found) == (type(value), value)


def test_not_a_number_is_a_float() -> None:
    found = typed(".NaN")
    assert isinstance(found, float)
    assert math.isnan(found)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.1, "1.1"),
        (1.0, "1"),
        (1000.0, "1000"),
        (100000.0, "100000"),
        (1000000.0, "1e+06"),
        (123456.789, "123456.789"),
        (123456789.123, "1.23456789123e+08"),
        (1e20, "1e+20"),
        (1e21, "1e+21"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (3.5e-7, "3.5e-07"),
        (999999999999999.9, "9.999999999999999e+14"),
        (-2.5, "-2.5"),
        (-2.5e9, "-2.5e+09"),
        (0.0, "0"),
        (True, "true"),
        (False, "false"),
        (None, ""),
        (420, "420"),
        ("as it is", "as it is"),
    ],
)
def test_a_value_as_text_is_written_as_compose_writes_it(value: str | float | None, text: str) -> None:
    assert plain_text(value) == text
