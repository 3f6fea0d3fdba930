"""Lines of others, quoted."""

from __future__ import annotations

from provisioner.render.paint import PLAIN
from provisioner.render.quoted import quoted


def test_a_line_that_comes_again_and_again_is_shown_once() -> None:
    said = ["up", "no \x1b[31mroom\n", "no room", "no room", "up"]
    assert quoted(said, PLAIN, "  ") == ["  | up", "  | no room  (3 times)", "  | up"]
