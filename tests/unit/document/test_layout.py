"""The usual layout: what a file means, its comments and its order stay, and the layout of the layout is the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.document import layout
from provisioner.document.layout import laid_out
from provisioner.errors import PlaybookInvalid

PROJECT = Path(__file__).parents[3]
OURS = [*PROJECT.glob("playbooks/*.yml"), *PROJECT.glob("playbooks/*/*.yml"), *PROJECT.glob("docs/example/**/*.yml")]
CORPUS = sorted(PROJECT.glob("tests/corpus/**/*.y*ml"))


@pytest.mark.parametrize("file", OURS, ids=lambda file: str(file.relative_to(PROJECT)))
def test_our_own_playbooks_have_it(file: Path) -> None:
    assert laid_out(file.read_text(), file.name) == file.read_text()


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: str(file.relative_to(PROJECT)))
def test_files_of_other_people(file: Path) -> None:
    text = laid_out(file.read_text(), file.name)
    assert laid_out(text, file.name) == text
    assert yaml.safe_load(text) == yaml.safe_load(file.read_text())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a:\n    b: 1\n", "a:\n  b: 1\n"),
        ("a:\n- 1\n-   2   \n", "a:\n  - 1\n  - 2\n"),
        ("-   a: 1\n    b: 2\n", "- a: 1\n  b: 2\n"),
        ("a:   1    # why  \n# more\nb: 'x'\n\n\nc: \"y\"", "a: 1    # why\n# more\nb: 'x'\n\n\nc: \"y\"\n"),
        ("a: {b: 1,   c: [x,y]}\r\n", "a: {b: 1, c: [x, y]}\n"),
        ("x: &one {a: 1}\ny: &unused 2\nz:\n  <<: *one\n", "x: &one {a: 1}\ny: &unused 2\nz:\n  <<: *one\n"),
        ("a: !reset null\nb: !override\n    - 1\n", "a: !reset null\nb: !override\n  - 1\n"),
        ("mode: 0444\nyes: on\nn: 1_000\nt: 22:22\ne: 1e3\n", "mode: 0444\nyes: on\nn: 1_000\nt: 22:22\ne: 1e3\n"),
        ("a: |\n      x\n        y\n", "a: |\n  x\n    y\n"),
        ("a: [{b: 1}, {c: 2}]\n", "a: [{b: 1}, {c: 2}]\n"),
        ("a:\n    # of b\n    b:\n        # of c\n        c: 1\n", "a:\n  # of b\n  b:\n    # of c\n    c: 1\n"),
        ("a:\n    b:\n        - 1\n        # in b\n    # in a\n# out\nc: 1\n",
         "a:\n  b:\n    - 1\n    # in b\n  # in a\n# out\nc: 1\n"),
        ("a:\n    b: 1   # b\n    long: 2  # c\n    d: 3     # d\n",
         "a:\n  b: 1   # b\n  long: 2  # c\n  d: 3     # d\n"),
        ("a:\n#    b: 1\n    c: 1\n", "a:\n#    b: 1\n  c: 1\n"),
        ("a: |\n    x  \n    # no  \n# yes  \nb: 1  \n", "a: |\n  x  \n  # no  \n# yes\nb: 1\n"),
        ("a: null\nb: True\nc: |\n  x  \n", "a:\nb: true\nc: |\n  x  \n"),
    ],
)  # fmt: skip
def test_what_it_is(before: str, after: str) -> None:
    assert laid_out(before, "a.yml") == after


@pytest.mark.parametrize("text", ["", "a: [", "a: 1\na: 2\n", "a: b: c\n", "\t- x\n"])
def test_what_is_no_playbook_is_told_with_its_place(text: str) -> None:
    with pytest.raises(PlaybookInvalid) as refused:
        laid_out(text, "a.yml")
    assert str(refused.value).startswith("a.yml")


@pytest.mark.parametrize(
    ("written", "said"), [("a: 2  # why\n", "it would mean something else"), ("a: 1\n", "a comment would be lost")]
)
def test_a_layout_that_would_change_more_is_not_taken(monkeypatch: pytest.MonkeyPatch, written: str, said: str) -> None:
    monkeypatch.setattr(layout, "_written", lambda text: written)
    with pytest.raises(PlaybookInvalid, match=said):
        laid_out("a:   1  # why\n", "a.yml")


KEYS = st.text("abcdefyno", min_size=1, max_size=4)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("ab:#'\"-{}[]&*!|> \n%@`,?", max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=60)
@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=4), st.booleans(), st.integers(1, 6))
def test_whatever_is_written_means_the_same(drawn: dict[str, object], flow: bool, indent: int) -> None:
    text = yaml.safe_dump(drawn, default_flow_style=flow, indent=indent)
    once = laid_out(text, "a.yml")
    assert yaml.safe_load(once) == drawn
    assert laid_out(once, "a.yml") == once
