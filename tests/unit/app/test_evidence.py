"""What an apply says of a failure, and what the ledger keeps of it: the last words, and no secret in them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from provisioner.app import why as why_module
from provisioner.app.evidence import kept_evidence, unknown_secrets
from provisioner.app.external_inputs import ExternalInputs
from provisioner.app.load import load_playbook
from provisioner.app.why import why
from provisioner.errors import StepFailed
from provisioner.ledger.records import Failed, read_ledger, record_failed
from provisioner.model.address import Address
from provisioner.model.operation import Goal, Wait
from provisioner.model.plan import Step
from provisioner.model.report import Outcome, StepResult
from provisioner.model.secret import SecretValue
from provisioner.platforms.lowering import InputVersions
from provisioner.render.history_json import history_json
from provisioner.render.history_text import history_text
from provisioner.render.why_json import why_json
from provisioner.render.why_text import why_text
from tests.unit.app.in_memory import QUICK, InMemory, in_memory

if TYPE_CHECKING:
    from pathlib import Path

WEB = Address("service", "web", 1)
BROKEN = {**QUICK, "healthcheck": {"test": ["CMD", "false"], "interval": "1s", "retries": 1}}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InMemory:
    found = in_memory(tmp_path, monkeypatch)
    monkeypatch.setattr(why_module, "open_engine", lambda request, choice: found.engine)
    return found


def speaking(shop: InMemory, monkeypatch: pytest.MonkeyPatch, *lines: bytes) -> None:
    monkeypatch.setattr(shop.engine, "logs", lambda *arguments, **more: iter(lines))


def failed(*lines: str) -> StepResult:
    step = Step(1, Wait(Goal.READY, 60), WEB, "")
    return StepResult(step, Outcome.FAILED, error=StepFailed("no", evidence=lines))


def test_a_failed_apply_keeps_its_last_words_without_what_looks_like_a_secret(
    shop: InMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    speaking(shop, monkeypatch, b"listening\n", b"login as hunter2-abc refused\n")
    shop.write({"name": "shop", "services": {"web": {**BROKEN, "environment": {"DB_PASSWORD": "hunter2-abc"}}}})
    result = shop.apply()
    assert result.exit_code == 1
    assert result.report is not None
    assert result.report.failures[0].error is not None
    assert "hunter2" not in str(getattr(result.report.failures[0].error, "evidence", ()))
    kept = read_ledger(shop.engine, "shop").failures[-1]
    assert list(kept.evidence["service.web[1]"]) == ["listening", "login as (sensitive) refused"]
    found = shop.history()
    text = history_text(found.title, found.entries, found.failures)
    assert "Last words of service.web[1] (failed" in text
    assert "  | login as (sensitive) refused" in text
    document: Any = history_json(found.title, found.entries, found.failures)
    assert document["failures"][0]["failures"][0]["evidence"] == ["listening", "login as (sensitive) refused"]


def test_later_applies_leave_the_words_to_whoever_asks_for_them(
    shop: InMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    speaking(shop, monkeypatch, b"boom\n")
    shop.write({"name": "shop", "services": {"web": BROKEN}})
    shop.apply()
    shop.write({"name": "shop", "services": {"web": QUICK}})
    assert shop.apply().exit_code == 0
    # The second may have come within the same second.
    found = shop.history()
    late = [replace(one, at="2020-01-01T00:00:00+00:00") for one in found.failures]
    assert "boom" not in history_text(found.title, found.entries, late)
    assert "boom" in history_text(found.title, found.entries, late, detailed=True)


def test_nothing_is_kept_of_a_service_whose_secrets_are_not_known_here(shop: InMemory) -> None:
    shop.write(
        {
            "name": "shop",
            "services": {"web": {**QUICK, "secrets": ["key"]}, "other": QUICK},
            "secrets": {"key": {}},
        }
    )
    playbook = load_playbook(shop.request())
    nothing = ExternalInputs(InputVersions())
    known = ExternalInputs(InputVersions(), contents={Address("secret", "key"): SecretValue(b"v")})
    assert kept_evidence(failed("key is v"), playbook, nothing) == (
        "its output is not kept: the service has secrets whose values this apply did not know (key)",
    )
    assert kept_evidence(failed("a line"), playbook, known) == ("a line",)
    assert unknown_secrets("other", playbook, nothing) == ()


def test_what_is_kept_has_a_bound(shop: InMemory) -> None:
    shop.write({"name": "shop", "services": {"web": QUICK}})
    lines = [f"{number} {'x' * 5000}" for number in range(500)]
    kept = kept_evidence(failed(*lines), load_playbook(shop.request()), ExternalInputs(InputVersions()))
    assert kept[-1].startswith("499 ")
    assert sum(map(len, kept)) < 20_000


def test_a_record_of_an_earlier_version_has_no_words(shop: InMemory) -> None:
    record_failed(shop.engine, "shop", "containers", read_ledger(shop.engine, "shop"), "failed", [("a", "b")], "", {})
    assert read_ledger(shop.engine, "shop").failures[0].evidence == {}
    assert Failed(1, "", "", 0).evidence == {}


def test_why_says_what_is_wrong_what_it_said_and_what_it_waits_for(
    shop: InMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    speaking(shop, monkeypatch, b"token t0ps3cret\n")
    shop.write(
        {
            "name": "shop",
            "services": {
                "web": {**BROKEN, "environment": {"TOKEN": "t0ps3cret"}, "depends_on": ["db"]},
                "db": QUICK,
                "page": {**QUICK, "depends_on": {"web": {"condition": "service_healthy"}}},
            },
        }
    )
    shop.apply()
    found = why(shop.request(), "web")
    assert not found.well
    assert found.parts[0].condition.trouble == "its health check fails"
    assert [str(one.address) for one in found.waits_for if one.address.kind == "service"] == ["service.db[1]"]
    assert [(str(one.address), one.condition) for one in found.needed_by] == [("service.page[1]", "service_healthy")]
    text = why_text(found, next_command="provision apply")
    assert text.startswith("service.web of shop  ")
    assert "wrong       its health check fails" in text
    assert "  | token (sensitive)" in text
    assert "Last failed apply:" in text
    assert "t0ps3cret" not in text + json.dumps(why_json(found))
    assert why(shop.request(), "service.db").well
    planned = why(shop.request(), "page")
    assert "Next apply:" in why_text(planned)


def test_why_of_what_is_not_there_and_of_what_is_changed(shop: InMemory) -> None:
    shop.write({"name": "shop", "services": {"web": QUICK}, "volumes": {"data": {}}})
    before = why(shop.request(), "service.web")
    assert [part.condition.state for part in before.parts] == ["absent"]
    assert "create: declared, and not there yet" in why_text(before)
    shop.apply()
    shop.write({"name": "shop", "services": {"web": {**QUICK, "environment": {"A": "1"}}}})
    text = why_text(why(shop.request(), "service.web[1]"), next_command="provision apply")
    assert "environment.A  (none) → 1" in text
    assert "To carry it out: provision apply" in text
    assert "network.default of shop" in why_text(why(shop.request(), "network.default"))


def test_a_status_that_answers_whether_it_is_well(shop: InMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    speaking(shop, monkeypatch, b"db is gone\n")
    shop.write({"name": "shop", "services": {"web": BROKEN, "ok": {**QUICK, "ports": ["127.0.0.1:8080:80"]}}})
    assert not shop.status().well, "nothing is there yet"
    shop.apply(keep_going=True)
    table = shop.status()
    rows = {str(row.address): row for row in table.rows}
    assert not table.well
    assert rows["service.web[1]"].trouble == "its health check fails: db is gone"
    assert rows["service.ok[1]"].trouble == ""
    assert rows["service.ok[1]"].id
    assert rows["service.ok[1]"].started_at
    shop.write({"name": "shop", "services": {"web": QUICK, "ok": {**QUICK, "ports": ["127.0.0.1:8080:80"]}}})
    assert shop.apply().exit_code == 0
    assert shop.status().well
