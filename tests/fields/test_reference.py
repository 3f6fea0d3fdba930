"""The generated pages are those that the tables give now, and say something of every key."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.document.attributes import rows
from provisioner.render.reference import files, playbook_page, summary_of

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize("name", sorted(files()))
def test_it_is_not_stale(name: str) -> None:
    assert (REFERENCE / name).read_text(encoding="utf-8") == files()[name], "make it anew: script/generate-docs"


def test_there_is_nothing_else() -> None:
    assert {path.name for path in REFERENCE.iterdir()} == set(files())


def test_every_service_key_has_a_row() -> None:
    page = playbook_page()
    keys = [row.path.split(".")[2] for row in rows() if row.path.count(".") == 2 and row.path.startswith("services.*.")]
    assert "image" in keys
    assert [key for key in keys if f"| `{key}`" not in page] == []


def test_every_key_has_a_sentence() -> None:
    keys = [row.path for row in rows() if row.path and not row.path.endswith("*")]
    assert [path for path in keys if not summary_of(path)] == []
