"""A saved plan is bound to what it saw, and a file that is torn, foreign or edited is told."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from provisioner.app import saved_plan
from provisioner.app.external_inputs import PENDING, ExternalInputs
from provisioner.app.load import load_playbook
from provisioner.app.platform import platform_of
from provisioner.app.prepared import Prepared
from provisioner.app.request import Request
from provisioner.app.secret_inputs import pending
from provisioner.errors import PlanStale, PlaybookInvalid, ProvisionError, UsageError
from provisioner.ledger.records import Checked, Destroyed, Failed, Ledger
from provisioner.ledger.revisions import Revision
from provisioner.model.address import Address
from provisioner.model.plan import Policy
from provisioner.model.secret import Found, SecretRef, SecretValue
from provisioner.model.state import Facts, Observed, ObservedState, Runtime
from provisioner.platforms.choice import lower
from provisioner.platforms.lowering import InputVersions
from provisioner.reconcile.diff import diff
from provisioner.reconcile.planning import plan
from provisioner.secrets.fingerprint import FingerprintKey

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WEB = Address("service", "web", 1)
TEXT = """
name: shop
services:
  web: {image: "busybox:1.36", environment: {COLOR: %s}}
"""


def request(folder: Path, color: str = "red", **more: Any) -> Request:
    file = folder / "compose.yaml"
    file.write_text(TEXT % color)
    return Request(files=(str(file),), directory=str(folder), **more)


def prepared(
    asked: Request, engine: str = "ID1", found: dict[Address, Observed] | None = None, **inputs: Any
) -> Prepared:
    playbook = load_playbook(asked)
    desired = lower(playbook, InputVersions(**inputs), "containers")
    observed = ObservedState(Facts(engine_id=engine), found or {})
    made = plan(playbook.title, diff(desired, observed), desired, observed, Policy())
    return Prepared(made, playbook, ExternalInputs(InputVersions(**inputs)), platform_of("containers"), Ledger("shop"))


def kept(folder: Path, asked: Request, what: Prepared, policy: Policy | None = None) -> saved_plan.SavedPlan:
    path = folder / "kept.plan"
    saved_plan.save(path, asked, policy or Policy(), {"web": 2}, what)
    return saved_plan.load(path)


def network(identity: str = "1" * 64, status: str = "", **spec: Any) -> dict[Address, Observed]:
    address = Address("network", "other")
    runtime = Runtime(status) if status else None
    return {
        address: Observed(address, "network", identity, "shop_other", {"driver": "bridge", **spec}, runtime=runtime)
    }


def test_the_plan_of_the_same_moment_is_current(tmp_path: Path) -> None:
    asked = request(tmp_path)
    saved = kept(tmp_path, asked, prepared(asked))
    saved.require_current(prepared(asked))
    assert saved.scale == {"web": 2}


APPLIED = Revision(3, "2026-01-02T03:04:05+00:00", "ann@box", "shop", None, "/shop", {}, {})
NOW = {"at": "2026-01-03T00:00:00+00:00", "by": "ann@box"}
PAST = Ledger("shop", revisions=(APPLIED,))


@pytest.mark.parametrize(
    ("then", "now", "words"),
    [
        (PAST, Ledger("shop"), "the history is gone"),
        (Ledger("shop"), PAST, "the history is new"),
        (PAST, replace(PAST, revisions=(APPLIED, replace(APPLIED, number=4))), "the history changed"),
        (PAST, replace(PAST, destroys=(Destroyed(1, **NOW, after=3),)), "the history changed"),
        # The first one was lost, and what was applied then has the same number.
        (PAST, replace(PAST, revisions=(replace(APPLIED, applied_at=NOW["at"]),)), "the history changed"),
    ],
)
def test_another_past_than_the_plan_was_made_with_is_named(
    tmp_path: Path, then: Ledger, now: Ledger, words: str
) -> None:
    asked = request(tmp_path)
    saved = kept(tmp_path, asked, replace(prepared(asked), ledger=then))
    with pytest.raises(PlanStale, match=f"on the engine: {words}"):
        saved.require_current(replace(prepared(asked), ledger=now))


def test_a_failed_apply_and_checks_that_were_run_make_a_plan_no_other(tmp_path: Path) -> None:
    asked = request(tmp_path)
    saved = kept(tmp_path, asked, replace(prepared(asked), ledger=PAST))
    later = replace(PAST, failures=(Failed(1, **NOW, after=3),), checks={3: Checked(3, NOW["at"])})
    saved.require_current(replace(prepared(asked), ledger=later))


def test_policy_and_request_come_back_without_values(tmp_path: Path) -> None:
    asked = request(tmp_path, overrides={"TOKEN": "canary-value"}, profiles=("a",), host="tcp://h")
    policy = Policy(prune=True, targets=(Address("service", "web"),))
    saved = kept(tmp_path, asked, prepared(asked), policy)
    assert saved.policy == policy
    assert saved.request["overrides"] == ["TOKEN"]
    assert saved.request["host"] == "tcp://h"
    assert "canary-value" not in (tmp_path / "kept.plan").read_text()
    assert (tmp_path / "kept.plan").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("now", "says"),
    [
        ({"engine": "ID2"}, "another engine"),
        ({"found": network("2" * 64)}, "on the engine: network.other changed"),
        ({"found": network(driver_opts={"a": "b"})}, "network.other changed"),
        ({"found": {}}, "network.other is gone"),
        ({"builds": {"web": "sha"}}, "the playbook: build of web is new"),
        ({"versions": {Address("secret", "a"): "k.1"}}, "content of secrets/a is new"),
    ],
)
def test_what_moved_is_named(tmp_path: Path, now: dict[str, Any], says: str) -> None:
    asked = request(tmp_path)
    saved = kept(tmp_path, asked, prepared(asked, found=network()))
    with pytest.raises(PlanStale, match=says):
        saved.require_current(prepared(asked, **{"found": network(), **now}))


def test_a_changed_file_makes_it_stale(tmp_path: Path) -> None:
    asked = request(tmp_path)
    saved = kept(tmp_path, asked, prepared(asked))
    with pytest.raises(PlanStale, match="the playbook: services changed"):
        saved.require_current(prepared(request(tmp_path, "green")))


def test_how_long_something_runs_does_not_matter_and_whether_it_runs_does(tmp_path: Path) -> None:
    asked = request(tmp_path)
    saved = kept(tmp_path, asked, prepared(asked, found=network(status="running")))
    saved.require_current(prepared(asked, found=network(status="restarting")))
    with pytest.raises(PlanStale):
        saved.require_current(prepared(asked, found=network(status="exited")))


def test_every_cut_of_the_file_is_recognised(tmp_path: Path) -> None:
    asked = request(tmp_path)
    kept(tmp_path, asked, prepared(asked))
    path, torn = tmp_path / "kept.plan", tmp_path / "torn.plan"
    whole = path.read_bytes()
    assert saved_plan.is_plan(path)
    for length in range(200, len(whole) - 1, 97):
        torn.write_bytes(whole[:length])
        assert saved_plan.is_plan(torn)
        with pytest.raises(PlaybookInvalid, match="cut off or damaged"):
            saved_plan.load(torn)


def test_an_edited_plan_is_refused(tmp_path: Path) -> None:
    asked = request(tmp_path)
    kept(tmp_path, asked, prepared(asked))
    path = tmp_path / "kept.plan"
    content = json.loads(path.read_text())
    content["policy"]["prune"] = True
    path.write_text(json.dumps(content))
    with pytest.raises(PlaybookInvalid, match="was changed after it was written"):
        saved_plan.load(path)


def _reseal(path: Path, change: Callable[[dict[str, Any]], None]) -> saved_plan.SavedPlan:
    """The plan with a change and a right seal without a key, as somebody makes it who can write the file."""
    content = json.loads(path.read_text())
    content.pop("seal")
    change(content)
    saved_plan.write(path, content)
    path.chmod(0o666)
    return saved_plan.load(path)


def test_the_keyed_seal_tells_who_wrote_it(tmp_path: Path) -> None:
    """With the key an edit is found, however it is sealed; without it nothing is claimed."""
    asked = request(tmp_path)
    key = FingerprintKey("0123abcd", "shop", SecretValue(b"k" * 32))
    plain = prepared(asked)
    keyed = replace(plain, materials=replace(plain.materials, signer=key))
    file = kept(tmp_path, asked, keyed)
    file.require_current(keyed)
    assert file.remarks(keyed) == ()
    assert "is sealed with a fingerprint key that is not here" in file.remarks(plain)[0]
    edited = _reseal(tmp_path / "kept.plan", lambda content: content["policy"].update(prune=True))
    edited.require_current(plain)
    assert "can be written by others" in edited.remarks(plain)[0]
    with pytest.raises(PlaybookInvalid, match="was changed after it was written"):
        edited.require_current(keyed)
    bare = _reseal(tmp_path / "kept.plan", lambda content: content.update(keyed_seal=None))
    assert "its keyed seal was taken off" in bare.remarks(keyed)[1]


@pytest.mark.parametrize("change", [
    {"policy": {"targets": None}}, {"policy": []}, {"request": {}}, {"digests": []}, {"digests": {"playbook": {}}},
    {"engine": None}, {"salt": 5}, {"policy": None}, {"request": None},
])  # fmt: skip
def test_a_sealed_file_without_the_form_of_a_plan_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    asked = request(tmp_path)
    kept(tmp_path, asked, prepared(asked))
    with pytest.raises(PlaybookInvalid, match="has not the form of a plan"):
        _reseal(tmp_path / "kept.plan", lambda content: content.update(change))


def test_another_format_is_wrong_usage(tmp_path: Path) -> None:
    path = tmp_path / "kept.plan"
    path.write_text(json.dumps({"kind": saved_plan.KIND, "format_version": 99}))
    with pytest.raises(UsageError, match="format 99"):
        saved_plan.load(path)


def test_other_files_are_not_taken_for_plans(tmp_path: Path) -> None:
    other = tmp_path / "compose.yaml"
    for text in ("", "{}", '{"services": {}}', "name: shop\n"):
        other.write_text(text)
        assert not saved_plan.is_plan(other)
    assert not saved_plan.is_plan(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="can not be read"):
        saved_plan.load(tmp_path / "nowhere")


def test_a_plan_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    """With the code of what failed: there was nothing wrong in how it was asked for. Folders on the way are made."""
    asked = request(tmp_path)
    with pytest.raises(ProvisionError, match="can not be written") as told:
        saved_plan.save(tmp_path / "compose.yaml" / "kept.plan", asked, Policy(), {}, prepared(asked))
    assert told.value.exit_code == 1
    saved_plan.save(tmp_path / "no" / "kept.plan", asked, Policy(), {}, prepared(asked))


def test_a_plan_takes_the_place_of_a_plan_only(tmp_path: Path) -> None:
    asked = request(tmp_path)
    playbook, empty, device = tmp_path / "compose.yaml", tmp_path / "empty", tmp_path / "null"
    before = playbook.read_text()
    device.symlink_to(os.devnull)
    for other in (playbook, device):
        with pytest.raises(UsageError, match="is there already, and is no plan"):
            saved_plan.save(other, asked, Policy(), {}, prepared(asked))
    assert playbook.read_text() == before
    # What mktemp made, and an earlier plan.
    empty.write_text("")
    for _ in range(2):
        saved_plan.save(empty, asked, Policy(), {}, prepared(asked))
        assert saved_plan.is_plan(empty)


def test_generated_values_and_what_is_made_of_them_are_known_after_apply(tmp_path: Path) -> None:
    refs = [
        SecretRef("made", (), "MADE", "", ("env_local",)),
        SecretRef("url", (), "", "", (), template="x:${secret:made}"),
        SecretRef("outer", (), "", "", (), template="${secret:url}"),
        SecretRef("plain", (), "PLAIN", "", ("env_local",)),
    ]
    tiers = {"made": "generate", "url": "template", "outer": "template", "plain": "env_local"}
    answers = {key: Found(SecretValue(b"x"), "k.1", tier) for key, tier in tiers.items()}
    assert pending(refs, answers) == {"made", "url", "outer"}
    asked = request(tmp_path)
    materials = ExternalInputs(
        InputVersions(versions={Address("secret", "made"): PENDING}), declarations=tuple(refs), resolutions=answers
    )
    saved = kept(tmp_path, asked, replace(prepared(asked), materials=materials))
    assert saved.content["known_after_apply"] == ["made", "outer", "url"]
