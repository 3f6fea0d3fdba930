"""Every folder of tests/cases/documents: its files, and the canonical document or the problems that come of them.

`case.json` may name the files (default: input.yml), the environment, overrides, profiles and whether the file lies
under playbooks/. `UPDATE_CASES=1` writes what is expected anew; read the difference before you commit it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from provisioner.document import Document, Sources, canonical, read
from provisioner.errors import PlaybookInvalid

ROOT = Path(__file__).parents[2] / "cases" / "documents"
HERE = "@HERE@"


def sources(folder: Path) -> Sources:
    options: dict[str, Any] = {}
    if (folder / "case.json").exists():
        options = json.loads((folder / "case.json").read_text())
    return Sources(
        files=tuple(options.get("files", ["input.yml"])),
        environment={"HOME": "/home/somebody", **options.get("environment", {})},
        overrides=options.get("overrides", {}),
        profiles=tuple(options.get("profiles", ())),
        in_playbooks=options.get("in_playbooks", False),
    )


def shown(document: Document) -> str:
    return json.dumps(canonical(document), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def outcome(folder: Path) -> dict[str, str]:
    """What reading gives, by the name of the file that holds it."""
    try:
        document = read(sources(folder))
    except PlaybookInvalid as error:
        return {"problems.txt": f"{error}\n"}
    found = {"canonical.json": shown(document)}
    if document.warnings:
        found["warnings.txt"] = "".join(f"{warning}\n" for warning in document.warnings)
    return found


@pytest.mark.parametrize(
    "folder", sorted(path for path in ROOT.iterdir() if path.is_dir()), ids=lambda folder: folder.name
)
def test_case(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    found = {name: text.replace(str(folder), HERE) for name, text in outcome(folder).items()}
    names = ("canonical.json", "problems.txt", "warnings.txt")
    if os.environ.get("UPDATE_CASES"):
        for name in names:
            (folder / name).unlink(missing_ok=True)
        for name, text in found.items():
            (folder / name).write_text(text)
    expected = {name: (folder / name).read_text() for name in names if (folder / name).exists()}
    assert found == expected


@pytest.mark.parametrize(
    "folder",
    sorted(folder for folder in ROOT.iterdir() if (folder / "canonical.json").exists()),
    ids=lambda folder: folder.name,
)
def test_a_canonical_document_reads_back_to_itself(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    first = read(sources(folder))
    again = folder / "canonical-again.json"
    try:
        again.write_text(shown(first))
        second = read(Sources(files=(str(again),), environment={"HOME": "/home/somebody"}, profiles=("*",)))
    finally:
        again.unlink(missing_ok=True)
    assert canonical(second) == canonical(first)
    assert (second.project, second.name, second.environment) == (first.project, first.name, first.environment)
