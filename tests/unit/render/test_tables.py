"""Status, checks, findings and documents."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from provisioner.app.published import PublishedPort
from provisioner.app.status import StatusRow, StatusTable
from provisioner.model.finding import Finding, Severity
from provisioner.model.span import Span
from provisioner.model.verification import CheckResult
from provisioner.render.checks_json import checks_json
from provisioner.render.checks_text import checks_text
from provisioner.render.config_yaml import config_yaml
from provisioner.render.findings_github import findings_github
from provisioner.render.findings_gitlab import findings_gitlab
from provisioner.render.findings_json import findings_json
from provisioner.render.findings_sarif import findings_sarif
from provisioner.render.findings_text import findings_text
from provisioner.render.junit import checks_junit, findings_junit
from provisioner.render.plan_findings import findings_of_checks
from provisioner.render.status_json import status_json
from provisioner.render.status_text import status_text
from tests.unit.render.examples import address
from tests.unit.render.golden import check


def row(text: str, state: str, **more: Any) -> StatusRow:
    return StatusRow(address(text), state, **{"health": "", "image": "", "drift": False, **more})


NOW = datetime(2025, 1, 31, 12, 3, tzinfo=UTC)
STATUS = StatusTable(
    "telecom/dev",
    (
        row("image.api", "present", image="telecom/api:1"),
        row("network.backend", "present"),
        row(
            "service.api[1]", "running", health="healthy", image="telecom/api:1", since="2025-01-31T12:00:00Z",
            started_at="2025-01-31T12:00:00Z", id="abc",
            ports=(PublishedPort(address("service.api[1]"), "127.0.0.1", 80, 8000, "tcp"),),
        ),
        row(
            "service.db[1]", "exited", image="postgres:17", drift=True, exit_code=1, restarts=3,
            detail="exited with code 1: bad password\nsecond line", trouble="exited with code 1: bad password",
        ),
    ),
)  # fmt: skip
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
    check("status.txt", status_text(STATUS, now=NOW))
    check("status_narrow.txt", status_text(STATUS, now=NOW, width=80))
    check("status.json", json.dumps(status_json(STATUS), indent=2) + "\n")


def test_columns_without_content_are_left_out() -> None:
    text = status_text(StatusTable("x", (row("network.a", "present"),)))
    assert text.splitlines()[1].split() == ["ADDRESS", "STATE", "DRIFT"]
    assert text.splitlines()[-1] == "All is well."


def test_what_is_not_as_declared_is_not_called_well() -> None:
    rows = (row("network.a", "present"), row("service.b[1]", "running", drift=True, detail="labels changed"))
    last = status_text(StatusTable("x", rows)).splitlines()[-2:]
    assert last == ["Nothing is broken, and 1 object is not as declared: service.b[1].", "More: provision plan"]
    stopped = row("service.b[1]", "exited", drift=True, purpose="stopped on purpose")
    assert "All is well." in status_text(StatusTable("x", (stopped,)))


def test_images_are_folded_away_unless_they_differ_or_all_is_asked_for() -> None:
    assert "image.api" not in status_text(STATUS)
    assert "1 image as declared: --all shows them." in status_text(STATUS)
    assert "image.api" in status_text(STATUS, everything=True)
    missing = StatusTable("x", (row("image.api", "absent", drift=True),))
    assert "image.api" in status_text(missing)


@pytest.mark.parametrize("width", [80, 200])
def test_no_line_of_the_table_is_longer_than_the_terminal(width: int) -> None:
    long = replace(STATUS.rows[-1], detail="words " * 60, trouble="words " * 60)
    text = status_text(StatusTable("x", (long,)), width=width, now=NOW)
    table_lines = text.splitlines()[1:3]
    assert max(map(len, table_lines)) <= width
    assert "words words words" in text.splitlines()[-2], "what was cut is said whole below"


def test_an_empty_status() -> None:
    assert status_text(StatusTable("x", ())) == "x: nothing is declared\n"


def test_checks() -> None:
    check("checks.txt", checks_text(CHECKS))
    check("checks.json", json.dumps(checks_json(CHECKS), indent=2) + "\n")
    assert checks_text(CHECKS[:1]).endswith("1 of 1 check passed.\n")
    assert "no checks" in checks_text(())


def test_checks_for_ci_services() -> None:
    placed = [*CHECKS[:1], replace(CHECKS[1], span=Span("b.yml", 3, 7), message="\x1b[31m<no>\x00")]
    check("checks.junit.xml", checks_junit([("One", placed), ("Two", ())]))
    root = ElementTree.fromstring(checks_junit([("One", placed)]))
    assert [suite.get("failures") for suite in root] == ["1"]
    assert findings_github(findings_of_checks(placed)).startswith("::error file=b.yml,line=3,col=7,title=verify::")


def test_findings() -> None:
    check("findings.txt", findings_text(FINDINGS))
    check("findings.json", json.dumps(findings_json(FINDINGS), indent=2) + "\n")
    check("findings.github", findings_github(FINDINGS))
    sarif = findings_sarif(FINDINGS)
    sarif["runs"][0]["tool"]["driver"]["version"] = "VERSION"  # type: ignore[index, call-overload]
    check("findings.sarif", json.dumps(sarif, indent=2) + "\n")
    check("findings.gitlab", json.dumps(findings_gitlab(FINDINGS), indent=2) + "\n")
    check("findings.junit.xml", findings_junit(FINDINGS, "telecom/dev"))
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
