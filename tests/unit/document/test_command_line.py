"""Words of a command line: what Docker Compose 2.40.3 makes of the same lines."""

from __future__ import annotations

import pytest

from provisioner.document.command_line import split


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        ("  a   b\t\nc ", ["a", "b", "c"]),
        ("a 'b c' \"d e\" f\\ g", ["a", "b c", "d e", "f g"]),
        ("a'b'\"c\"", ["abc"]),
        ("'' \"\" a''b", ["", "", "ab"]),
        ("'a\\n' \"it's\" '\"'", ["a\\n", "it's", '"']),
        # Inside double quotes, too, a backslash stands for whatever comes next.
        ('"a\\$b\\"c\\d" \\n', ['a$b"cd', "n"]),
        ("`a b` x=`y z`w", ["`a b`", "x=`y z`w"]),
        ("$(a b) x$(y)z", ["$(a b)", "x$(y)z"]),
        ("'$(a b)' \"(c)\"", ["$(a b)", "(c)"]),
        ("a # b", ["a", "#", "b"]),
        ("a) b)", ["a) b)"]),
    ],
)
def test_words(line: str, words: list[str]) -> None:
    assert split(line) == (words, "")


@pytest.mark.parametrize(
    ("line", "words", "rest"),
    [
        ("./web & ./worker", ["./web"], "& ./worker"),
        ("a && b", ["a"], "&& b"),
        ("a; b", ["a"], "; b"),
        ("a>b", ["a"], ">b"),
        ("a 2>/dev/null", ["a"], ">/dev/null"),
        ("a2>b", ["a2"], ">b"),
        ("a <b", ["a"], "<b"),
        ("a '|' b | c", ["a", "|", "b"], "| c"),
        ("| a", [], "| a"),
    ],
)
def test_an_operator_of_the_shell_ends_the_command(line: str, words: list[str], rest: str) -> None:
    assert split(line) == (words, rest)


@pytest.mark.parametrize("line", ["'a", '"a', "a\\", "`a", "$(a", "(a)", "a)", "$(a $(b))"])
def test_what_is_not_closed_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"not closed|outside quotes"):
        split(line)
