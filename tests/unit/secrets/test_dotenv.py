"""The grammar of `.env.local`, line by line, and its way back."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from provisioner.model.secret import SecretValue
from provisioner.secrets import dotenv


def values(text: str) -> dict[str, str]:
    document = dotenv.read(text.encode())
    assert document.bad == ()
    return {key: entry.value.reveal().decode() for key, entry in document.entries.items()}


def bad(content: str | bytes) -> list[int]:
    return [remark.line for remark in dotenv.read(content.encode() if isinstance(content, str) else content).bad]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=x", "x"),
        ("A = x", "x"),
        ("\tA=x", "x"),
        ("export A=x", "x"),
        ("A=x  ", "x"),
        ("A=", ""),
        ("A=''", ""),
        ("A=x # a comment", "x"),
        ("A=x#c", "x#c"),
        ("A=a=b==", "a=b=="),
        ("A=a b", "a b"),
        ("A=it's", "it's"),
        ("A=a&b|c;d", "a&b|c;d"),
        ("A=$b", "$b"),
        ("A=${b}", "${b}"),
        ("A=$$", "$$"),
        ("A=$(id)`id`", "$(id)`id`"),
        (r"A=a\nb", r"a\nb"),
        ('A={"k":"v"}', '{"k":"v"}'),
        ("A='p${b}x'", "p${b}x"),
        (r"A='a\nb'", r"a\nb"),
        ("A=' x '", " x "),
        ("A='a # b' # c", "a # b"),
        ("A='#'", "#"),
        ('A="a\\nb"', "a\nb"),
        ('A="a\\tb\\rc"', "a\tb\rc"),
        ('A="say \\"hi\\" \\\\ \\$b"', 'say "hi" \\ $b'),
        ('A="$b"', "$b"),
        ("A='one\ntwo\n\nfour'", "one\ntwo\n\nfour"),
        ('A="one\ntwo"', "one\ntwo"),
        ("A='one\r\ntwo'\r", "one\ntwo"),
        ("A=ünïcödé☃", "ünïcödé☃"),
        ("a.b-c_1=x", "x"),
        ("\ufeffA=x", "x"),
        ("A=x\r", "x"),
        ("A=keyring:jwt", "keyring:jwt"),
    ],
)
def test_a_line_has_one_reading(line: str, value: str) -> None:
    assert list(values(f"{line}\n").values()) == [value]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("A", "no '='"),
        ("sk-live-canary", "no '='"),
        ("A: canary", "no '='"),
        ("=canary", "KEY=value"),
        ("1A=canary", "KEY=value"),
        ("A B=canary", "KEY=value"),
        ("Ä=canary", "KEY=value"),
        ("A= # canary", "'#'"),
        ("A=#canary", "'#'"),
        ("A=canary\t# c", "tab"),
        ("A='canary", "never closed"),
        ('A="canary', "never closed"),
        ('A="canary"y', "after the closing quote"),
        ("A='canary' 'b'", "after the closing quote"),
        ("A='canary'#c", "after the closing quote"),
        (r'A="canary\q"', "backslash"),
        ('A="canary\\\nb"', "backslash"),
        ("A=\u00a0canary", "invisible"),
        ("A=canary\u2003", "invisible"),
        ("A=can\rary", "invisible"),
        ("A=can\x1bary", "invisible"),
        ("A='can\rary'", "carriage return"),
        ("A=can\0ary", "NUL"),
        ("A='x\ncan\0ary'", "NUL"),
        ("A=keyring:", "keyring:"),
        ("A=keyring:can ary", "keyring:"),
    ],
)
def test_a_bad_line_is_told_by_number_and_reason_never_by_its_text(line: str, reason: str) -> None:
    document = dotenv.read(f"# first\n{line}\n".encode())
    assert [remark.line for remark in document.bad] == [2]
    assert reason in document.bad[0].text
    assert "canary" not in repr(document.bad)


def test_all_bad_lines_are_told_at_once() -> None:
    assert bad("A=1\nB\nC=2\nD: x\n\nE='x' y\nF=3\n") == [2, 4, 6]


def test_reading_goes_on_behind_a_bad_quoted_value() -> None:
    assert bad("A='one\ntwo' three\nB\nC=ok\n") == [1, 3]


def test_an_unclosed_quote_takes_the_rest_of_the_file() -> None:
    assert bad("A=1\nB='x\nC=2\nD\n") == [2]


def test_a_key_set_twice_names_both_lines() -> None:
    document = dotenv.read(b"A=1\nB=2\nA=canary\n")
    assert [(remark.line, remark.text) for remark in document.bad] == [(3, "this key is already set on line 1")]


def test_bytes_that_are_not_utf8_are_told_by_their_line() -> None:
    assert bad(b"A=1\nB=\xff\n") == [2]


@pytest.mark.parametrize(
    ("line", "cautions"),
    [("A=a#b", 1), ("A=$b", 1), ('A="a$b"', 1), ("A='a$b#c'", 0), ('A="a\\$b"', 0), ("A=x # $c", 0)],
)
def test_what_other_tools_read_differently_is_a_caution(line: str, cautions: int) -> None:
    assert len(dotenv.read(line.encode()).cautions) == cautions


def test_a_keyring_value_is_a_reference_only_without_quotes() -> None:
    document = dotenv.read(b"A=keyring:jwt\nB='keyring:jwt'\n")
    assert document.entries["A"].keyring == "jwt"
    assert document.entries["B"].keyring is None
    assert [caution.line for caution in document.cautions] == [2]


def test_editing_keeps_comments_order_and_everything_else() -> None:
    before = b"# head\n\nA=1 # why\nexport B='two\nlines'\n# between\nC=3\nD=4"
    after = dotenv.edit(dotenv.read(before), {"A": "x", "B": "y", "E": "'z z'"}, ["C"])
    assert after == b"# head\n\nA=x # why\nexport B=y\n# between\nD=4\nE='z z'\n"


def test_editing_a_file_with_crlf_keeps_its_line_endings() -> None:
    assert dotenv.edit(dotenv.read(b"A=1\r\nB=2\r\n"), {"B": "x", "C": "y"}) == b"A=1\r\nB=x\r\nC=y\r\n"


def test_editing_no_file_begins_one() -> None:
    assert dotenv.edit(dotenv.Document({}), {"A": "x"}) == b"A=x\n"
    assert dotenv.edit(dotenv.read(b""), {"A": "x"}) == b"A=x\n"


@pytest.mark.parametrize("value", [b"\xff\xfe", b"a\0b"])
def test_bytes_that_text_can_not_carry_have_no_literal(value: bytes) -> None:
    assert dotenv.literal(SecretValue(value)) is None


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
@example("keyring:x")
@example("it's \\")
@example("ends with \\")
@example("\r\n\t\\\"'$`#")
@example(" blank ")
@example("\ufeffx")
@example("a\u2028b\x85c\x0bd")
def test_every_text_is_written_so_that_it_reads_back(text: str) -> None:
    literal = dotenv.literal(SecretValue(text.encode()))
    assert literal is not None
    document = dotenv.read(f"# c\nBEFORE=1\nA={literal}\nAFTER=2\n".encode())
    assert document.bad == ()
    assert document.entries["A"].value.reveal().decode() == text
    assert document.entries["A"].keyring is None
    assert list(document.entries) == ["BEFORE", "A", "AFTER"]


@given(st.binary())
def test_reading_never_fails_and_never_shows_a_value(content: bytes) -> None:
    document = dotenv.read(b"A='canary-5e1f'\n" + content)
    assert "canary-5e1f" not in repr(document)


@given(st.lists(st.sampled_from(["A=1", "B='x'", "C", "D='", '"', "'", "# c", "", "E=2 # x", 'F="\\q"']), max_size=8))
def test_an_edited_file_differs_only_where_it_was_edited(lines: list[str]) -> None:
    document = dotenv.read("\n".join(lines).encode())
    if document.bad:
        return
    again = dotenv.read(dotenv.edit(document, {"B": "new", "Z": "'last one'"}, ["E"]))
    assert again.bad == ()
    expected = {key: entry.value for key, entry in document.entries.items() if key != "E"}
    expected |= {"B": SecretValue(b"new"), "Z": SecretValue(b"last one")}
    assert {key: entry.value for key, entry in again.entries.items()} == expected


@pytest.mark.parametrize("character", ["\u200b", "\u200e", "\u202e", "\u2060", "\ufeff", "\u00a0", "\x7f"])
def test_an_invisible_character_needs_quotes(character: str) -> None:
    """Pasted before, in or after a value it would make a password that nobody can explain."""
    for text in (f"A={character}x", f"A=x{character}", f"A=x{character}y", f"A={character}"):
        document = dotenv.read(text.encode())
        assert [bad.text for bad in document.bad] == ["an invisible character in an unquoted value: quote it"]
    quoted = dotenv.read(f"A='x{character}'".encode())
    assert quoted.entries["A"].value.reveal() == f"x{character}".encode()
