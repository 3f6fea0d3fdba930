"""Where comments stand in a text that was laid out anew: as deep as what they stood beside, as far from it as before.

ruamel.yaml keeps each comment in its column, whatever becomes of the indentation around it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import yaml

from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMMENT = re.compile(r"(?:^|(?<=\s))#.*")


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment, from its `#` to its end, at a line and a column counted from 0; `after` is where what stands before
    it on its line ends, 0 for one that has the line to itself."""

    text: str
    line: int
    column: int
    after: int


@dataclass(frozen=True, slots=True)
class _Mark:
    """Where a key or an item of a block stands."""

    line: int
    column: int


def comments(text: str) -> list[Comment]:
    """The comments of a text: what begins with a `#` outside of its values."""
    in_order = []
    for number, line in enumerate(_without_values(text).split("\n")):
        match = _COMMENT.search(line)
        if match:
            column = match.start()
            in_order.append(Comment(match[0].rstrip(), number, column, len(line[:column].rstrip())))
    return in_order


def with_comments_beside(before: str, after: str) -> str:
    """`after`, a layout of `before`, with its comments where they belong, and no spaces behind what is no value."""
    old, new = comments(before), comments(after)
    was, now = _marks(before), _marks(after)
    if [(comment.text, bool(comment.after)) for comment in old] != [
        (comment.text, bool(comment.after)) for comment in new
    ]:
        return after
    if len(was) != len(now):
        return after
    lines, bare = after.split("\n"), _without_values(after).split("\n")
    columns = _columns_behind(old, new)
    for old_comment, new_comment in zip(old, new, strict=True):
        column = (
            columns[new_comment.line] if new_comment.after else _depth(old_comment, list(zip(was, now, strict=True)))
        )
        lines[new_comment.line] = bare[new_comment.line] = (
            lines[new_comment.line][: new_comment.after].ljust(column) + new_comment.text
        )
    # The spaces of a value are no spaces in the bare text.
    return "\n".join(line[: len(line_bare.rstrip())] for line, line_bare in zip(lines, bare, strict=True))


def _depth(comment: Comment, marks: Sequence[tuple[_Mark, _Mark]]) -> int:
    """The new column of what it stood level with: what comes next, or something that it is in."""
    following = next(((old, new) for old, new in marks if old.line > comment.line), None)
    if following is not None and following[0].column == comment.column:
        return following[1].column
    around: list[tuple[int, int]] = []
    for old, new in marks:
        if old.line > comment.line:
            break
        around = [pair for pair in around if pair[0] < old.column] + [(old.column, new.column)]
    return max((pair for pair in around if pair[0] <= comment.column), default=(0, 0))[1]


def _columns_behind(old: Sequence[Comment], new: Sequence[Comment]) -> dict[int, int]:
    """The new columns of comments behind something, by line: those that stood in one column go on doing so."""
    columns: dict[int, int] = {}
    behind = [pair for pair in zip(old, new, strict=True) if pair[1].after]
    while behind:
        size = next(
            (at for at in range(1, len(behind)) if not _are_level(behind[at - 1][0], behind[at][0])), len(behind)
        )
        group, behind = behind[:size], behind[size:]
        column = max(now.after for _, now in group) + min(was.column - was.after for was, _ in group)
        columns |= {now.line: column for _, now in group}
    return columns


def _are_level(comment: Comment, following: Comment) -> bool:
    return (comment.line + 1, comment.column) == (following.line, following.column)


def _marks(text: str) -> list[_Mark]:
    """Where the keys and items of blocks stand, in their order: of both layouts of a text there are as many."""
    marks = (
        token.start_mark
        for token in yaml.scan(text, Loader=yaml.SafeLoader)
        if isinstance(token, yaml.KeyToken | yaml.BlockEntryToken)
    )
    return [_Mark(mark.line, mark.column) for mark in marks]


def _without_values(text: str) -> str:
    """The text with a letter for each character of its values."""
    bare = list(text)
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        if isinstance(token, yaml.ScalarToken):
            for at in range(token.start_mark.index, token.end_mark.index):
                if bare[at] != "\n":
                    bare[at] = "x"
    return "".join(bare)
