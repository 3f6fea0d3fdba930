"""Status, checks, findings and documents."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from provisioner.model.finding import Finding, Severity
from provisioner.model.span import Span
from provisioner.model.verification import CheckResult
from provisioner.render.checks_json import checks_json
from provisioner.render.checks_text import checks_text
from provisioner.render.config_yaml import config_yaml
from provisioner.render.findings_github import findings_github
from provisioner.render.findings_json import findings_json
from provisioner.render.findings_sarif import findings_sarif
from provisioner.render.findings_text import findings_text
from provisioner.render.status_json import status_json
from provisioner.render.status_text import status_text
from tests.unit.render.golden import check


@dataclass(frozen=True)
class Row:
    address: str
    state: str
    health: str = ""
    image: str = ""
    drift: bool | None = None
    since: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Table:
    title: str
    rows: tuple[Row, ...]


STATUS = Table(
    "telecom/dev",
    (
        Row("network.backend", "present", drift=False),
        Row("service.api[1]", "running", "healthy", "telecom/api:1", False, "2025-01-31T12:00:00Z"),
        Row("service.db[1]", "exited (1)", "", "postgres:17", True, "", "exit 1: bad password\nsecond line"),
    ),
)
CHECKS = (
    CheckResult("the dashboard answers", True, "200", 0.21, 1),
    CheckResult("events arrive", False, "expected t, found f", 30.0, 12),
)
FINDINGS = (
    Finding("P004", Severity.WARNING, "runs as root: 100%", Span("b.yml", 3, 7), "services.db", "add user:", "db"),
    Finding(
        "P001", Severity.ERROR, "image is not pinned", Span("a,b.yml", 9, 5), "services.api.image", "name a tag", "api"
    ),
    Finding("P010", Severity.INFO, "no backup", None, "", "", ""),
)


def test_the_status_table() -> None:
    check("status.txt", status_text(STATUS))
    check("status.json", json.dumps(status_json(STATUS), indent=2) + "\n")


def test_columns_without_content_are_left_out() -> None:
    text = status_text(Table("x", (Row("network.a", "present", drift=False),)))
    assert text.splitlines()[1].split() == ["ADDRESS", "STATE", "DRIFT"]


def test_an_empty_status() -> None:
    assert status_text(Table("x", ())) == "x: nothing is declared\n"


def test_checks() -> None:
    check("checks.txt", checks_text(CHECKS))
    check("checks.json", json.dumps(checks_json(CHECKS), indent=2) + "\n")
    assert checks_text(CHECKS[:1]).endswith("1 of 1 check passed.\n")
    assert "no checks" in checks_text(())


def test_findings() -> None:
    check("findings.txt", findings_text(FINDINGS))
    check("findings.json", json.dumps(findings_json(FINDINGS), indent=2) + "\n")
    check("findings.github", findings_github(FINDINGS))
    sarif = findings_sarif(FINDINGS)
    sarif["runs"][0]["tool"]["driver"]["version"] = "VERSION"  # type: ignore[index, call-overload]
    check("findings.sarif", json.dumps(sarif, indent=2) + "\n")
    assert findings_text(()) == "Nothing found.\n"
    assert findings_github(()) == ""


TEXTS = [
    "no", "YES", "22:22", "1e3", "0o17", "0644", "~", "null", "", " lead", "trail ", "a: b", "# c", "multi\nline\n",
    "multi\n  indented", "\n",
    "tab\tx", "2020-01-01", ".5e3", ".inf", "postgres:16-alpine", "$$x", "é→", "-", "=", "<<",
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_in_yaml_reads_back_as_it_was(text: str) -> None:
    document = {"key": text, text: ["x", text]}
    assert yaml.safe_load(config_yaml(document)) == document


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8,
))  # fmt: skip
def test_any_document_in_yaml_reads_back_as_it_was(document: object) -> None:
    assert yaml.safe_load(config_yaml(document)) == document  # type: ignore[arg-type]


def test_texts_that_another_reader_of_yaml_could_take_for_numbers_are_quoted() -> None:
    assert config_yaml(["1e3", "0o17", "yes", "y"]) == "- '1e3'\n- '0o17'\n- 'yes'\n- 'y'\n"


def test_multi_line_texts_stay_readable() -> None:
    assert config_yaml({"script": "one\ntwo\n"}) == "script: |\n  one\n  two\n"
