"""A later layer over an earlier one, both canonical: mappings key by key, lists appended, `!reset` and `!override`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.document.shape import Merge
from provisioner.document.tree import NOTHING, OVERRIDE, RESET
from provisioner.model.node import Node

if TYPE_CHECKING:
    from provisioner.document.attributes import Rule


def merge(base: Node, over: Node, rule: Rule | None, *, keep_tags: bool = False) -> Node:
    """`over` laid over `base`.

    `keep_tags` leaves the tags of `over` in the result, for when it will be laid over something else as well. What is
    new in `over` is taken with its tags in any case; `drop_merge_tags` ends that.
    """
    if over.tag == RESET:
        return over
    if over.tag == NOTHING:
        return base
    if over.tag == OVERRIDE:
        return over if keep_tags else drop_merge_tags(replace(over, tag=None))
    how = rule.row.merge if rule is not None else Merge.DEEP
    if over.value is None and (base.is_mapping or (base.is_sequence and how is not Merge.REPLACE)):
        return base
    if how is Merge.REPLACE:
        return over
    if base.is_mapping and over.is_mapping:
        if how is Merge.SAME_DRIVER and _differ(base.get("driver"), over.get("driver")):
            return over
        return _mappings(base, over, rule, keep_tags)
    if base.is_sequence and over.is_sequence:
        if how is Merge.BY_SUBNET:
            items = _by_subnet(base, over, rule)
        else:
            kept = _other_hosts(base, over) if how is Merge.BY_HOST else base.items
            items = (*kept, *over.items)
        return Node(items, over.span, None, {}, base.tag)
    return over


def drop_merge_tags(node: Node) -> Node:
    """`node` without what is reset, and without tags: there is nothing left to lay it over."""
    if node.is_mapping:
        entries = {key: drop_merge_tags(item) for key, item in node.mapping.items() if item.tag != RESET}
        same = node.tag is None and len(entries) == len(node.mapping)
        if same and all(entries[key] is item for key, item in node.mapping.items()):
            return node
        return Node(entries, node.span, None, {key: node.key_spans[key] for key in entries}, None)
    if node.is_sequence:
        items = tuple(drop_merge_tags(item) for item in node.items if item.tag != RESET)
        if (
            node.tag is None
            and len(items) == len(node.items)
            and all(new is old for new, old in zip(items, node.items, strict=True))
        ):
            return node
        return Node(items, node.span)
    return replace(node, tag=None) if node.tag in (RESET, OVERRIDE) else node


def unique(node: Node, rule: Rule | None) -> Node:
    """`node` with lists free of items that a later one replaces, all the way down."""
    if rule is None or not rule.unifies:
        return node
    if node.is_mapping:
        entries = {key: unique(item, rule.below(key)) for key, item in node.mapping.items()}
        if all(entries[key] is item for key, item in node.mapping.items()):
            return node
        return Node(entries, node.span, None, node.key_spans, node.tag)
    if not node.is_sequence:
        return node
    items = tuple(unique(item, rule.any) for item in node.items)
    if rule.row.unique is not None:
        last: dict[str, Node] = {}
        for item in items:
            last[rule.row.unique(item)] = item
        items = tuple(last.values())
    if rule.row.ordered:
        items = tuple(sorted(items, key=lambda item: str(item.value)))
    if len(items) == len(node.items) and all(new is old for new, old in zip(items, node.items, strict=True)):
        return node
    return Node(items, node.span, None, {}, node.tag)


def _mappings(base: Node, over: Node, rule: Rule | None, keep_tags: bool) -> Node:
    entries = dict(base.mapping)
    spans = dict(base.key_spans)
    for key, item in over.mapping.items():
        if item.tag == RESET and not keep_tags:
            entries.pop(key, None)
            spans.pop(key, None)
            continue
        below = rule.below(key) if rule is not None else None
        if key in entries and not key.startswith("x-"):
            entries[key] = merge(entries[key], item, below, keep_tags=keep_tags)
        else:
            entries[key] = item
        spans[key] = over.key_spans.get(key, item.span)
    return Node(entries, over.span if over.mapping else base.span, None, spans, base.tag)


def _differ(base: Node | None, over: Node | None) -> bool:
    return base is not None and over is not None and base.value != over.value


def _by_subnet(base: Node, over: Node, rule: Rule | None) -> tuple[Node, ...]:
    def subnet(node: Node) -> object:
        item = node.get("subnet")
        return item.value if item is not None else None

    entry = rule.any if rule is not None else None
    later = {subnet(item): item for item in over.items}
    merged = [merge(item, later.pop(subnet(item)), entry) if subnet(item) in later else item for item in base.items]
    return (*merged, *later.values())


def _other_hosts(base: Node, over: Node) -> tuple[Node, ...]:
    """The items of `base` without the hosts that `over` resets or overrides."""

    def host(node: Node) -> str:
        return str(node.value).partition("=")[0]

    gone = {host(item) for item in over.items if item.tag in (RESET, OVERRIDE)}
    return tuple(item for item in base.items if host(item) not in gone) if gone else base.items
