"""Long lines are broken between words."""

from __future__ import annotations

import pytest

from provisioner.render.fold import folded
from provisioner.render.paint import Paint


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("one two three\n", 0, "one two three\n"),
        ("one two three\n", 13, "one two three\n"),
        ("one two three\n", 12, "one two\n  three\n"),
        ("  | one two three\nnext", 12, "  | one two\n    three\nnext"),
        ("a    b  cc", 8, "a    b\n  cc"),
        ("see /a/very/long/path here", 10, "see\n  /a/very/long/path\n  here"),
    ],
)
def test_where_a_line_is_broken(text: str, width: int, expected: str) -> None:
    assert folded(text, width) == expected


def test_colours_take_no_room_and_stay_whole() -> None:
    red = Paint(color=True).red
    assert folded(f"{red('✘')} one two", 9) == f"{red('✘')} one two"
    assert folded(f"{red('✘')} one two", 8) == f"{red('✘')} one\n  two"
