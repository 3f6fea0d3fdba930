"""The GitLab template: every job's script run as a runner runs it, against a real engine."""

from __future__ import annotations

import getpass
import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.engine.environment import Environment
from tests.engine.ssh_server import SshServer, ssh_server
from tests.integrations.forges import Forge, service, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

__all__ = ["ssh_server"]
TEMPLATE = Path(__file__).parents[2] / "integrations" / "gitlab" / "provision.gitlab-ci.yml"
JOBS: dict[str, Any] = yaml.safe_load(TEMPLATE.read_text(encoding="utf-8"))
PROGRAMS = Path(sys.executable).parent


@dataclass
class Runner:
    """Runs jobs in the environment's folder, which stands for the checkout."""

    environment: Environment
    forge: Forge
    variables: dict[str, str]

    def job(self, name: str, **variables: str) -> tuple[int, str]:
        """One job: its exit code and its log. Every artifact that it has is there afterwards, or is not asked for."""
        job = {**JOBS[JOBS[name]["extends"]], **JOBS[name]}
        script = "\n".join(["set -eo pipefail", *job["before_script"], *job["script"]])
        surroundings = self.environment.surroundings(
            **{
                "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
                "CI_API_V4_URL": self.forge.address,
                "CI_COMMIT_SHA": "0" * 40,
                "CI_PROJECT_DIR": str(self.environment.folder),
                "CI_PROJECT_ID": "3",
                "PROVISION_FILE": "compose.yaml",
                "PROVISION_GITLAB_TOKEN": self.forge.token,
                **self.variables,
                **variables,
            }
        )
        done = subprocess.run(
            ["bash", "-c", script], cwd=self.environment.folder, env=surroundings, text=True, timeout=120,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout

    def plan(self) -> tuple[int, str]:
        return self.job("provision:plan", CI_MERGE_REQUEST_IID="7")

    def apply(self, **variables: str) -> tuple[int, str]:
        self.forge.merged = True
        return self.job("provision:apply", **variables)

    def read(self, name: str) -> str:
        return (self.environment.folder / name).read_text(encoding="utf-8")

    def digest(self) -> str:
        return self.read("provision-plan.md").rpartition("Digest: `")[2].partition("`")[0]


@pytest.fixture
def runner(tmp_path: Path, project: str, engine: docker.DockerClient, engine_url: str) -> Iterator[Runner]:
    with serving(Forge("bot", "a-token")) as forge:
        yield Runner(Environment(tmp_path, project, engine, engine_url), forge, {})


@pytest.mark.engine
def test_a_merge_request_is_planned_and_exactly_that_is_applied_after_the_merge(runner: Runner) -> None:
    environment = runner.environment
    environment.write(
        {"services": {"web": service()}, "verify": [{"name": "it is", "exec": {"service": "web", "command": "true"}}]}
    )
    assert runner.job("provision:lint")[0] == 0
    assert ET.fromstring(runner.read("provision-lint.xml")).tag == "testsuites"
    for report in ("provision-lint.json", "provision-plan.json"):
        code, log = runner.plan()
        assert code == 0, log
        entries = json.loads(runner.read(report))
        assert entries, report
        for entry in entries:
            assert entry["location"]["path"] == "compose.yaml" and entry["location"]["lines"]["begin"] >= 1
            assert entry["severity"] in ("info", "minor", "major", "critical", "blocker")
            assert entry["description"] and entry["check_name"]
        assert len({entry["fingerprint"] for entry in entries}) == len(entries)
    # Planned twice: one note.
    (note,) = runner.forge.comments
    assert note["body"] == f"<!-- provision compose.yaml -->\n{runner.read('provision-plan.md')}"
    assert environment.objects() == set()

    for number in range(5):
        runner.forge.say("ann", f"<!-- provision compose.yaml -->\nDigest: `{number}-0-0`")
    code, log = runner.apply()
    assert code == 0 and "changed=2 failed=0" in log, log
    (suite,) = ET.fromstring(runner.read("provision-verify.xml"))
    assert (suite.get("tests"), suite.get("failures")) == ("1", "0")
    code, log = runner.plan()
    assert code == 0 and "No changes." in note["body"], log


@pytest.mark.engine
def test_what_moved_after_the_approval_is_not_applied(runner: Runner) -> None:
    environment = runner.environment
    environment.services(web=service(), other=service())
    environment.apply()
    environment.services(web=service(environment={"TAG": "two"}), other=service())
    assert runner.plan()[0] == 0
    approved = runner.digest()
    environment.container("other-1").remove(force=True)
    before = environment.inventory()
    code, log = runner.apply()
    assert code == 76 and "Nothing was done" in log, log
    assert environment.inventory() == before
    assert "`service.other`" in runner.read("provision-plan.md") and runner.digest() != approved
    # Without a token, by hand.
    code, log = runner.apply(PROVISION_GITLAB_TOKEN="")
    assert code == 1 and "start this job with PROVISION_DIGEST" in log, log
    code, log = runner.apply(PROVISION_GITLAB_TOKEN="", PROVISION_DIGEST=runner.digest())
    assert code == 0, log
    assert environment.plan()["changes"] == []


@pytest.mark.engine
def test_what_can_not_be_planned_is_told_in_the_note_and_approves_nothing(runner: Runner) -> None:
    environment = runner.environment
    environment.write("services:\n  web:\n    imagine: busybox\n")
    assert runner.job("provision:lint")[0] == 65
    (entry,) = json.loads(runner.read("provision-lint.json"))
    assert (entry["severity"], entry["location"]) == ("critical", {"path": "compose.yaml", "lines": {"begin": 3}})
    assert ET.fromstring(runner.read("provision-lint.xml")).find("testsuite/testcase/failure") is not None
    code, log = runner.plan()
    assert code == 65 and "compose.yaml:3:5" in runner.forge.comments[0]["body"], log
    code, log = runner.apply()
    assert code == 1 and "no merge request of this commit has a plan" in log, log


@pytest.mark.engine
def test_an_engine_behind_ssh(runner: Runner, ssh_server: SshServer, tmp_path: Path) -> None:
    environment = runner.environment
    environment.services(web=service())
    # A variable of the type File may lack its last line end.
    key = tmp_path / "key"
    key.write_text((ssh_server.folder / "user").read_text().rstrip())
    runner.variables = {
        "DOCKER_HOST": f"unix://{tmp_path}/nowhere.sock",
        "PROVISION_HOST": f"ssh://{getpass.getuser()}@127.0.0.1:{ssh_server.port}",
        "PROVISION_SSH_KEY": str(key),
        "PROVISION_SSH_KNOWN_HOSTS": str(ssh_server.folder / "known_hosts"),
    }
    code, log = runner.plan()
    assert code == 0, log
    code, log = runner.apply()
    assert code == 0 and "changed=2 failed=0" in log, log
    assert environment.plan()["changes"] == []
    ssh_server.know("other")
    code, log = runner.plan()
    assert code == 69, log


def test_its_jobs_are_for_merge_requests_and_for_the_default_branch() -> None:
    rules = {name: [rule["if"] for rule in job["rules"]] for name, job in JOBS.items() if "rules" in job}
    request = '$CI_PIPELINE_SOURCE == "merge_request_event"'
    assert rules.pop("provision:lint") == rules.pop("provision:plan") == [request]
    assert all(rule.startswith("$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH") for rule in rules.pop("provision:apply"))
    assert rules == {}


def test_it_is_a_pipeline_as_gitlab_reads_it() -> None:
    check = [PROGRAMS / "check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", TEMPLATE]
    done = subprocess.run(check, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout
