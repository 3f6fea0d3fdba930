"""YAML to nodes: positions, duplicate keys, merge keys, tags, and the limits that keep a file from harm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from provisioner.document.findings import Findings
from provisioner.document.tree import DEEPEST, parse

if TYPE_CHECKING:
    from provisioner.model.node import Node


def tree(text: str) -> Node:
    findings = Findings()
    root = parse(text, "f.yml", findings)
    assert not findings.errors, [str(problem) for problem in findings.errors]
    assert root is not None
    return root


def problems(text: str) -> list[str]:
    findings = Findings()
    parse(text, "f.yml", findings)
    return [str(problem) for problem in findings.errors]


def test_every_node_and_key_knows_its_place() -> None:
    root = tree("a:\n  - x\n  - {b: 1}\nlong key: 'ü' # c\n")
    found = {".".join(path): str(node.span) for path, node in root.walk()}
    assert found == {"": "f.yml:1:1", "a": "f.yml:2:3", "a.0": "f.yml:2:5", "a.1": "f.yml:3:5", "a.1.b": "f.yml:3:9",
                     "long key": "f.yml:4:11"}  # fmt: skip
    assert {key: str(span) for key, span in root.key_spans.items()} == {"a": "f.yml:1:1", "long key": "f.yml:4:1"}


def test_the_source_text_of_a_scalar_is_kept() -> None:
    node = tree("v: 1.10").mapping["v"]
    assert (node.value, node.text) == (1.1, "1.10")


def test_quotes_and_blocks_are_text() -> None:
    assert tree("{a: '1', b: \"true\", c: !!str 1, d: ! 2}").plain() == {"a": "1", "b": "true", "c": "1", "d": "2"}
    assert tree("a: |\n  1\nb: >-\n  2\n").plain() == {"a": "1\n", "b": "2"}


def test_tags_that_name_a_type_are_heeded() -> None:
    assert tree("{a: !!int '3', b: !!float 3, c: !!null ~, d: !!bool true, e: !!map {}, f: !!seq []}").plain() == {
        "a": 3, "b": 3.0, "c": None, "d": True, "e": {}, "f": []}  # fmt: skip


def test_windows_lines_and_a_byte_order_mark_do_no_harm() -> None:
    assert tree("a: 1\r\nb: 2\r\n").plain() == {"a": 1, "b": 2}


def test_words_that_yaml_1_1_takes_for_booleans_are_keys() -> None:
    assert tree("{on: 1, y: 2, no: 3}").plain() == {"on": 1, "y": 2, "no": 3}


def test_merge_keys() -> None:
    text = """
