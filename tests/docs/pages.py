"""The project's pages as text with structure: fences, links, headings, code spans. Knows Markdown, not the project."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PAGES = (
    PROJECT / "README.md",
    PROJECT / "CHANGELOG.md",
    *sorted((PROJECT / "docs").rglob("*.md")),
    *sorted((PROJECT / "playbooks").glob("*/README.md")),
)

_FENCE = re.compile(r"^(?P<indent> *)```(?P<info>.*)$")
_LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)[^)]*\)")
_SPAN = re.compile(r"`([^`\n]+)`")
_HEADING = re.compile(r"^#{1,6} +(.*?) *$")


@dataclass(frozen=True)
class Fence:
    """A fenced block: its language, what else stands behind the backticks, its text, and the number of its line."""

    language: str
    title: str
    text: str
    line: int


def name_of(page: Path) -> str:
    """A page's name for messages and test ids."""
    return page.relative_to(PROJECT).as_posix()


def fences(page: Path) -> list[Fence]:
    """All fenced blocks of a page, without their indentation."""
    found: list[Fence] = []
    opened: tuple[re.Match[str], int, list[str]] | None = None
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        match = _FENCE.match(line)
        if opened is None:
            opened = (match, number, []) if match else None
        elif match and not match["info"]:
            begin, first, lines = opened
            language, _, title = begin["info"].partition(" ")
            text = "\n".join(each.removeprefix(begin["indent"]) for each in lines)
            found.append(Fence(language, title.strip(), text, first))
            opened = None
        else:
            opened[2].append(line)
    assert opened is None, f"{name_of(page)}: a fence is never closed"
    return found


def prose(page: Path) -> str:
    """A page's text without its fenced blocks; the lines keep their numbers."""
    kept: list[str] = []
    inside = False
    for line in page.read_text(encoding="utf-8").splitlines():
        border = _FENCE.match(line) is not None
        kept.append("" if inside or border else line)
        inside = inside != border
    return "\n".join(kept)


def links(page: Path) -> list[str]:
    """The targets of all links and pictures of a page."""
    return [match["target"] for match in _LINK.finditer(_SPAN.sub("", prose(page)))]


def spans(page: Path) -> list[str]:
    """The code spans of a page's prose."""
    return _SPAN.findall(prose(page))


def anchors(page: Path) -> set[str]:
    """The names under which a page's headings can be linked to."""
    headings = (_HEADING.match(line) for line in prose(page).splitlines())
    return {_anchor(match[1]) for match in headings if match}


def _anchor(heading: str) -> str:
    kept = re.sub(r"[^\w\- ]", "", heading.lower().replace("`", ""))
    return kept.replace(" ", "-")
