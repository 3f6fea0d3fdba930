"""How single values are shown."""

from __future__ import annotations

import json

import pytest
import yaml

from provisioner.model.change import FieldChange, Impact
from provisioner.render.config_yaml import config_yaml
from provisioner.render.paint import printable, visible
from provisioner.render.values import before_and_after, quantity, seconds, shorten, show


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (None, "", "(none)"),
        (True, "", "true"),
        ("true", "", '"true"'),
        ("", "", '""'),
        ("two words", "", "two words"),
        (" edge", "", '" edge"'),
        ("two\nlines", "", '"two\\nlines"'),
        (536870912, "bytes", "512 MiB"),
        (536870913, "bytes", "536870913 B"),
        (1610612736, "bytes", "1.5 GiB"),
        (0, "bytes", "0 bytes"),
        (1500000000, "ns", "1.5 s"),
        ({"b": 1, "a": "ü"}, "", '{"a": "ü", "b": 1}'),
    ],
)
def test_one_value(value: object, unit: str, shown: str) -> None:
    assert show(value, unit) == shown  # type: ignore[arg-type]


@pytest.mark.parametrize(("value", "shown"), [(0.44, "0.4s"), (59.9, "59.9s"), (125, "2m05s"), (3720, "1h02m")])
def test_durations(value: float, shown: str) -> None:
    assert seconds(value) == shown


def test_an_unknown_unit_follows_the_number() -> None:
    assert quantity(3, "retries") == "3 retries"


def test_where_long_values_differ_stays_in_sight() -> None:
    before = "https://example.org/" + "x" * 200 + "/old"
    after = "https://example.org/" + "x" * 200 + "/new"
    shown = before_and_after(FieldChange("url", before, after, Impact.IN_PLACE))
    assert [text[-3:] for text in shown] == ["old", "new"]
    assert max(len(text) for text in shown) <= 64


def test_long_lists_are_shown_by_what_leaves_and_comes() -> None:
    same = [f"entry-number-{number}" for number in range(10)]
    change = FieldChange("ports", [*same, "left"], ["came", *same], Impact.REPLACE)
    assert before_and_after(change) == ("[left, … 10 the same]", "[came, … 10 the same]")


def test_a_list_in_another_order_is_shown_as_two_lists() -> None:
    change = FieldChange("dns", ["a", "b"], ["b", "a"], Impact.REPLACE)
    assert before_and_after(change) == ('["a", "b"]', '["b", "a"]')


def test_shortening_marks_what_is_cut() -> None:
    assert shorten("abcdef", 4) == "abc…"
    assert shorten("abcd", 4) == "abcd"


def test_escape_sequences_are_taken_out_of_foreign_text() -> None:
    assert printable("\x1b[31mred\x1b[0m\x1b]0;title\x07 end\r\x00") == "red end"


@pytest.mark.parametrize("character", ["\u202e", "\u200b", "\u2066", "\ufeff", "\U000e0041"])
def test_what_can_not_be_seen_is_written_as_its_code(character):
    """In a plan, in the config that can be read again, and in JSON: no difference can be made to look like another."""
    text = f"a{character}b"
    assert character not in printable(text)
    assert "\\u" in printable(text)
    assert character not in show(text)
    written = config_yaml({"k": text, f"k{character}": ["x", text]})
    assert character not in written
    assert yaml.safe_load(written) == {"k": text, f"k{character}": ["x", text]}
    assert json.loads(visible(json.dumps([text], ensure_ascii=False))) == [text]
