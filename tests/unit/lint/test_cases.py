"""Every rule against its playbooks in tests/cases/lint: `bad.yml` gives exactly what `expected.txt` says, `good.yml`
nothing. What an engine would tell stands in `facts.json`.

After a change that is meant, write the expectations anew with `python tests/unit/lint/test_cases.py`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.document import Sources, read
from provisioner.lint.facts import read_files
from provisioner.lint.run import lint, rules
from provisioner.model.state import ImageFacts
from provisioner.playbook.bind import bind

CASES = Path(__file__).parents[2] / "cases" / "lint"
IDS = [rule.id for rule in rules()]


def findings(rule, name):
    """The findings of one rule in one of its playbooks, as text without this machine's paths."""
    case = CASES / rule
    playbook = bind(read(Sources((str(case / name),))))
    known = read_files(playbook)
    file = case / "facts.json"
    if file.exists():
        told = json.loads(file.read_text())
        known = replace(
            known,
            volumes=told.get("volumes", {}),
            subnets={key: tuple(value) for key, value in told.get("subnets", {}).items()},
            images={key: ImageFacts("sha256:0", **value) for key, value in told.get("images", {}).items()},
        )
    lines = [str(finding) for finding in lint(playbook, known) if finding.rule == rule]
    return [line.replace(f"{case}/", "") for line in lines]


@pytest.mark.parametrize("rule", IDS)
def test_what_a_rule_finds(rule):
    expected = (CASES / rule / "expected.txt").read_text().splitlines()
    assert expected, "a rule's bad playbook has at least one finding"
    assert findings(rule, "bad.yml") == expected


@pytest.mark.parametrize("rule", IDS)
def test_what_a_rule_leaves_alone(rule):
    assert findings(rule, "good.yml") == []


def test_no_case_is_of_a_rule_that_is_gone():
    assert sorted(folder.name for folder in CASES.iterdir()) == IDS


@pytest.mark.parametrize("rule", IDS)
def test_no_secret_is_printed(rule):
    assert "canary" not in "\n".join(findings(rule, "bad.yml"))


if __name__ == "__main__":
    for each in IDS:
        (CASES / each / "expected.txt").write_text("".join(f"{line}\n" for line in findings(each, "bad.yml")))
