"""The site that script/docs makes of these pages: it is whole, leads nowhere wrong, and asks nothing of other hosts."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.docs.pages import PROJECT

DOCS = PROJECT / "docs"
# What a browser fetches by itself: scripts, pictures, styles and fonts; a link is followed by people.
_FETCHED = re.compile(
    r"""<(?:script|img|iframe|source|link)\b[^>]*\b(?:src|href)="(?:https?:)?//|url\(["']?(?:https?:)?//"""
)


def build(folder, project):
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=project, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, check=False,
        timeout=120,
    )  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    done = build(folder, PROJECT)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_page_is_in_it(site):
    pages = {
        page.relative_to(DOCS).with_name("index.html" if page.name == "README.md" else f"{page.stem}.html")
        for page in DOCS.rglob("*.md")
    }
    assert [str(page) for page in pages if not (site / page).exists()] == []
    assert "Unreleased" in (site / "changelog.html").read_text(encoding="utf-8")
    assert 'src="plan.svg"' in (site / "index.html").read_text(encoding="utf-8")


def test_every_fence_is_a_block(site):
    raw = [page.name for page in site.rglob("*.html") if "```" in re.sub(r"<code>.*?</code>", "", page.read_text())]
    assert raw == []


def test_a_long_key_of_a_table_can_be_broken_at_its_dots(site):
    assert "<code>blkio_config.<wbr>device_read_bps</code>" in (site / "reference" / "playbook.html").read_text()
    assert "blkio_config.device_read_bps" in (site / "search" / "search_index.json").read_text()


def test_what_a_rule_says_is_wrapped(site):
    assert 'class="wrapped highlight"' in (site / "lint" / "P204.html").read_text()


def test_nothing_is_asked_of_another_host(site):
    asked = [
        file.name for file in site.rglob("*") if file.suffix in (".html", ".css") and _FETCHED.search(file.read_text())
    ]
    assert asked == []


def test_a_link_that_leads_nowhere_fails(tmp_path):
    docs = tmp_path / "docs"
    docs.mkdir()
    for name in ("mkdocs.yml", "CHANGELOG.md"):
        shutil.copy(PROJECT / name, tmp_path)
    for name in ("mkdocs_hooks.py", "site.css"):
        shutil.copy(DOCS / name, docs)
    (docs / "getting-started.md").write_text("# Getting started\n\n## A part\n")
    index = "# All\n\n| for | page |\n| --- | --- |\n| a | [b](getting-started.md) |\n| | [c](../CHANGELOG.md) |\n\n"
    (docs / "README.md").write_text(f"{index}[right](getting-started.md#a-part)\n")
    right = build(tmp_path / "site", tmp_path)
    assert right.returncode == 0, right.stderr
    links = ("missing.md", "getting-started.md#no-such-part", "#no-such-part", "../setup.cfg")
    (docs / "README.md").write_text(index + "\n".join(f"[wrong]({link})" for link in links) + "\n")
    wrong = build(tmp_path / "site", tmp_path)
    assert wrong.returncode != 0
    assert [link for link in links if f"'{link}'" not in wrong.stderr] == []
