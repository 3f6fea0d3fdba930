"""The Ansible collection, run by ansible-playbook on this machine against a real engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.environment import Environment, service

if TYPE_CHECKING:
    import docker

COLLECTION = Path(__file__).parents[2] / "integrations" / "ansible"
PROGRAMS = Path(sys.executable).parent


@pytest.fixture
def environment(tmp_path: Path, project: str, engine: docker.DockerClient, engine_url: str) -> Environment:
    found = tmp_path / "collections" / "ansible_collections" / "provisioner"
    found.mkdir(parents=True)
    (found / "docker").symlink_to(COLLECTION)
    return Environment(tmp_path, project, engine, engine_url)


def surroundings(environment: Environment) -> dict[str, str]:
    return environment.surroundings(
        ANSIBLE_COLLECTIONS_PATH=str(environment.folder / "collections"),
        ANSIBLE_LOCALHOST_WARNING="False",
        ANSIBLE_HOME=str(environment.folder / "ansible"),
        ANSIBLE_LOCAL_TEMP=str(environment.folder / "ansible"),
        ANSIBLE_DEPRECATION_WARNINGS="False",
        PATH=f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
    )


def play(environment: Environment, *tasks: dict[str, Any], options: tuple[str, ...] = ()) -> tuple[int, str, list[Any]]:
    """Run tasks of our module, each registered and going on when it fails; the results, and all that was printed."""
    results = environment.folder / "results.json"
    results.unlink(missing_ok=True)
    steps: list[dict[str, Any]] = [
        {
            "provisioner.docker.provision": {"directory": str(environment.folder), "files": ["compose.yaml"], **task},
            "register": f"result{number}",
            "ignore_errors": True,
        }
        for number, task in enumerate(tasks)
    ]
    written = "{{ [" + ", ".join(f"result{number}" for number in range(len(tasks))) + "] | to_json }}"
    copy = {"content": written, "dest": str(results)}
    steps.append({"ansible.builtin.copy": copy, "check_mode": False, "diff": False})
    playbook = [{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": steps}]
    (environment.folder / "site.json").write_text(json.dumps(playbook))
    done = subprocess.run(
        [PROGRAMS / "ansible-playbook", "-i", "localhost,", "-e", f"ansible_python_interpreter={sys.executable}",
         *options, "site.json"],
        cwd=environment.folder, env=surroundings(environment), capture_output=True, text=True, timeout=170, check=False,
    )  # fmt: skip
    assert results.exists(), done.stdout + done.stderr
    return done.returncode, done.stdout, json.loads(results.read_text())


@pytest.mark.engine
def test_a_check_shows_the_plan_and_the_second_apply_is_unchanged(environment: Environment) -> None:
    environment.services(web=service(environment={"KEY": "${KEY}", "TAG": "${TAG}"}))
    task = {"variables": {"TAG": "one two"}, "secret_variables": {"KEY": "hidden-canary"}}

    code, printed, (checked,) = play(environment, task, options=("--check", "--diff", "-vvv"))
    assert (code, checked["changed"], checked["pending"]) == (0, True, True), printed
    assert "+ service.web" in printed and "Plan: 2 to create" in printed, printed
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
