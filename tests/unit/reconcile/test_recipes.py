"""The steps of each recipe, one a line: what a service goes through when it is made, replaced and removed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from provisioner.model.plan import Policy
from tests.property.environments import Wanted, planned
from tests.unit.reconcile.test_planning import after, declared, running

if TYPE_CHECKING:
    from provisioner.model.plan import Plan

CASES = Path(__file__).parents[2] / "cases" / "plans"
BEFORE_IT = {"pre_start": [{"command": ["true"]}], "post_start": [{"command": ["true"]}]}
REPLACED: dict[str, dict[str, Any]] = {
    "stop-first": {},
    "start-first": {"update": {"order": "start-first"}},
    "rollback": {"update": {"on_failure": "rollback", "monitor": "3s"}},
    "batches": {"deploy": {"replicas": 3}, "update": {"parallelism": 2, "delay": "5s"}},
    "start-first-batches": {"deploy": {"replicas": 3}, "update": {"order": "start-first", "parallelism": 2}},
    "hooks": BEFORE_IT,
    "dependents": {"depends_on": after("db", restart=True)},
}


def steps(plan: Plan) -> str:
    text = re.sub(r"\b[0-9a-f]{64}\b", "ID", plan.text())
    return re.sub(r" +$", "", text, flags=re.MULTILINE) + "\n"


@pytest.mark.parametrize("name", REPLACED)
def test_a_service_that_is_replaced(name: str) -> None:
    web = REPLACED[name]
    at = running(declared(db={}, web=web))
    assert steps(planned(at, declared(db={"hostname": "x"}, web={**web, "hostname": "x"}).lower())) == _expected(name)


def test_services_that_are_made() -> None:
    at = running(declared())
    made = planned(at, declared(db={}, web={"depends_on": after("db")} | BEFORE_IT).lower())
    assert steps(made) == _expected("made")


def test_services_that_are_removed() -> None:
    what = declared(db={}, web={"depends_on": after("db")})
    made = planned(running(what), declared().lower(), Policy(prune=True), order=what.lower().resources)
    assert steps(made) == _expected("removed")


def test_files_that_are_renewed() -> None:
    """Once for both replicas; the volume of the version before stays."""
    web = {"configs": [{"source": "one", "target": "/etc/app"}], "deploy": {"replicas": 2}}

    def what(content: str) -> Wanted:
        declares = {"configs": {"one": {"name": "laws_one", "content": content}}}
        return Wanted({**declared(web=web).document, **declares}, {"one": content.encode()})

    assert steps(planned(running(what("x")), what("y").lower())) == _expected("files")


def _expected(name: str) -> str:
    return (CASES / f"{name}.txt").read_text(encoding="utf-8")
