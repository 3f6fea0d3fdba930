"""Where annotations say that something is: as services look for it, from the top of the repository."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from provisioner.cli.formats import findings_output
from provisioner.model.finding import Finding, Severity
from provisioner.model.span import Span

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("repository", "folder", "file", "told"),
    [
        (".", ".", "compose.yaml", "compose.yaml"),
        (".", ".", "./compose.yaml", "compose.yaml"),
        (".", "deploy/shop", "compose.yaml", "deploy/shop/compose.yaml"),
        (".", "deploy/shop", "../base.yaml", "deploy/base.yaml"),
        (".", "deploy", "{top}/deploy/compose.yaml", "deploy/compose.yaml"),
        ("", "deploy", "./compose.yaml", "compose.yaml"),
        ("deploy", "deploy", "../base.yaml", "../base.yaml"),
        (".", ".", "/elsewhere/compose.yaml", "/elsewhere/compose.yaml"),
    ],
)
def test_a_file_is_named_from_the_top_of_its_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repository: str, folder: str, file: str, told: str
) -> None:
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    if repository:
        (tmp_path / repository / ".git").mkdir()
    monkeypatch.chdir(tmp_path / folder)
    finding = Finding("P001", Severity.ERROR, "m", Span(file.format(top=tmp_path), 3, 5), "services.web", "")
    assert findings_output([finding], "github").startswith(f"::error file={told},line=3,col=5,")
    assert json.loads(findings_output([finding], "gitlab"))[0]["location"] == {"path": told, "lines": {"begin": 3}}
    assert f'file="{told}"' in findings_output([finding], "junit", "shop")
    # For people and programs here it is as they named it.
    assert file.format(top=tmp_path) in findings_output([finding], "json")


@pytest.mark.parametrize("variable", ["GITHUB_WORKSPACE", "CI_PROJECT_DIR"])
def test_a_service_says_where_the_checkout_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    (tmp_path / "pr").mkdir()
    monkeypatch.chdir(tmp_path / "pr")
    finding = Finding("P001", Severity.ERROR, "m", Span("compose.yaml", 3, 5), "services.web", "")
    monkeypatch.setenv(variable, str(tmp_path))
    assert findings_output([finding], "github").startswith("::error file=pr/compose.yaml,")
    monkeypatch.setenv(variable, str(tmp_path / "elsewhere"))
    assert findings_output([finding], "github").startswith("::error file=compose.yaml,")


def test_what_has_no_place_has_none_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    finding = Finding("P001", Severity.INFO, "m", None, "", "")
    assert findings_output([finding], "github") == "::notice title=P001::m\n"
