from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[3] / "docs" / "lint"
MODULE = runpy.run_path(str(DOCS / "pages.py"), run_name="pages")


def test_every_page_is_what_its_rule_says():
    """Stale: run `python docs/lint/pages.py`."""
    written = {file.name: file.read_text() for file in DOCS.glob("*.md")}
    assert written == MODULE["pages"]()


def test_every_rule_is_in_the_index():
    index = MODULE["pages"]()["README.md"]
    assert [rule.id for rule in MODULE["rules"]() if f"[{rule.id}]" not in index] == []
