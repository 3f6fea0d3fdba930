"""Env files in Compose's dialect; what is wrong is told by its line and never by its content."""

from __future__ import annotations

import pytest

from provisioner.document import dotenv
from provisioner.document.findings import Findings

SHELL = {"HOME": "/root", "SHELL_TOO": "shell"}

LINES = {
    "A = x": "x",
    "A=x  ": "x",
    "A=x # c": "x",
    "A=x#c": "x#c",
    "A=#c": "#c",
    "A= #c": "#c",
    "A=": "",
    "A=x\t#c": "x\t#c",
    "A: x": "x",
    "A=a=b": "a=b",
    'A={"k":"v"}': '{"k":"v"}',
    "export A=x": "x",
    "export   A=x": "x",
    "A=a'b'c": "a'b'c",
    'A=a"b"c': 'a"b"c',
    "A=a b": "a b",
    "A=it's": "it's",
    "A=a&b": "a&b",
    "A=\u00a0x": "x",
    "A=x\r": "x",
    # Quotes.
    "A='x'": "x",
    "A='p${b}x'": "p${b}x",
    "A='a\\nb'": "a\\nb",
    "A='a\nb'": "a\nb",
    'A="x" # c': "x",
    'A="a\\nb\\tc"': "a\nb\tc",
    'A="a\\\\"': "a\\",
    'A="say \\"x\\""': 'say "x"',
    'A="\\q"': "\\q",
    'A="a\nb"': "a\nb",
    'A="x # y"': "x # y",
    # Variables.
    "A=$HOME": "/root",
    "A=${HOME}/x": "/root/x",
    'A="$HOME"': "/root",
    "A='$HOME'": "$HOME",
    "A=${UNSET:-d}": "d",
    "A=$UNSET": "",
    "A=$$": "$",
    "A=$5": "$5",
    "A=a$": "a$",
    "A=$(id)": "$(id)",
    'A="p\\$w"': "p$w",
    "B=1\nA=$B": "1",
    "B=1\nA='$B'": "$B",
    "SHELL_TOO=file\nA=$SHELL_TOO": "shell",
    "A=1\nA=2": "2",
}


def parse(text: str) -> tuple[dict[str, str | None], Findings]:
    findings = Findings()
    found = dotenv.parse(text, "x.env", findings, SHELL.get)
    return {name: setting.value for name, setting in found.items()}, findings


@pytest.mark.parametrize(("text", "value"), LINES.items())
def test_a_line_gives_the_value_that_compose_gives(text: str, value: str) -> None:
    found, findings = parse(text)
    assert found["A"] == value
    assert not findings.errors


def test_names_may_have_dots_dashes_and_brackets() -> None:
    found, _ = parse("a.b=1\na-b=2\n1a=3\na[0]=4\nexportA=5\n\n# c\n   B=6")
    assert found == {"a.b": "1", "a-b": "2", "1a": "3", "a[0]": "4", "exportA": "5", "B": "6"}


def test_a_name_alone_takes_its_value_from_the_environment() -> None:
    assert parse("HOME\nNOWHERE\n")[0] == {"HOME": "/root", "NOWHERE": None}


def test_every_setting_knows_its_line() -> None:
    found = dotenv.parse('# c\n\nA=1\nB="two\nlines"\nC=3', "x.env", Findings(), SHELL.get)
    assert {name: setting.span.line for name, setting in found.items()} == {"A": 3, "B": 4, "C": 6}


def test_raw_takes_lines_as_they_are() -> None:
    found = dotenv.parse('A="x" # $HOME\r\n#c\n\nB\nC=a=b\n', "x.env", Findings(), SHELL.get, raw=True)
    assert {name: setting.value for name, setting in found.items()} == {"A": '"x" # $HOME', "B": None, "C": "a=b"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("=hunter2", 1),
        ("A B=hunter2", 1),
        ("A/b=hunter2", 1),
        ("OK=1\nhunter2 hunter2", 2),
        ('A="hunter2', 1),
        ("\nA='hunter2\nB=1", 2),
        ('A="x"hunter2', 1),
        ("A=${hunter2", 1),
        ("A=${NEEDED:?}", 1),
        ('"hunter2"=1', 1),
    ],
)
def test_a_bad_line_is_told_by_its_number_alone(text: str, line: int) -> None:
    _, findings = parse(text)
    (problem,) = findings.errors
    assert problem.span is not None
    assert (problem.span.file, problem.span.line) == ("x.env", line)
    assert "hunter2" not in str(problem)


def test_reading_goes_on_after_a_bad_line() -> None:
    found, findings = parse("A=1\n=x\nB C=1\nD=2")
    assert found == {"A": "1", "D": "2"}
    assert [problem.span.line for problem in findings.errors if problem.span] == [2, 3]


def test_an_unset_variable_is_a_warning() -> None:
    _, findings = parse("A=1\nB=$UNSET")
    assert [str(warning) for warning in findings.warnings] == [
        "x.env:2:1: the variable UNSET is not set, so it is empty here (set it, write ${UNSET-} if empty is meant, "
        "or put the value in single quotes if a dollar is meant)"
    ]


def test_a_long_file_is_read_in_linear_time() -> None:
    found, _ = parse("".join(f"NAME_{number}=value\n" for number in range(20_000)))
    assert len(found) == 20_000
