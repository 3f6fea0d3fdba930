"""YAML text to nodes with positions, with hard limits. It knows YAML and no key of the playbook language."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any

import yaml

from provisioner.document.scalars import Timestamp, typed
from provisioner.model.dataclass import dataclass
from provisioner.model.node import Node
from provisioner.model.span import Span

if TYPE_CHECKING:
    from collections.abc import Callable

    from provisioner.document.findings import Findings, Path
    from provisioner.model.node import Scalar

DEEPEST = 64
MOST_NODES = 100_000
RESET, OVERRIDE, DATE = "!reset", "!override", "!!timestamp"
# A key with nothing after it where that means nothing: wrong, unless it is laid over something.
NOTHING = "!nothing"

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CORE = "tag:yaml.org,2002:"
_SCALAR_TAGS = frozenset(_CORE + name for name in ("str", "int", "float", "bool", "null", "timestamp", "merge"))
_COLLECTION_TAGS = frozenset(_CORE + name for name in ("map", "seq"))


def parse(text: str, file: str, findings: Findings) -> Node | None:
    """The one document of `text` as a tree, or None where it is none; everything wrong is a finding.

    A file without any document is an empty mapping, as for Compose: an overlay may say nothing. Whether anything at
    all is said, who reads several files has to ask: an empty playbook must never read as "nothing is wanted".
    """
    builder = _Builder(file, findings)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except _Stop:
        return None
    except yaml.MarkedYAMLError as error:
        _tell(error, text, file, findings)
        return None
    except (yaml.YAMLError, RecursionError) as error:
        findings.error(f"not valid YAML: {str(error).splitlines()[0]}", Span(file))
        return None
    root = builder.root
    if root is None:
        return Node({}, Span(file, 1, 1))
    if root.value is None and root.tag is None:
        findings.error("the file is empty", Span(file, 1, 1), hint="a playbook needs at least `services:`")
        return None
    return root


class _Stop(Exception):
    """Reading on would only produce noise, or cost too much."""


@dataclass(slots=True)
class _Frame:
    """A collection whose end has not come yet."""

    span: Span
    anchor: str | None
    tag: str | None
    is_mapping: bool
    entries: dict[str, Node] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)
    items: list[Node] = field(default_factory=list)
    inherited: list[tuple[Node, Span]] = field(default_factory=list)
    key: tuple[str, Span, bool] | None = None
    size: int = 1
    height: int = 1


class _Builder:
    def __init__(self, file: str, findings: Findings) -> None:
        self.file = file
        self.findings = findings
        self.root: Node | None = None
        self._stack: list[_Frame] = []
        self._anchors: dict[str, tuple[Node, int, int]] = {}
        self._documents = 0
        self._nodes = 0

        self._take: dict[type, Callable[[Any], None]] = {
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: self._open,
            yaml.SequenceStartEvent: self._open,
            yaml.MappingEndEvent: self._close,
            yaml.SequenceEndEvent: self._close,
            yaml.AliasEvent: self._alias,
            yaml.DocumentStartEvent: self._document,
        }

    def take(self, event: Any) -> None:
        take = self._take.get(type(event))
        if take is not None:
            take(event)

    def _document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            self._stop("a second document starts here", self._span(event), "one playbook is one document")

    def _span(self, event: Any) -> Span:
        mark = event.start_mark
        return Span(self.file, mark.line + 1, mark.column + 1)

    def _path(self) -> Path:
        return tuple(
            frame.key[0] if frame.key else str(len(frame.items))
            for frame in self._stack
            if frame.key or not frame.is_mapping
        )

    def _awaits_key(self) -> bool:
        return bool(self._stack) and self._stack[-1].is_mapping and self._stack[-1].key is None

    def _stop(self, message: str, span: Span, hint: str | None = None) -> None:
        self.findings.error(message, span, hint=hint)
        raise _Stop

    def _count(self, size: int, span: Span) -> None:
        self._nodes += size
        if self._nodes > MOST_NODES:
            self._stop(
                f"more than {MOST_NODES} nodes once aliases are expanded", span, "split the file, or use fewer aliases"
            )

    def _scalar(self, event: Any) -> None:
        span = self._span(event)
        self._count(1, span)
        plain = not event.style
        text: str = event.value
        if "\0" in text:
            self._stop("NUL in a string", span, "remove it")
        if self._awaits_key():
            self._key(self._stack[-1], text, span, event, plain)
            return
        tag, value = self._typed(event, text, plain, span)
        node = Node(value, span, text, {}, tag)
        if event.anchor:
            self._anchors[event.anchor] = (node, 1, 1)
        self._add(node, 1, 1)

    def _typed(self, event: Any, text: str, plain: bool, span: Span) -> tuple[str | None, Scalar]:
        tag: str | None = event.tag
        if not plain and (tag is None or tag == "!"):
            return None, text
        if tag in (RESET, OVERRIDE):
            value = typed(text) if plain else text
            return tag, value.text if isinstance(value, Timestamp) else value
        if tag == "!" or tag == _CORE + "str":
            return None, text
        if tag is not None and tag not in _SCALAR_TAGS:
            self._refuse(tag, span)
            return None, text
        value = typed(text)
        if isinstance(value, Timestamp):
            return DATE, value.text
        if tag == _CORE + "float" and isinstance(value, int) and not isinstance(value, bool):
            return None, float(value)
        return None, value

    def _refuse(self, tag: str, span: Span) -> None:
        short = tag.replace(_CORE, "!!", 1)
        self.findings.error(
            f"the tag {short} is not allowed", span, self._path(), "only !reset and !override mean something here"
        )

    def _key(self, frame: _Frame, text: str, span: Span, event: Any, plain: bool) -> None:
        if text == "<<" and ((event.tag is None and plain) or event.tag == _CORE + "merge"):
            frame.key = (text, span, True)
            return
        if event.tag is None and plain:
            value = typed(text)
            if not isinstance(value, (str, Timestamp)):
                shown = f"the key {text}" if text else "an empty key"
                self.findings.error(f"{shown} is not a string", span, self._path(), f"write '{text}' in quotes")
        if event.anchor:
            self._anchors[event.anchor] = (Node(text, span, text), 1, 1)
        if text in frame.entries:
            first = frame.spans[text]
            self.findings.error(
                f"the key '{text}' is given twice, first in line {first.line}, column {first.column}",
                span,
                self._path(),
                "keep one of them",
            )
        frame.key = (text, span, False)

    def _open(self, event: Any) -> None:
        is_mapping = type(event) is yaml.MappingStartEvent
        span = self._span(event)
        self._count(1, span)
        if len(self._stack) >= DEEPEST:
            self._stop(f"nested deeper than {DEEPEST} levels", span)
        if self._awaits_key():
            self._stop("a key must be a string, not a list or a mapping", span)
        tag = event.tag
        if tag is not None and tag != "!" and tag not in _COLLECTION_TAGS and tag not in (RESET, OVERRIDE):
            self._refuse(tag, span)
            tag = None
        if event.anchor:
            self._anchors.pop(event.anchor, None)
        tag = tag if tag in (RESET, OVERRIDE) else None
        self._stack.append(_Frame(span, event.anchor, tag, is_mapping))

    def _close(self, _event: Any) -> None:
        frame = self._stack.pop()
        if frame.is_mapping:
            if frame.inherited:
                self._inherit(frame)
            node = Node(frame.entries, frame.span, None, frame.spans, frame.tag)
        else:
            node = Node(tuple(frame.items), frame.span, None, {}, frame.tag)
        if frame.anchor:
            self._anchors[frame.anchor] = (node, frame.size, frame.height)
        self._add(node, frame.size, frame.height)

    def _alias(self, event: Any) -> None:
        span = self._span(event)
        name = event.anchor
        known = self._anchors.get(name)
        if known is None:
            if any(frame.anchor == name for frame in self._stack):
                self._stop(f"the alias *{name} contains itself", span)
            self._stop(f"the alias *{name} has no anchor &{name} before it", span)
            return
        node, size, height = known
        self._count(size, span)
        if len(self._stack) + height > DEEPEST:
            self._stop(f"nested deeper than {DEEPEST} levels", span)
        if self._awaits_key():
            if not isinstance(node.value, str):
                self._stop("a key must be a string", span)
            self._stack[-1].key = (str(node.value), span, False)
            return
        self._add(node, size, height)

    def _add(self, node: Node, size: int, height: int) -> None:
        if not self._stack:
            self.root = node
            return
        frame = self._stack[-1]
        frame.size += size
        frame.height = max(frame.height, height + 1)
        if not frame.is_mapping:
            frame.items.append(node)
        elif frame.key is not None:
            key, span, merges = frame.key
            frame.key = None
            if merges:
                frame.inherited.append((node, span))
            else:
                frame.entries.setdefault(key, node)
                frame.spans.setdefault(key, span)

    def _inherit(self, frame: _Frame) -> None:
        """`<<`: keys of its own win over inherited ones, the first of several sources over the later ones."""
        for node, span in frame.inherited:
            sources = node.items if node.is_sequence else (node,)
            for source in sources:
                if not source.is_mapping:
                    self.findings.error("'<<' takes a mapping or a list of mappings", span, self._path())
                    continue
                for key, value in source.mapping.items():
                    if key not in frame.entries:
                        frame.entries[key] = value
                        frame.spans[key] = source.key_spans[key]


def _tell(error: yaml.MarkedYAMLError, text: str, file: str, findings: Findings) -> None:
    mark = error.problem_mark or error.context_mark
    span = Span(file, mark.line + 1, mark.column + 1) if mark else Span(file)
    if mark:
        lines = text.splitlines()
        if mark.line >= len(lines):
            # What is missing at the end is missing behind the last character.
            span = Span(file, len(lines), len(lines[-1]) + 1) if lines else Span(file, 1, 1)
        line = lines[mark.line] if mark.line < len(lines) else ""
        indentation = line[: len(line) - len(line.lstrip())]
        if "\t" in indentation:
            column = indentation.index("\t") + 1
            findings.error(
                "a tab in the indentation", Span(file, mark.line + 1, column), hint="YAML is indented with spaces"
            )
            return
    context = f" {error.context}" if error.context else ""
    findings.error(f"not valid YAML: {error.problem}{context}", span)
