"""Laws of merging; the rules key by key stand in tests/cases/documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from provisioner.document.attributes import rules
from provisioner.document.merge import drop_merge_tags, merge, unique
from provisioner.model.node import Node
from provisioner.model.span import Span

if TYPE_CHECKING:
    from provisioner.model.node import JSON

HERE = Span("f.yml", 1, 1)

names = st.sampled_from(["services", "web", "ports", "environment", "labels", "command", "networks", "x-a", "ipam"])
values: st.SearchStrategy[JSON] = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab=:1/", max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=12,
)
mappings = st.dictionaries(names, values, max_size=4)


def tree(value: JSON, tag: str | None = None) -> Node:
    if isinstance(value, list):
        return Node(tuple(tree(item) for item in value), HERE, None, {}, tag)
    if isinstance(value, dict):
        spans = dict.fromkeys(value, HERE)
        return Node({key: tree(item) for key, item in value.items()}, HERE, None, spans, tag)
    return Node(value, HERE, None, {}, tag)


def merged(base: JSON, *over: Node) -> JSON:
    result = tree(base)
    for layer in over:
        result = merge(result, layer, rules())
    return drop_merge_tags(result).plain()


@given(mappings)
def test_an_empty_layer_changes_nothing(value: JSON) -> None:
    assert merged(value, tree({})) == value
    assert merged({}, tree(value)) == value


@given(mappings, mappings)
def test_every_key_of_both_layers_is_there(base: dict[str, JSON], over: dict[str, JSON]) -> None:
    found = merged(base, tree(over))
    assert isinstance(found, dict)
    assert found.keys() == base.keys() | over.keys()


@given(mappings, mappings)
def test_an_override_wins_whole(base: dict[str, JSON], over: JSON) -> None:
    assert merged(base, tree(over, "!override")) == over


@given(mappings, mappings, mappings)
def test_the_layers_of_plain_mappings_may_be_merged_in_any_grouping(
    one: dict[str, JSON], two: dict[str, JSON], three: dict[str, JSON]
) -> None:
    flat = [
        {key: value for key, value in layer.items() if not isinstance(value, (list, dict))}
        for layer in (one, two, three)
    ]
    left = merge(merge(tree(flat[0]), tree(flat[1]), rules()), tree(flat[2]), rules())
    right = merge(tree(flat[0]), merge(tree(flat[1]), tree(flat[2]), rules()), rules())
    assert left.plain() == right.plain()


def test_a_reset_takes_the_key_away_and_stays_while_tags_are_kept() -> None:
    base, over = tree({"a": 1, "b": 2}), Node({"a": tree(None, "!reset")}, HERE, None, {"a": HERE})
    assert merge(base, over, None).plain() == {"b": 2}
    kept = merge(base, over, None, keep_tags=True)
    assert kept.mapping["a"].tag == "!reset"
    assert drop_merge_tags(kept).plain() == {"b": 2}


def test_a_reset_inside_an_override_is_left_out() -> None:
    over = Node({"a": tree(None, "!reset"), "b": tree(1)}, HERE, None, {"a": HERE, "b": HERE}, "!override")
    assert drop_merge_tags(merge(tree({"c": 1}), over, None)).plain() == {"b": 1}


def test_of_equal_items_the_last_stays_in_the_place_of_the_first() -> None:
    mounts: list[JSON] = [{"target": "/a", "type": "bind"}, {"target": "/b"}, {"target": "/a", "type": "volume"}]
    root = tree({"services": {"s": {"volumes": mounts}}})
    found = unique(root, rules()).get("services", "s", "volumes")
    assert found is not None
    assert found.plain() == [{"target": "/a", "type": "volume"}, {"target": "/b"}]
