"""The GitHub Action: every step of action.yml run as a runner runs it, against a real engine."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.docs.pages import PROJECT, fences
from tests.engine.environment import Environment
from tests.engine.ssh_server import SshServer, ssh_server
from tests.integrations.forges import Forge, holds, interpolated, pairs, service, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

__all__ = ["ssh_server"]
FOLDER = Path(__file__).parents[2] / "integrations" / "github"
ACTION = yaml.safe_load((FOLDER / "action.yml").read_text(encoding="utf-8"))
PROGRAMS = Path(sys.executable).parent
BOT = "github-actions[bot]"
# What a checkout of the action has of which it is installed.
_CHECKOUT = ("integrations/github", "provisioner", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")


@dataclass(frozen=True)
class Done:
    """How a job ended."""

    code: int
    log: str
    summary: str
    outputs: dict[str, str]


@dataclass
class Runner:
    """Runs the action's steps in the environment's folder, which stands for the checkout."""

    environment: Environment
    forge: Forge
    variables: dict[str, str]

    def job(self, *, event: dict[str, Any] | None = None, **inputs: str) -> Done:
        """One job with the action in it; `event` is what happened, by default something with the pull request."""
        unknown = inputs.keys() - {name.replace("-", "_") for name in ACTION["inputs"]}
        assert not unknown, f"no such inputs: {unknown}"
        known = {"github.token": self.forge.token}
        defaults = {name: interpolated(row["default"], known.__getitem__) for name, row in ACTION["inputs"].items()}
        found = {f"inputs.{name}": inputs.get(name.replace("-", "_"), value) for name, value in defaults.items()}
        temp = self.environment.folder / "_temp"
        for name in ("", "path", "summary"):
            (temp / name).mkdir(parents=True, exist_ok=True) if not name else (temp / name).write_text("")
        (temp / "event.json").write_text(json.dumps({"pull_request": {"number": 7}} if event is None else event))

        def value(name: str) -> str:
            return found.get(name, "")

        log, code = "", 0
        for number, step in enumerate(ACTION["runs"]["steps"]):
            assert step["shell"] == "bash"
            if not holds(step.get("if", "inputs.command != ''"), value):
                continue
            (temp / "output").write_text("")
            script = temp / f"step{number}.sh"
            script.write_text(step["run"])
            given_by_step = {name: interpolated(text, value) for name, text in step["env"].items()}
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", script], cwd=self.environment.folder, text=True,
                env=self.surroundings(temp, given_by_step), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL, timeout=300, check=False,
            )  # fmt: skip
            log += done.stdout
            outputs = pairs((temp / "output").read_text())
            found |= {f"steps.{step.get('id')}.outputs.{name}": text for name, text in outputs.items()}
            if done.returncode:
                code = done.returncode
                break
        assert "Traceback" not in log, log
        said = {name: interpolated(row["value"], value) for name, row in ACTION["outputs"].items()}
        return Done(code, log, (temp / "summary").read_text(), said)

    def surroundings(self, temp: Path, given: dict[str, str]) -> dict[str, str]:
        added = (temp / "path").read_text().splitlines()
        path = os.pathsep.join(
            [*reversed(added), self.variables.get("PATH", f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}")]
        )
        return self.environment.surroundings(
            **{
                "GITHUB_ACTION_PATH": str(FOLDER),
                **self.variables,
                "PATH": path,
                "GITHUB_API_URL": self.forge.address,
                "GITHUB_EVENT_PATH": str(temp / "event.json"),
                "GITHUB_OUTPUT": str(temp / "output"),
                "GITHUB_PATH": str(temp / "path"),
                "GITHUB_REPOSITORY": "shop/deploy",
                "GITHUB_SHA": "0" * 40,
                "GITHUB_STEP_SUMMARY": str(temp / "summary"),
                "GITHUB_WORKSPACE": str(self.environment.folder),
                "RUNNER_TEMP": str(temp),
                **given,
            }
        )

    def plan(self, **inputs: str) -> Done:
        return self.job(command="plan", files="compose.yaml", **inputs)

    def apply(self, **inputs: str) -> Done:
        """What runs after the merge: an event without a pull request."""
        self.forge.merged = True
        return self.job(command="apply", files="compose.yaml", event={"ref": "refs/heads/main"}, **inputs)

    def comment(self) -> str:
        """What the one comment of the action says."""
        (comment,) = [one["body"] for one in self.forge.comments if one["user"]["login"] == BOT]
        return str(comment)


@pytest.fixture
def runner(tmp_path: Path, project: str, engine: docker.DockerClient, engine_url: str) -> Iterator[Runner]:
    with serving(Forge(BOT, "a-token")) as forge:
        yield Runner(Environment(tmp_path, project, engine, engine_url), forge, {})


@pytest.mark.engine
def test_a_pull_request_is_planned_and_exactly_that_is_applied_after_its_merge(runner: Runner) -> None:
    environment = runner.environment
    environment.services(web=service(environment={"TAG": "one"}))
    planned = runner.plan()
    assert (planned.code, planned.outputs["pending"]) == (0, "true"), planned.log
    assert "::notice file=compose.yaml,line=" in planned.log and "title=plan/create" in planned.log
    assert "| `+` | `service.web` | create |" in planned.summary
    assert runner.comment() == f"<!-- provision compose.yaml -->\n{planned.summary}"
    assert planned.outputs["digest"] in runner.comment()
    assert environment.objects() == set()

    # A further push: the same comment with another plan.
    environment.services(web=service(environment={"TAG": "two"}))
    again = runner.plan()
    assert again.outputs["digest"] != planned.outputs["digest"]
    assert again.outputs["digest"] in runner.comment()

    for number in range(5):
        runner.forge.say("ann", f"comment {number}")
    applied = runner.apply()
    assert (applied.code, applied.outputs["digest"]) == (0, again.outputs["digest"]), applied.log
    assert "changed=2 failed=0" in applied.summary
    assert "TAG=two" in environment.container("web-1").attrs["Config"]["Env"]

    unchanged = runner.plan()
    assert (unchanged.code, unchanged.outputs["pending"]) == (0, "false"), unchanged.log
    assert "No changes." in runner.comment()


@pytest.mark.engine
def test_what_moved_after_the_approval_is_not_applied(runner: Runner) -> None:
    environment = runner.environment
    environment.services(web=service(), other=service())
    environment.apply()
    environment.services(web=service(environment={"TAG": "two"}), other=service())
    approved = runner.plan().outputs["digest"]
    # Somebody takes another service away by hand.
    environment.container("other-1").remove(force=True)
    before = environment.inventory()
    refused = runner.apply()
    assert refused.code == 76, refused.log
    assert "::error title=provision::Nothing was done" in refused.log
    assert "the engine, or what runs there, is not what it was" in refused.summary
    assert "`service.other`" in refused.summary and f"Digest: `{approved}`" not in refused.summary
    assert environment.inventory() == before
    # Looked at, and approved by hand.
    digest = runner.plan().outputs["digest"]
    assert runner.apply(digest=digest).code == 0
    assert environment.plan()["changes"] == []


@pytest.mark.engine
def test_only_the_comment_of_the_action_itself_approves(runner: Runner) -> None:
    runner.environment.services(web=service())
    planned = runner.plan(comment="false")
    assert (planned.code, runner.forge.comments) == (0, [])
    runner.forge.say("mallory", f"<!-- provision compose.yaml -->\n{planned.summary}")
    refused = runner.apply()
    assert refused.code == 1
    assert "pull request #7 has no plan of compose.yaml" in refused.log
    runner.forge.merged = False
    direct = runner.job(command="apply", files="compose.yaml", event={})
    assert (direct.code, f"{'0' * 40} came with no pull request" in direct.log) == (1, True), direct.log
    assert runner.environment.objects() == set()


@pytest.mark.engine
def test_a_plan_that_can_not_be_made_is_told_where_the_plan_would_be(runner: Runner) -> None:
    environment = runner.environment
    environment.services(web=service())
    good = runner.plan()
    assert good.outputs["digest"] in runner.comment()
    # A further push that is no playbook: nothing of the plan before is left to approve.
    environment.write("services:\n  web:\n    imagine: busybox\n")
    invalid = runner.plan()
    assert (invalid.code, invalid.outputs["digest"]) == (65, "")
    assert "::error file=compose.yaml,line=3,col=5" in invalid.log
    assert "There is no plan (exit code 65)" in runner.comment() and "Digest" not in runner.comment()
    # What lint calls an error can be planned; the job fails all the same.
    environment.write({"services": {"web": service(privileged=True)}})
    doubtful = runner.plan()
    assert doubtful.code == 1, doubtful.log
    assert "Lint failed (exit code 1)" in runner.comment() and "| `+` | `service.web` |" in runner.comment()

    environment.services(web=service())
    runner.forge.may_write = False
    runner.variables["DOCKER_HOST"] = f"unix://{environment.folder}/nowhere.sock"
    lost = runner.plan()
    assert (lost.code, lost.outputs) == (69, {"digest": "", "pending": ""}), lost.log
    assert "There is no plan (exit code 69)" in lost.summary and "nowhere.sock" in lost.summary
    assert "::warning title=provision::the plan could not be written as a comment: HTTP Error 403" in lost.log


# pip fetches all that provision needs, twice: a minute.
@pytest.mark.engine
@pytest.mark.slow
def test_a_runner_without_provision_installs_it_and_reaches_an_engine_through_ssh(
    runner: Runner, ssh_server: SshServer, tmp_path: Path
) -> None:
    environment = runner.environment
    environment.services(web=service())
    # It has Python and ssh, the checkout of the action, and no engine of its own.
    for name in _CHECKOUT:
        source, copy = PROJECT / name, tmp_path / "checkout" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, copy) if source.is_dir() else shutil.copy(source, copy)
    bare = os.pathsep.join([f"{sys.base_prefix}/bin", "/usr/bin", "/bin"])
    assert shutil.which("provision", path=bare) is None
    nowhere = f"unix://{tmp_path}/nowhere.sock"
    runner.variables = {
        "PATH": bare, "DOCKER_HOST": nowhere, "GITHUB_ACTION_PATH": str(tmp_path / "checkout/integrations/github"),
    }  # fmt: skip
    given = {
        "host": f"ssh://{getpass.getuser()}@127.0.0.1:{ssh_server.port}",
        "ssh_key": (ssh_server.folder / "user").read_text().rstrip(),
        "ssh_known_hosts": (ssh_server.folder / "known_hosts").read_text(),
    }
    planned = runner.plan(**given)
    assert (planned.code, planned.outputs["pending"]) == (0, "true"), planned.log
    applied = runner.apply(**given)
    assert (applied.code, "changed=2 failed=0" in applied.summary) == (0, True), applied.log
    assert environment.plan()["changes"] == []

    # A machine that is not the known one is not talked to.
    runner.variables = {"DOCKER_HOST": nowhere}
    ssh_server.know("other")
    stranger = runner.plan(**given | {"ssh_known_hosts": (ssh_server.folder / "known_hosts").read_text()})
    assert (stranger.code, stranger.outputs["pending"]) == (69, ""), stranger.log
    private = given["ssh_key"].splitlines()[1]
    assert private not in planned.log + applied.log + stranger.log + runner.comment()


@pytest.mark.engine
def test_a_command_that_it_does_not_know_fails_the_job(runner: Runner) -> None:
    runner.environment.services(web=service())
    refused = runner.job(command="aplly", files="compose.yaml")
    assert (refused.code, "command is 'aplly', and can be plan or apply" in refused.log) == (64, True)


def test_its_inputs_are_used_and_reach_a_shell_as_variables_only() -> None:
    steps = ACTION["runs"]["steps"]
    used = json.dumps([{"env": step["env"], "if": step.get("if", "")} for step in steps])
    assert [name for name in ACTION["inputs"] if f"inputs.{name} " not in used] == []
    # Text of a pull request within a script would be run as a script.
    assert [step["name"] for step in steps if "${{" in step["run"]] == []


def test_it_is_an_action_as_github_reads_it(tmp_path: Path) -> None:
    workflow = next(
        fence.text for fence in fences(PROJECT / "docs" / "integrations.md") if ".github/workflows" in fence.text
    )
    (tmp_path / "workflow.yml").write_text(workflow)
    for kind, file in (("actions", FOLDER / "action.yml"), ("workflows", tmp_path / "workflow.yml")):
        check = [PROGRAMS / "check-jsonschema", "--builtin-schema", f"vendor.github-{kind}", file]
        done = subprocess.run(check, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout
    (job,) = yaml.safe_load(workflow)["jobs"].values()
    assert job["steps"][1]["with"].keys() <= ACTION["inputs"].keys()