a: &a {x: 1, y: 1}
b: &b {y: 2, z: 2}
one: {<<: *a, y: 3}
two: {<<: [*a, *b]}
three: {y: 4, <<: *b}
quoted: {"<<": 5}
"""
    plain = tree(text).plain()
    assert isinstance(plain, dict)
    assert plain["one"] == {"x": 1, "y": 3}
    assert plain["two"] == {"x": 1, "y": 1, "z": 2}
    assert plain["three"] == {"y": 4, "z": 2}
    assert plain["quoted"] == {"<<": 5}


def test_an_inherited_key_stands_where_it_is_written() -> None:
    root = tree("a: &a\n  x: 1\nb:\n  <<: *a\n")
    assert str(root.mapping["b"].key_spans["x"]) == "f.yml:2:3"


def test_an_anchor_may_be_given_again() -> None:
    assert tree("[&a 1, *a, &a 2, *a]").plain() == [1, 1, 2, 2]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\nb: 2\na: 3", "f.yml:3:1: the key 'a' is given twice, first in line 1, column 1 (keep one of them)"),
        ("x: {<<: {a: 1}, <<: {a: 2}}", ""),
        ("x: {1: a}", "f.yml:1:5: x: the key 1 is not a string (write '1' in quotes)"),
        ("x: {true: a}", "f.yml:1:5: x: the key true is not a string (write 'true' in quotes)"),
        ("x: {~: a}", "f.yml:1:5: x: the key ~ is not a string (write '~' in quotes)"),
        ("x: {[a]: b}", "f.yml:1:5: a key must be a string, not a list or a mapping"),
        ("? {a: 1}\n: b", "f.yml:1:3: a key must be a string, not a list or a mapping"),
        ("x: !!python/object:os.system y", "f.yml:1:4: x: the tag !!python/object:os.system is not allowed"
         " (only !reset and !override mean something here)"),
        ("x: !!python/tuple [1]", "f.yml:1:4: x: the tag !!python/tuple is not allowed"
         " (only !reset and !override mean something here)"),
        ("x: !mine y", "f.yml:1:4: x: the tag !mine is not allowed (only !reset and !override mean something here)"),
        ("x: !!binary aGk=", "f.yml:1:4: x: the tag !!binary is not allowed"
         " (only !reset and !override mean something here)"),
        ("a:\n\tb: 1", "f.yml:2:1: a tab in the indentation (YAML is indented with spaces)"),
        ("a: 1\n---\nb: 2", "f.yml:2:1: a second document starts here (one playbook is one document)"),
        ("~", "f.yml:1:1: the file is empty (a playbook needs at least `services:`)"),
        ("---\n...\n", "f.yml:1:1: the file is empty (a playbook needs at least `services:`)"),
        ("a: *nothing", "f.yml:1:4: the alias *nothing has no anchor &nothing before it"),
        ("a: &a [*a]", "f.yml:1:8: the alias *a contains itself"),
        ("a: &a {b: *a}", "f.yml:1:11: the alias *a contains itself"),
        ('a: "x\\0y"', "f.yml:1:4: NUL in a string (remove it)"),
        ("a: {<<: 1}", "f.yml:1:5: a: '<<' takes a mapping or a list of mappings"),
        ("a: [1, 2", "f.yml:1:9: not valid YAML: did not find expected ',' or ']' while parsing a flow sequence"),
        ("a: b: c", "f.yml:1:5: not valid YAML: mapping values are not allowed in this context"),
        ("a: 'x", "f.yml:1:6: not valid YAML: found unexpected end of stream while scanning a quoted scalar"),
        ("- a\nb: c", "f.yml:2:1: not valid YAML: did not find expected '-' indicator"
         " while parsing a block collection"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(text: str, problem: str) -> None:
    assert problems(text) == ([problem] if problem else [])


def test_several_mistakes_are_told_together() -> None:
    assert len(problems("a: 1\na: 2\n3: x\nb: !foo 1\n")) == 3


def test_nesting_has_a_limit() -> None:
    assert tree("[" * DEEPEST + "]" * DEEPEST)
    assert problems("[" * (DEEPEST + 1)) == [f"f.yml:1:{DEEPEST + 1}: nested deeper than {DEEPEST} levels"]
    assert problems("[" * 100_000) == [f"f.yml:1:{DEEPEST + 1}: nested deeper than {DEEPEST} levels"]
    assert problems("- " * 3_000 + "x") == [f"f.yml:1:{2 * DEEPEST + 1}: nested deeper than {DEEPEST} levels"]


def test_nesting_through_aliases_has_the_same_limit() -> None:
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, DEEPEST + 2)]
    (problem,) = problems("\n".join(lines))
    assert "nested deeper than 64 levels" in problem


def test_an_alias_bomb_is_refused_before_it_goes_off() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    (problem,) = problems("\n".join(lines))
    assert "more than 100000 nodes once aliases are expanded" in problem


def test_a_bomb_of_merge_keys_is_refused_as_well() -> None:
    wide = "a0: &a0 {" + ", ".join(f"k{n}: 1" for n in range(100)) + "}\n"
    lines = [f"a{n}: &a{n} {{<<: [*a0, *a0, *a0, *a0, *a0, *a0, *a0, *a0, *a0, *a0]}}" for n in range(1, 200)]
    (problem,) = problems(wide + "\n".join(lines))
    assert "more than 100000 nodes" in problem


def test_merge_tags_stay_until_the_merge() -> None:
    root = tree("a: !reset null\nb: !override [1]\nc: !reset\n")
    assert [root.mapping[key].tag for key in "abc"] == ["!reset", "!override", "!reset"]


def test_a_date_is_marked() -> None:
    assert tree("d: 2001-01-01").mapping["d"].tag == "!!timestamp"
    assert tree("d: '2001-01-01'").mapping["d"].tag is None
