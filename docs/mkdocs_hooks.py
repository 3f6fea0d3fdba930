"""What the site needs beyond the pages as they are: hooks of MkDocs, named in mkdocs.yml.

The pages are written for the plain repository. The order of the site is that of the table in docs/README.md, the
changelog is a page of it, a fence ```` ```yaml NAME ```` gets its file's name as a title, and a key or an address in a
table may be broken after its dots and slashes, so that the table fits a screen. What a lint rule says is wrapped.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mkdocs.structure.files import File, Files

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

CHANGELOG = "changelog.md"
_OUTSIDE = "../CHANGELOG.md"
_ROW = re.compile(r"^\| *(?P<group>[^|]*?) *\| *\[[^\]]*\]\((?P<page>[^)#]+)\) *\|$", re.M)
_CODE_IN_CELL = re.compile(r"(?<=<code>)[^<]+(?=</code>)")
_CELL = re.compile(r"<td\b.*?</td>", re.S)
_JOINT = re.compile(r"(?<=\w|\])([./])(?=\w|\{)")
_NAMED_FENCE = re.compile(r"^( *```)(\w+) +([^\s=]+)$", re.M)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """The navigation: a section for each group of the table in docs/README.md."""
    index = Path(config.docs_dir, "README.md").read_text(encoding="utf-8")
    sections: dict[str, list[str]] = {}
    group = ""
    for row in _ROW.finditer(index):
        group = row["group"] or group
        sections.setdefault(group[:1].upper() + group[1:], []).append(inside(row["page"]))
    config.nav = [
        {"Overview": "README.md"},
        *(pages[0] if len(pages) == 1 else {title: pages} for title, pages in sections.items()),
    ]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """The changelog stands above the folder of the pages."""
    text = Path(config.docs_dir, _OUTSIDE).read_text(encoding="utf-8")
    files.append(File.generated(config, CHANGELOG, content=text))
    return files


def on_page_markdown(markdown: str, *, page: Page, **_: Any) -> str:
    """Fences with a file's name, what lint says, and the links to the changelog, as MkDocs reads them."""
    titled = _NAMED_FENCE.sub(r'\1{.\2 title="\3"}', markdown)
    if page.file.src_uri.startswith("lint/"):
        titled = titled.replace("```text\n", "```{.text .wrapped}\n")
    return titled.replace(f"]({_OUTSIDE})", f"]({CHANGELOG})")


def on_page_content(html: str, **_: Any) -> str:
    """Where a long word of a table may be broken."""
    return _CELL.sub(lambda cell: _CODE_IN_CELL.sub(lambda code: _JOINT.sub(r"\1<wbr>", code[0]), cell[0]), html)


def inside(page: str) -> str:
    """A page's path within the site."""
    return CHANGELOG if page == _OUTSIDE else page
