"""The JSON Schema takes what the reader takes, and finds the mistakes that an editor can find."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from provisioner.app.schema import playbook_schema
from provisioner.document.findings import Findings
from provisioner.document.tree import parse

ROOT = Path(__file__).parents[2]
STACKS = sorted((ROOT / "tests" / "corpus").glob("*/*/*.y*ml"))
PLAYBOOKS = sorted([*(ROOT / "playbooks").glob("*/*.yml"), *(ROOT / "playbooks").glob("*.yml")])
CASES = sorted(
    folder / "input.yml"
    for folder in (ROOT / "tests" / "cases" / "documents").iterdir()
    if (folder / "canonical.json").exists() and (folder / "input.yml").exists()
)
# Merge tags are the YAML editor's: behind `!reset` stands whatever may be taken away.
TAGGED = {"merge-reset-and-override"}


def tree(path: Path) -> Any:
    """A file as the reader sees it before anything is done with it."""
    findings = Findings()
    node = parse(path.read_text(encoding="utf-8"), str(path), findings)
    assert node is not None and not findings.errors
    return node.plain()


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = playbook_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize(
    "path", [path for path in (*STACKS, *PLAYBOOKS, *CASES) if path.parent.name not in TAGGED],
    ids=lambda path: str(path.relative_to(ROOT)),
)  # fmt: skip
def test_what_is_right_passes(validator: jsonschema.Draft202012Validator, path: Path) -> None:
    wrong = [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(tree(path))]
    assert not wrong, "\n".join(wrong)


def test_there_is_something_to_pass() -> None:
    assert len(STACKS) >= 39
    assert PLAYBOOKS
    assert CASES


@pytest.mark.parametrize(
    ("playbook", "where"),
    [
        ({"services": {"a": {"image": "x", "helthcheck": {}}}}, "$.services.a"),
        ({"servces": {}}, "$"),
        ({"services": {"a": {"image": 1}}}, "$.services.a.image"),
        ({"services": {"a": {"image": "x", "restart": "allways"}}}, "$.services.a.restart"),
        ({"services": {"a": {"image": "x", "stop_grace_period": "10 seconds"}}}, "$.services.a.stop_grace_period"),
        ({"services": {"a": {"image": "x", "mem_limit": "a lot"}}}, "$.services.a.mem_limit"),
        ({"services": {"a": {"image": "x", "depends_on": {"b": {"condition": "healthy"}}}}}, "$.services.a.depends_on"),
        ({"services": {"a": {"image": "x", "ports": [{"published": 80}]}}}, "$.services.a.ports[0]"),
        ({"services": {"a": {"image": "x", "ports": {"80": 80}}}}, "$.services.a.ports"),
        ({"services": {"a b": {"image": "x"}}}, "$.services"),
        ({"networks": {"a": {"ipam": {"config": {"subnet": "x"}}}}}, "$.networks.a"),
        ({"volumes": {"a": {"protect": 3}}}, "$.volumes.a"),
        ({"verify": [{"within": "3s"}]}, "$.verify[0]"),
        ({"lint": {"ignore": [{"rule": "P001"}]}}, "$.lint.ignore[0]"),
        ({"engine": {"mode": "kubernetes"}}, "$.engine.mode"),
        ([], "$"),
        ([{"name": "a"}], "$[0]"),
        ([{"import_playbook": "a.yml", "vars": ["A=1"]}], "$[0].vars"),
        ([{"import_playbook": "a.yml", "hosts": "prod"}], "$[0]"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_found(validator: jsonschema.Draft202012Validator, playbook: Any, where: str) -> None:
    places = [error.json_path for error in validator.iter_errors(playbook)]
    assert places and all(place.startswith(where) for place in places), places


@pytest.mark.parametrize("seen", [None, "null", ""])
def test_what_is_taken_away_is_right_as_an_editor_sees_it(
    validator: jsonschema.Draft202012Validator, seen: str | None
) -> None:
    playbook = {"services": {"web": {"image": "a:1", "environment": seen, "ports": seen, "healthcheck": seen}}}
    assert list(validator.iter_errors(playbook)) == []


def test_extensions_are_free(validator: jsonschema.Draft202012Validator) -> None:
    playbook = {"x-any": [1], "services": {"a": {"image": "x", "x-own": {"b": None}}}, "networks": {"n": {"x-own": 1}}}
    assert not list(validator.iter_errors(playbook))


def test_every_key_has_a_sentence() -> None:
    silent: list[str] = []

    def look(schema: dict[str, Any], path: str) -> None:
        for form in (schema, *schema.get("anyOf", ())):
            for key, below in form.get("properties", {}).items():
                if "description" not in below:
                    silent.append(f"{path}{key}")
                look(below, f"{path}{key}.")
            for below in form.get("patternProperties", {}).values():
                look(below, f"{path}*.")
            if isinstance(form.get("items"), dict):
                look(form["items"], f"{path}*.")

    look(playbook_schema(), "")
    assert silent == []


def test_the_kept_schema_is_the_printed_one() -> None:
    kept = json.loads((ROOT / "docs" / "reference" / "playbook.schema.json").read_text(encoding="utf-8"))
    assert kept == playbook_schema(), "make it anew: script/generate-docs"
