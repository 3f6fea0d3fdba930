"""What the site needs beyond the pages as they are: hooks of MkDocs, named in mkdocs.yml.

The pages are written for the plain repository. The order of the site is that of the table in docs/README.md, the
changelog is a page of it, and a fence ```` ```yaml NAME ```` gets its file's name as a title.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mkdocs.structure.files import File, Files

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig

CHANGELOG = "changelog.md"
_OUTSIDE = "../CHANGELOG.md"
_ROW = re.compile(r"^\| *(?P<group>[^|]*?) *\| *\[[^\]]*\]\((?P<page>[^)#]+)\) *\|$", re.M)
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


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Fences with a file's name, and the links to the changelog, as MkDocs reads them."""
    titled = _NAMED_FENCE.sub(r'\1{.\2 title="\3"}', markdown)
    return titled.replace(f"]({_OUTSIDE})", f"]({CHANGELOG})")


def inside(page: str) -> str:
    """A page's path within the site."""
    return CHANGELOG if page == _OUTSIDE else page
