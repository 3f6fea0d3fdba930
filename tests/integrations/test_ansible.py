"""The Ansible collection, run by ansible-playbook on this machine against a real engine."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.environment import Environment, service
from tests.engine.ssh_server import SshServer, ssh_server
from tests.integrations.ansible_tasks import COLLECTION, PROGRAMS, play

if TYPE_CHECKING:
    from pathlib import Path

    import docker

__all__ = ["ssh_server"]


@pytest.fixture
def environment(tmp_path: Path, project: str, engine: docker.DockerClient, engine_url: str) -> Environment:
    return Environment(tmp_path, project, engine, engine_url)


@pytest.mark.engine
def test_a_check_shows_the_plan_and_the_second_apply_is_unchanged(environment: Environment) -> None:
    environment.services(web=service(environment={"KEY": "${KEY}", "TAG": "${TAG}"}))
    task = {"variables": {"TAG": "one two"}, "secret_variables": {"KEY": "hidden-canary"}}
    open_task = {"variables": {"TAG": "one two", "KEY": "nothing secret"}}

    code, printed, (shown, checked) = play(environment, open_task, task, options=("--check", "--diff", "-vvv"))
    assert (code, checked["changed"], checked["pending"]) == (0, True, True), printed
    assert "+ service.web" in printed and "Plan: 2 to create" in printed, printed
    assert (shown["pending"], shown["digest"] != checked["digest"]) == (True, True)
    assert environment.objects() == set()
    assert "hidden-canary" not in printed

    planned, applied, again = play(environment, {**task, "state": "planned"}, task, task)[2]
    assert (planned["changed"], planned["pending"], planned["digest"]) == (False, True, checked["digest"])
    assert (applied["changed"], applied["exit_code"], applied["recap"]["changed"]) == (True, 0, 2)
    assert applied["summary"]["create"] == 2
    assert (again["changed"], again["recap"], again["changes"]) == (
        False, {"ok": 3, "changed": 0, "failed": 0, "skipped": 0}, [],
    )  # fmt: skip
    assert {"KEY=hidden-canary", "TAG=one two"} <= set(environment.container("web-1").attrs["Config"]["Env"])

    gone, gone_again = play(environment, {"state": "absent"}, {"state": "absent"})[2]
    assert (gone["changed"], gone_again["changed"]) == (True, False)
    assert environment.objects() == {environment.ledger}


@pytest.mark.engine
def test_no_diff_shows_a_secret_variable_as_it_is_or_as_it_was(environment: Environment) -> None:
    environment.services(web=service(environment={"LICENSE": "${KEY}", "TAG": "${TAG}"}))
    before = {"variables": {"TAG": "1"}, "secret_variables": {"KEY": 'old "canary"\nof two lines'}}
    after = {"variables": {"TAG": "2"}, "secret_variables": {"KEY": "new" + "canary" * 40}}
    play(environment, before)
    for options in (("--check", "--diff", "-vvv"), ("--diff", "-vvv")):
        code, printed, (result,) = play(environment, after, options=options)
        assert (code, result["changed"]) == (0, True), printed
        assert "replace service.web" in printed and "environment.LICENSE" in printed, printed
        assert "canary" not in printed


@pytest.mark.engine
def test_volumes_go_only_when_that_is_said(environment: Environment) -> None:
    environment.write({"services": {"web": service(volumes=["data:/data"])}, "volumes": {"data": {}}})
    volume = f"volume {environment.project}_data"
    results = play(environment, {}, {"state": "absent"})[2]
    assert [one["changed"] for one in results] == [True, True]
    assert volume in environment.objects()
    (gone,) = play(environment, {"state": "absent", "volumes": True})[2]
    assert (gone["changed"], volume in environment.objects()) == (True, False)


@pytest.mark.engine
def test_what_fails_has_our_message_and_exit_code(environment: Environment) -> None:
    environment.services(web=service(command=["sh", "-c", "echo no such table; exit 7"], healthcheck={"disable": True}))
    digest = "-".join(["0" * 16] * 3)
    failed, stale = play(environment, {}, {"digest": digest})[2]
    assert (failed["failed"], failed["exit_code"]) == (True, 1), failed
    assert "service.web" in failed["msg"] and failed["recap"]["failed"] == 1, failed
    assert (stale["failed"], stale["exit_code"]) == (True, 76), stale
    (checked,) = play(environment, {"digest": digest}, options=("--check",))[2]
    assert (checked["failed"], checked["exit_code"]) == (True, 76), checked

    environment.write("services:\n  web:\n    imagine: busybox\n")
    invalid, senseless, absent = play(environment, {}, {"volumes": True}, {"executable": "no-such-provision"})[2]
    assert (invalid["failed"], invalid["exit_code"], invalid["error"]["kind"]) == (True, 65, "PlaybookInvalid")
    assert "compose.yaml:3:5" in invalid["msg"], invalid["msg"]
    assert "only with state: absent" in senseless["msg"]
    assert "no command no-such-provision" in absent["msg"]


@pytest.mark.engine
def test_a_list_of_plays_is_one_task(environment: Environment) -> None:
    names = ("one", "two")
    for name in names:
        check = {"name": f"{name} answers", "exec": {"service": "web", "command": ["true"]}}
        body = {"name": f"{environment.project}-{name}", "services": {"web": service()}, "verify": [check]}
        environment.write(json.dumps(body), f"playbooks/{name}/prod.yml")
    listed = [{"name": name.title(), "import_playbook": f"{name}/prod.yml"} for name in names]
    environment.write(json.dumps(listed), "playbooks/prod.yml")
    task = {"target": "prod"}

    code, printed, (checked,) = play(environment, task, options=("--check", "--diff"))
    assert (code, checked["changed"], checked["pending"]) == (0, True, True), printed
    assert {change["play"] for change in checked["changes"]} == {"One", "Two"}
    assert "One" in printed and "Two" in printed and printed.count("+ service.web") == 2, printed
    applied, again = play(environment, {**task, "digest": checked["digest"]}, task)[2]
    assert (applied["changed"], applied["recap"]["changed"], applied["recap"]["failed"]) == (True, 4, 0), applied
    assert (again["changed"], again["recap"]["changed"], again["changes"]) == (False, 0, []), again

    body["verify"][0]["exec"]["command"] = ["false"]
    environment.write(json.dumps(body), "playbooks/two/prod.yml")
    failed, gone, gone_again = play(environment, task, {**task, "state": "absent"}, {**task, "state": "absent"})[2]
    assert (failed["failed"], failed["exit_code"], "two answers" in failed["msg"]) == (True, 1, True), failed
    assert (gone["changed"], gone_again["changed"]) == (True, False), (gone, gone_again)


@pytest.mark.engine
def test_an_engine_behind_ssh(environment: Environment, ssh_server: SshServer) -> None:
    environment.services(web=service())
    task = {"host": "ssh://box"}
    applied, again = play(environment, task, task, PATH=ssh_server.path)[2]
    assert (applied["changed"], again["changed"]) == (True, False), (applied, again)
    assert environment.container("web-1").status == "running"
    ssh_server.admit("no")
    (lost,) = play(environment, task, PATH=ssh_server.path)[2]
    assert (lost["failed"], lost["exit_code"], lost["changed"]) == (True, 69, False), lost
    assert "box refuses this user's keys" in lost["msg"]


def test_wrong_input_is_told_in_a_sentence(tmp_path: Path) -> None:
    """Each has what is wrong, and no traceback; none reaches an engine."""
    (tmp_path / "old").write_text("#!/bin/sh\necho '{not json'\necho 'usage: old [OPTIONS]' >&2\n")
    (tmp_path / "old").chmod(0o755)
    environment = Environment(tmp_path, "pt-nothing", None, f"unix://{tmp_path}/nowhere.sock")  # type: ignore[arg-type]
    environment.services(web=service())
    tasks: list[tuple[dict[str, Any], str]] = [
        ({"target": "shop/prod", "files": ["compose.yaml"]}, "mutually exclusive: target|files"),
        ({"target": "shop/prod"}, "no playbook 'shop/prod'"),
        ({"files": ["missing.yaml"]}, "missing.yaml"),
        ({"directory": "/no/such/folder"}, "/no/such/folder"),
        ({"state": "present"}, "value of state must be one of: applied, planned, absent"),
        ({"variables": {"A": None}}, "variables: A is null"),
        ({"secret_variables": {"A": None, "B": "1"}}, "secret_variables: A is null"),
        ({"digest": "abc"}, "'abc' is not the digest of a plan"),
        ({"host": "ssh://"}, "ssh:// is not the address"),
        ({"host": "nonsense"}, "nonsense"),
        ({"context": "no-such-context"}, "no-such-context"),
        ({}, "nowhere.sock"),
        ({"prune": True, "state": "absent"}, "prune is of use only with state: applied or planned"),
        ({"digest": "abc", "state": "planned"}, "digest is of use only with state: applied"),
        ({"executable": "/etc"}, "there is no command /etc on this host"),
        ({"executable": "/bin/true"}, "/bin/true wrote no result: is it provision"),
        ({"executable": str(tmp_path / "old")}, "wrote no result: is it provision"),
    ]
    code, printed, results = play(environment, *(task for task, _ in tasks))
    assert code == 0 and "Traceback" not in printed, printed
    for (task, said), result in zip(tasks, results, strict=True):
        assert (result["failed"], result["changed"]) == (True, False), (task, result)
        assert said in result["msg"] and "module_stderr" not in result, (task, result)


def test_its_documentation_is_complete_and_it_can_be_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_HOME", str(tmp_path))
    build = [PROGRAMS / "ansible-galaxy", "collection", "build", "--output-path", tmp_path, COLLECTION]
    subprocess.run(build, check=True, capture_output=True)
    (archive,) = tmp_path.glob("*.tar.gz")
    install = [PROGRAMS / "ansible-galaxy", "collection", "install", archive, "-p", tmp_path / "collections"]
    subprocess.run(install, check=True, capture_output=True)
    monkeypatch.setenv("ANSIBLE_COLLECTIONS_PATH", str(tmp_path / "collections"))
    document = subprocess.run(
        [PROGRAMS / "ansible-doc", "--json", "provisioner.docker.provision"], check=True, capture_output=True, text=True
    )
    shown = json.loads(document.stdout)["provisioner.docker.provision"]
    code = (COLLECTION / "plugins" / "modules" / "provision.py").read_text()
    names: dict[str, Any] = {}
    start = code.index("ARGUMENTS = ")
    exec(code[start : code.index("\n}\n", start) + 3], names)
    documented = {
        name: {key: option[key] for key in ("type", "choices", "default", "elements") if key in option}
        for name, option in shown["doc"]["options"].items()
    }
    said = {name: {k: v for k, v in row.items() if k != "no_log"} for name, row in names["ARGUMENTS"].items()}
    assert documented == said
    assert shown["examples"] and shown["return"]
