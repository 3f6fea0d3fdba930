"""A schema checker that others use takes every playbook of this project by our schema, and refuses broken ones."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import carry_out

ROOT = Path(__file__).parents[2]
PLAYBOOKS = [
    file
    for folder in (ROOT / "playbooks", ROOT / "docs" / "example" / "playbooks")
    for file in sorted([*folder.glob("*/*.yml"), *folder.glob("*.yml")])
]
BROKEN = {
    "a-key-misspelt": "services: {web: {imag: x}}",
    "a-value-that-is-none": "services: {web: {image: x, restart: allways}}",
    "a-list-for-a-text": "services: {web: {image: [x]}}",
    "a-required-key-missing": "verify: [{within: 3s}]",
    "a-size-that-is-none": "services: {web: {image: x, mem_limit: a lot}}",
    "a-play-without-a-playbook": "[{name: a}]",
}


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("schema")
    printed = carry_out(["schema", "--id", "https://docs.example/playbook.json"], folder=folder, environment={})
    assert json.loads(printed.stdout)["$id"] == "https://docs.example/playbook.json"
    file = folder / "playbook.schema.json"
    file.write_text(printed.stdout)
    return file


def check(*arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--output-format", "json", "-vv", *arguments],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    assert (done.returncode == 0) == (found["status"] == "ok")
    return found


def test_it_is_a_schema(schema: Path) -> None:
    assert check("--check-metaschema", str(schema))["status"] == "ok"


def test_every_playbook_passes(schema: Path, tmp_path: Path) -> None:
    assert len(PLAYBOOKS) > 20
    files = [tmp_path / f"{file.parent.name}-{file.name}" for file in PLAYBOOKS]
    for file, copy in zip(PLAYBOOKS, files, strict=True):
        # The checker knows no tags; docs/editors.md says so.
        copy.write_text(re.sub(r"!(reset|override)\b", "", file.read_text(encoding="utf-8")), encoding="utf-8")
    found = check("--schemafile", str(schema), *map(str, files))
    assert found["status"] == "ok", json.dumps(found, indent=1)[:4000]
    assert len(found["checked_paths"]) == len(files)


def test_broken_ones_are_refused(schema: Path, tmp_path: Path) -> None:
    for name, text in BROKEN.items():
        (tmp_path / f"{name}.yml").write_text(text)
    found = check("--schemafile", str(schema), *(str(tmp_path / f"{name}.yml") for name in BROKEN))
    assert {Path(error["filename"]).stem for error in found["errors"]} == set(BROKEN)
    assert found["parse_errors"] == []


@pytest.mark.parametrize("address", ["playbook.json", "https://docs.example/a b", "https://docs.example/a#b"])
def test_an_address_that_is_none_is_refused(tmp_path: Path, address: str) -> None:
    done = carry_out(["schema", "--id", address], folder=tmp_path, environment={})
    assert done.code == 64
    assert "no absolute URI" in done.stderr
