"""Edits of a YAML text at the places of its nodes. What is not named stays as it is, comments and order too.

It knows YAML, and no key of the playbook language.
"""

from __future__ import annotations

import re
from dataclasses import field
from typing import TYPE_CHECKING, Any

import yaml

from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from provisioner.model.span import Span

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PROPERTIES = re.compile(r"(?:[&!][^\s,\[\]{}]*\s+)*")


class CanNotEdit(ValueError):
    """The text has no place for the edit; the message says what stands there instead."""


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Put `text` in the place of what stands between two offsets."""

    start: int
    end: int
    text: str


@dataclass(slots=True)
class Piece:
    """A node of the text, from its first character to behind its last one. Only what has no end mark of its own,
    a block collection, ends with its last child. `kind` is scalar, alias, mapping or sequence."""

    kind: str
    start: int
    end: int
    column: int
    flow: bool = False
    style: str | None = None
    value: str = ""
    entries: list[tuple[Piece, Piece]] = field(default_factory=list)
    items: list[Piece] = field(default_factory=list)

    def entry(self, key: str) -> tuple[Piece, Piece] | None:
        """The key and the value of an entry of a mapping."""
        return next((entry for entry in self.entries if entry[0].value == key), None)


class Draft:
    """A YAML text that can be read; raises yaml.YAMLError for any other."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.newline = "\r\n" if "\r\n" in text else "\n"
        self._at: dict[tuple[int, int, bool], Piece] = {}
        self._events: Iterator[Any] = iter(yaml.parse(text, Loader=_LOADER))
        self.root = self._read()

    def find(self, path: Iterable[str]) -> Piece:
        """The value at a path of keys and indexes as they are written: what `<<` brings is not there."""
        piece = self.root
        for step in path:
            if piece.kind == "mapping":
                entry = piece.entry(step)
                if entry is None:
                    raise CanNotEdit(f"there is no '{step}'")
                piece = entry[1]
            elif piece.kind == "sequence" and step.isdecimal() and int(step) < len(piece.items):
                piece = piece.items[int(step)]
            else:
                raise CanNotEdit(f"there is no '{step}'")
        return piece

    def scalar(self, span: Span) -> Piece:
        """The scalar that starts at a position."""
        piece = self._at.get((span.line, span.column, True))
        if piece is None or piece.kind != "scalar":
            raise CanNotEdit(f"no text stands at {span}")
        return piece

    def collection(self, span: Span) -> Piece:
        """The mapping or list that starts at a position."""
        piece = self._at.get((span.line, span.column, False))
        if piece is None:
            raise CanNotEdit(f"no mapping or list stands at {span}")
        return piece

    def raw(self, piece: Piece) -> str:
        return self.text[piece.start : piece.end]

    def content(self, piece: Piece) -> int:
        """Where the text of a scalar starts, behind its anchor and its quote."""
        properties = _PROPERTIES.match(self.text, piece.start, piece.end)
        start = properties.end() if properties else piece.start
        return start + (1 if self.text[start : start + 1] in ("'", '"') and piece.style in ("'", '"') else 0)

    def swap(self, span: Span, old: str, new: str) -> Edit:
        """`new` for the one `old` in the scalar at a position, in the scalar's own style."""
        piece = self.scalar(span)
        start = self.content(piece)
        if self.text.count(old, start, piece.end) != 1:
            raise CanNotEdit(f"'{old}' does not stand there just once")
        at = self.text.index(old, start, piece.end)
        return Edit(at, at + len(old), new)

    def begin(self, span: Span, old: str, new: str) -> Edit:
        """`new` for the `old` that the scalar at a position begins with."""
        start = self.content(self.scalar(span))
        if not self.text.startswith(old, start):
            raise CanNotEdit(f"the text does not begin with '{old}'")
        return Edit(start, start + len(old), new)

    def replace(self, piece: Piece, text: str) -> Edit:
        """`text`, which is YAML in one line, in the place of a value."""
        if piece.start == piece.end:
            return Edit(piece.start, piece.end, f" {text}")
        if piece.kind in ("mapping", "sequence") and not piece.flow:
            raise CanNotEdit("several lines stand there")
        return Edit(piece.start, piece.end, text)

    def put(self, path: tuple[str, ...], key: str, text: str) -> Edit:
        """`key: text` in the mapping at a path, in the place of an old value or behind the last entry."""
        return self.put_in(self.find(path), key, text)

    def put_in(self, holder: Piece, key: str, text: str) -> Edit:
        """`key: text` in a mapping; what has no value yet becomes one."""
        if holder.kind == "scalar" and holder.value == "" and holder.style is None:
            if holder.start == holder.end:
                return Edit(holder.start, holder.end, f" {{{key}: {text}}}")
            return Edit(holder.start, holder.end, f"{{{key}: {text}}}")
        if holder.kind != "mapping":
            raise CanNotEdit(f"there is no mapping of its own for '{key}'")
        entry = holder.entry(key)
        if entry is not None:
            return self.replace(entry[1], text)
        if holder.flow:
            if not holder.entries:
                return Edit(holder.end - 1, holder.end - 1, f"{key}: {text}")
            end = holder.entries[-1][1].end
            return Edit(end, end, f", {key}: {text}")
        at = self._line_end(holder.entries[-1][1].end)
        before = "" if self.text[:at].endswith("\n") or at == 0 else self.newline
        return Edit(at, at, f"{before}{' ' * holder.column}{key}: {text}{self.newline}")

    def drop(self, paths: Iterable[tuple[str, ...]]) -> list[Edit]:
        """The entries at paths are gone; a collection that loses all of them goes as a whole."""
        doomed = set(paths)
        again = True
        while again:
            again = False
            for path in sorted(doomed):
                above = path[:-1]
                if above and above not in doomed and self._all_of(above) <= doomed:
                    doomed = {other for other in doomed if other[: len(above)] != above} | {above}
                    again = True
                    break
        return [self._drop(path, doomed) for path in sorted(doomed)]

    def _all_of(self, path: tuple[str, ...]) -> set[tuple[str, ...]]:
        piece = self.find(path)
        steps = [key.value for key, _ in piece.entries] if piece.entries else [str(i) for i in range(len(piece.items))]
        return {(*path, step) for step in steps}

    def _drop(self, path: tuple[str, ...], doomed: Collection[tuple[str, ...]]) -> Edit:
        holder = self.find(path[:-1])
        self.find(path)
        if holder.kind == "mapping":
            parts = [(key.start, value.end, (*path[:-1], key.value)) for key, value in holder.entries]
        else:
            parts = [(item.start, item.end, (*path[:-1], str(i))) for i, item in enumerate(holder.items)]
        index = next(i for i, part in enumerate(parts) if part[2] == path)
        start, end, _ = parts[index]
        if holder.flow:
            if index + 1 < len(parts):
                return Edit(start, parts[index + 1][0], "")
            left = [part for part in parts[:index] if part[2] not in doomed]
            # What lies between the last one that stays and this one is dropped by others, if anything.
            return Edit(parts[index - 1][1] if left and parts[index - 1] in left else start, end, "")
        begin = self.text.rfind("\n", 0, start) + 1
        lead = self.text[begin:start]
        if not lead.strip() or (holder.kind == "sequence" and lead.strip() == "-"):
            return Edit(begin, self._line_end(end), "")
        if index + 1 < len(parts):
            # The first key behind the dash of an item: the next one takes its place.
            return Edit(start, parts[index + 1][0], "")
        raise CanNotEdit("it shares its line with something else")

    def _line_end(self, at: int) -> int:
        """Behind the line break of the line in which something ends at `at`."""
        if at > 0 and self.text[at - 1] == "\n":
            return at
        end = self.text.find("\n", at)
        return len(self.text) if end < 0 else end + 1

    # Reading

    def _read(self) -> Piece:
        for event in self._events:
            if isinstance(event, (yaml.StreamStartEvent, yaml.DocumentStartEvent)):
                continue
            return self._piece(event)
        raise yaml.YAMLError("no document")

    def _piece(self, event: Any) -> Piece:
        start, mark = event.start_mark.index, event.start_mark
        piece = Piece("", start, event.end_mark.index, mark.column)
        if isinstance(event, yaml.ScalarEvent):
            piece.kind, piece.style, piece.value = "scalar", event.style or None, event.value
        elif isinstance(event, yaml.AliasEvent):
            piece.kind, piece.value = "alias", f"*{event.anchor}"
        else:
            piece.kind = "mapping" if isinstance(event, yaml.MappingStartEvent) else "sequence"
            piece.flow = bool(event.flow_style)
            self._children(piece)
        self._at.setdefault((mark.line + 1, mark.column + 1, piece.kind in ("scalar", "alias")), piece)
        return piece

    def _children(self, piece: Piece) -> None:
        for event in self._events:
            if type(event) in (yaml.MappingEndEvent, yaml.SequenceEndEvent):
                children = [value for _, value in piece.entries] + piece.items
                if piece.flow or not children:
                    piece.end = event.end_mark.index
                else:
                    piece.end = children[-1].end
                    first = piece.entries[0][0] if piece.entries else None
                    piece.column = first.column if first is not None else piece.column
                return
            child = self._piece(event)
            if piece.kind == "mapping":
                piece.entries.append((child, self._piece(next(self._events))))
            else:
                piece.items.append(child)


def apply(text: str, edits: Iterable[Edit]) -> str:
    """`text` with edits, equal ones made once. Raises CanNotEdit where two of them want the same place."""
    done: list[str] = []
    at = 0
    for edit in sorted(set(edits)):
        if edit.start < at:
            raise CanNotEdit("two edits want the same place")
        done += [text[at : edit.start], edit.text]
        at = edit.end
    return "".join([*done, text[at:]])
