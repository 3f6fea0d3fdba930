"""Revisions compared with each other by the one diff, and the engine with the last of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from provisioner.app.drift import differences
from provisioner.app.history import _entries, find
from provisioner.app.load import load_playbook
from provisioner.app.request import Request
from provisioner.cli.target import numbered
from provisioner.errors import ProvisionError, UsageError
from provisioner.ledger.revisions import Revision, desired_of
from provisioner.model.address import Address
from provisioner.model.change import Action
from provisioner.model.state import Runtime
from provisioner.platforms.choice import Mode, lower
from provisioner.platforms.lowering import InputVersions
from provisioner.reconcile.assumed_observation import assumed_observation
from provisioner.reconcile.diff import diff
from provisioner.render.history_text import entry_text, history_text

if TYPE_CHECKING:
    from pathlib import Path

    from provisioner.app.history import Entry

BASE = """
name: shop
services:
  web:
    image: busybox:1.36
    environment: {COLOR: red}
    networks: {front: {aliases: [w]}}
    volumes: [data:/data]
    mem_limit: 64m
    sysctls: {net.core.somaxconn: 1024}
    healthcheck: {test: [CMD, "true"], interval: 1s}
    secrets: [token]
    configs: [page]
    labels: {a: b}
    deploy: {replicas: 2, resources: {limits: {cpus: "0.5"}}}
  job:
    image: busybox:1.36
    command: [echo, hi]
    job: {run: always}
networks:
  front:
    ipam: {config: [{subnet: 10.9.0.0/24}]}
    internal: true
    driver_opts: {com.docker.network.driver.mtu: "1400"}
volumes: {data: {labels: {x: y}}}
secrets: {token: {}}
configs: {page: {content: hello}}
"""


def revision(folder: Path, number: int, text: str, mode: Mode = "containers", **versions: str) -> Revision:
    file = folder / "compose.yaml"
    file.write_text(text)
    playbook = load_playbook(Request(files=(str(file),), directory=str(folder)))
    inputs = {"builds": {}, "versions": {"secrets/token": "k.1", "configs/page": "p1", **versions}, "registry": {}}
    document: Any = playbook.root.plain()
    return Revision(
        number, f"2025-01-0{number}T10:00:00+00:00", "me@here", playbook.name, None, str(folder), document, inputs, mode
    )


def changes(entry: Entry) -> dict[str, list[str]]:
    return {str(one.address): [d.path for d in one.differences] for one in entry.changes}


@pytest.mark.parametrize("mode", ["containers", "swarm"])
def test_a_revision_does_not_differ_from_itself(tmp_path: Path, mode: Mode) -> None:
    desired = desired_of(revision(tmp_path, 1, BASE, mode), "shop")
    assert desired is not None
    left = [one for one in diff(desired, assumed_observation(desired)) if one.action is not Action.UNCHANGED]
    assert left == []


@pytest.mark.parametrize("mode", ["containers", "swarm"])
@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("COLOR: red", "COLOR: blue", {"service.web": ["environment.COLOR"]}),
        ("environment: {COLOR: red}", "environment: {}", {"service.web": ["environment.COLOR"]}),
        ("mem_limit: 64m", "mem_limit: 128m", {"service.web": ["mem_limit"]}),
        ("image: busybox:1.36\n    environment", "image: busybox:1.37\n    environment", None),
        ("labels: {a: b}", "labels: {a: c}", {"service.web": ["labels.a"]}),
        ("replicas: 2", "replicas: 3", {"service.web": ["replicas"]}),
        ("hello", "hello", {}),
    ],
)
def test_what_a_revision_changed(
    tmp_path: Path, mode: Mode, before: str, after: str, expected: dict[str, list[str]] | None
) -> None:
    kept = (revision(tmp_path, 1, BASE, mode), revision(tmp_path, 2, BASE.replace(before, after), mode))
    found = changes(_entries(kept, "shop")[0])
    if expected is None:
        assert found["service.web"] == ["image"]
        return
    assert found == expected


def test_a_new_version_of_a_secret_is_the_secrets_own_change(tmp_path: Path) -> None:
    kept = (revision(tmp_path, 1, BASE), revision(tmp_path, 2, BASE, **{"secrets/token": "k.2"}))
    newest, oldest = _entries(kept, "shop")
    assert changes(newest) == {"secret.token": ["version"], "service.web": []}
    assert (newest.previous, oldest.previous) == (1, 0)
    assert {one.action for one in oldest.changes} == {Action.CREATE}
    assert "secret.token (version)" in history_text("shop", [newest])
    assert "k.1 → k.2" in entry_text("shop", newest)


def test_a_document_that_can_not_be_read_any_more_is_told(tmp_path: Path) -> None:
    strange = replace(revision(tmp_path, 1, BASE), document={"services": 7})
    entries = _entries((strange, revision(tmp_path, 2, BASE)), "shop")
    assert [one.readable for one in entries] == [False, False]
    assert "not readable" in history_text("shop", entries)


def test_finding_a_revision(tmp_path: Path) -> None:
    kept = (revision(tmp_path, 3, BASE), revision(tmp_path, 4, BASE))
    assert find(kept, None, "shop").number == 4
    assert find(kept, 3, "shop").number == 3
    with pytest.raises(UsageError, match="no revision 9"):
        find(kept, 9, "shop")
    with pytest.raises(ProvisionError, match="nothing is known of an apply"):
        find((), None, "shop")


def test_target_and_number_on_the_command_line() -> None:
    assert numbered(()) == (None, None)
    assert numbered(("3",)) == (None, 3)
    assert numbered(("telecom/dev", "3")) == ("telecom/dev", 3)
    assert numbered(("telecom/dev",)) == ("telecom/dev", None)
    with pytest.raises(UsageError, match="not the number of a revision"):
        numbered(("telecom/dev", "three"))


def test_drift_leaves_out_what_every_apply_does_and_what_only_follows(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(BASE)
    playbook = load_playbook(Request(files=(str(file),), directory=str(tmp_path)))
    desired = lower(
        playbook,
        InputVersions(versions={Address("secret", "token"): "k.1", Address("config", "page"): "p1"}),
        "containers",
    )
    state = assumed_observation(desired)
    running = {
        address: replace(one, runtime=Runtime("exited" if address.name == "job" else "running"))
        if one.kind == "container"
        else one
        for address, one in state.resources.items()
    }
    assert differences(desired, replace(state, resources=running)) == ()
    changed = dict(running)
    web = next(address for address in changed if address.name == "web" and address.index == 1)
    changed[web] = replace(changed[web], spec={**changed[web].spec, "environment": {"COLOR": "pink"}})
    network = next(address for address in changed if address.kind == "network" and address.name == "front")
    del changed[network]
    found = {
        str(one.address): [d.path for d in one.differences]
        for one in differences(desired, replace(state, resources=changed))
    }
    assert found["network.front"] == ["state"]
    assert found.get("service.web", found.get("service.web[1]")) in (["environment.COLOR"], ["[1].environment.COLOR"])
    assert all(one.drift for one in differences(desired, replace(state, resources=changed)))


def test_commands_explain_themselves() -> None:
    from provisioner.cli.main import program

    for words in (["secrets", "rotate"], ["secrets", "set"], ["engine", "init"], ["rollback"], ["history"]):
        shown = CliRunner().invoke(program(), [*words, "--help"])
        assert shown.exit_code == 0, shown.output
        assert "Examples" in shown.output
