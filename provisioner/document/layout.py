"""The layout of a playbook's text: indentation and spaces, with comments, quotes and order as they are.

ruamel.yaml writes the text; what it means, and every comment, is compared afterwards with what was read.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

import yaml

from provisioner.document.comment_layout import comments, with_comments_beside
from provisioner.document.findings import Findings
from provisioner.document.tree import parse
from provisioner.errors import PlaybookInvalid
from provisioner.model.span import Problem, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

# Longer than any line: nothing is broken anew.
_WIDTH = 1 << 16
_SPACES = re.compile(r"[ \t]+$", re.MULTILINE)
# Of these there are several spellings.
_NULL, _BOOL = "tag:yaml.org,2002:null", "tag:yaml.org,2002:bool"


def laid_out(text: str, shown: str) -> str:
    """The text in the usual layout; the same text where it has that. `shown` is how messages name the file.

    PlaybookInvalid for a text that is no YAML, and for one whose layout can not be changed without its meaning.
    """
    findings = Findings()
    if parse(text, shown, findings) is None or findings.errors:
        raise PlaybookInvalid(findings.errors or [Problem("there is nothing in the file", Span(shown))])
    try:
        result = _written(text)
    except Exception as error:  # the library has errors of many kinds for what it can not write back
        raise _unchangeable(shown, f"{type(error).__name__}") from error
    meaning = _meaning(text)
    trimmed = _SPACES.sub("", result)
    # Spaces and lines at an end are nothing, but within a text, where they mean something.
    candidates = (f"{trimmed.rstrip()}\n", f"{result.rstrip()}\n", trimmed, result)
    formatted = next((candidate for candidate in candidates if _meaning(candidate) == meaning), None)
    if formatted is None:
        raise _unchangeable(shown, "it would mean something else")
    if sorted(comment.text for comment in comments(formatted)) != sorted(comment.text for comment in comments(text)):
        raise _unchangeable(shown, "a comment would be lost")
    beside = with_comments_beside(text.replace("\r\n", "\n"), formatted)
    return beside if _meaning(beside) == meaning else formatted


def _unchangeable(shown: str, why: str) -> PlaybookInvalid:
    return PlaybookInvalid(
        [Problem(f"the layout can not be changed: {why}", Span(shown), hint="the file is as it was; write it by hand")]
    )


def _written(text: str) -> str:
    from ruamel.yaml import YAML

    file = YAML()
    file.preserve_quotes = True
    file.width = _WIDTH
    file.brace_single_entry_mapping_in_flow_sequence = True
    content = file.load(text.replace("\r\n", "\n"))
    # The items of a list stand below its key, those of a file that is a list at the margin.
    file.indent(mapping=2, sequence=2, offset=0) if isinstance(content, list) else file.indent(2, 4, 2)
    for part in _parts(content):
        if (anchor := getattr(part, "anchor", None)) is not None and anchor.value:
            anchor.always_dump = True
    out = io.StringIO()
    file.dump(content, out)
    return out.getvalue()


def _parts(content: Any) -> Iterator[Any]:
    """A document and everything in it, each once."""
    waiting, seen = [content], set()
    while waiting:
        part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        yield part
        if isinstance(part, dict):
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part


def _meaning(text: str) -> Any:
    """The nodes of a text with their tags, as plain values. Aliases and merges are as what they stand for."""
    memo: dict[int, Any] = {}

    def plain(node: yaml.Node | None) -> Any:
        if node is None:
            return None
        if id(node) not in memo:
            if isinstance(node, yaml.MappingNode):
                entries = [(plain(key), plain(value)) for key, value in node.value]
                memo[id(node)] = (node.tag, entries)
            elif isinstance(node, yaml.SequenceNode):
                memo[id(node)] = (node.tag, [plain(item) for item in node.value])
            else:
                spelling = "" if node.tag == _NULL else node.value.lower() if node.tag == _BOOL else node.value
                memo[id(node)] = (node.tag, spelling)
        return memo[id(node)]

    return plain(yaml.compose(text, Loader=yaml.SafeLoader))
