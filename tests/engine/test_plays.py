"""A list of plays on a real engine: planned together, applied in order, each proven before the next one begins."""

from __future__ import annotations

import contextlib
import io
import json
import socket
from typing import TYPE_CHECKING, Any

import pytest

from provisioner.cli.main import execute
from tests.engine.environment import Environment, Outcome, service
from tests.engine.test_approval import pushed
from tests.engine.test_image_commands import registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import docker

pytestmark = [
    pytest.mark.engine,
    # A command leaves the connections to its engine to the end of the process, which does not come here.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

NAMES = ("one", "two", "three")
GOOD = {"name": "it answers", "exec": {"service": "web", "command": ["true"]}}
BAD = {"name": "it does not", "exec": {"service": "web", "command": ["false"]}}


class Plays:
    """A list `playbooks/prod.yml` of small systems; each is `<project>-<name>` in the environment `prod`."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        for name in NAMES:
            self.system(name)
        self.list(*NAMES)

    def project(self, name: str) -> str:
        return f"{self.environment.project}-{name}"

    def system(self, name: str, *, checks: tuple[dict[str, Any], ...] = (GOOD,), more: Any = None, **web: Any) -> None:
        playbook = {
            "name": self.project(name),
            "vars": {"COLOR": "none"},
            "services": {"web": service(environment={"COLOR": "${COLOR}"}, **(web or {"network_mode": "none"}))},
            "verify": list(checks),
            **(more or {}),
        }
        self.environment.write(json.dumps(playbook), f"playbooks/{name}/prod.yml")

    def list(self, *names: str, **more: Any) -> None:
        plays = [
            {"name": name.title(), "import_playbook": f"{name}/prod.yml", "tags": [name], **more.get(name, {})}
            for name in names
        ]
        self.environment.write(json.dumps(plays), "playbooks/prod.yml")

    def run(self, *arguments: str, code: int = 0) -> Outcome:
        """Carry out a command line in this process, in the environment's folder."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code_there = execute(list(arguments))
        outcome = Outcome(code_there, out.getvalue(), err.getvalue())
        assert "Traceback" not in outcome.text, outcome
        assert outcome.code == code, outcome
        return outcome

    def json(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self.run(*arguments, "--json", code=code).stdout)

    def apply(self, *arguments: str, code: int = 0) -> Outcome:
        return self.run("apply", "prod", "--yes", "--json", *arguments, code=code)

    def running(self) -> list[str]:
        """The systems whose container is there."""
        found = self.environment.engine.api.containers(all=True)
        names = {name.lstrip("/") for one in found for name in one["Names"] or ()}
        return [name for name in NAMES if f"{self.project(name)}-prod-web-1" in names]


@pytest.fixture
def plays(
    tmp_path: Path, project: str, engine: docker.DockerClient, engine_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Plays]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_HOST", engine_url)
    made = Plays(Environment(tmp_path, project, engine, engine_url))
    yield made
    made.list(*NAMES)
    for name in NAMES:
        made.system(name)
    made.run("destroy", "prod", "--yes", "--volumes")


def states(outcome: Outcome) -> list[tuple[str, str]]:
    return [(play["name"], play["state"]) for play in outcome.summary["plays"]]


def test_a_list_is_applied_in_order_and_then_nothing_changes(plays: Plays) -> None:
    # A value that is made by the apply itself is another one each time that a plan is made.
    plays.system("two", secrets=["token"], more={"secrets": {"token": {"generate": {"length": 20}}}})
    plan = plays.json("plan", "prod", "--detailed-exitcode", code=2)
    assert [(play["name"], play["target"]) for play in plan["plays"]] == [
        (name.title(), f"{plays.project(name)}/prod") for name in NAMES
    ]
    assert plan["summary"]["create"] == sum(play["summary"]["create"] for play in plan["plays"])

    outcome = plays.apply()
    assert states(outcome) == [("One", "done"), ("Two", "done"), ("Three", "done")]
    order = [line["play"] for line in outcome.lines if line["type"] in ("finished", "summary") and "play" in line]
    assert order == sorted(order, key=["One", "Two", "Three"].index)
    assert all(line["checks"][0]["ok"] for line in outcome.lines if line["type"] == "summary" and "play" in line)

    again = plays.apply()
    assert [(play["changed"], play["state"]) for play in again.summary["plays"]] == [(0, "done")] * 3
    assert plays.run("plan", "prod", "--detailed-exitcode").stdout.count("No changes") == 4
    # It is the same environment by itself.
    assert plays.json("plan", "one/prod")["changes"] == []
    assert plays.run("status", "prod").stdout.count("service.web[1]") == 3
    assert plays.json("drift", "prod")["plays"][0]["changes"] == []
    assert [len(play["revisions"]) for play in plays.json("history", "prod")["plays"]] == [1, 1, 1]
    assert plays.json("verify", "prod", "--check", "it answers")["plays"][2]["summary"] == {"passed": 1, "failed": 0}

    removal = plays.run("destroy", "prod", "--yes", "--json")
    assert [play["name"] for play in removal.summary["plays"]] == ["Three", "Two", "One"]
    assert plays.running() == []


def test_a_play_that_fails_its_checks_stops_those_after_it(plays: Plays) -> None:
    plays.system("two", checks=(GOOD, BAD))
    outcome = plays.apply(code=1)
    assert states(outcome) == [("One", "done"), ("Two", "failed"), ("Three", "not_started")]
    assert plays.running() == ["one", "two"]
    assert outcome.summary["plays"][1]["reason"] == "1 of 2 checks failed"
    assert outcome.summary["plays"][2]["reason"] == "not started: the play 'Two' failed"
    text = plays.run("apply", "prod", "--yes", code=1).stdout
    assert "✘ it does not" in text
    assert "Plays: 1 done, 1 failed, 1 not started." in text

    plays.system("two")
    assert states(plays.apply()) == [("One", "done"), ("Two", "done"), ("Three", "done")]


def test_the_exit_code_is_that_of_the_first_play_that_fails(plays: Plays) -> None:
    # The second apply waits for another verdict for as long as a probe may take.
    plays.system("one", healthcheck={"test": ["CMD", "false"], "interval": "0.1s", "timeout": "4s", "retries": 1})
    plays.system("two", checks=(BAD,))
    alone = plays.run("apply", "one/prod", "--yes", "--json", code=1)
    outcome = plays.apply(code=alone.code)
    assert states(outcome) == [("One", "failed"), ("Two", "not_started"), ("Three", "not_started")]
    assert "wait failed" in outcome.summary["plays"][0]["reason"]


def test_plays_beside_each_other_do_not_wait(plays: Plays) -> None:
    plays.system("one", checks=(BAD,))
    outcome = plays.apply("--parallel-plays", code=1)
    assert states(outcome) == [("One", "failed"), ("Two", "done"), ("Three", "done")]


def test_some_plays_of_a_list(plays: Plays) -> None:
    assert states(plays.apply("--limit", "three,One")) == [("One", "done"), ("Three", "done")]
    assert states(plays.apply("--tags", "two")) == [("Two", "done")]
    # What one play gives to its playbook is a change of that play alone.
    plays.list(*NAMES, two={"vars": {"COLOR": "red"}})
    plan = plays.json("plan", "prod")
    assert [len(play["changes"]) for play in plan["plays"]] == [0, 1, 0]
    plays.run("apply", "prod", "--yes", "--limit", "two", "--target", "service.web")
    refused = plays.run("apply", "prod", "--yes", "--target", "service.web", code=64)
    assert "--limit PLAY: 'One', 'Two', 'Three'" in refused.stderr or "One, Two, Three" in refused.stderr
    assert plays.run("exec", "prod", "web", "true", code=64).stderr.count("--limit") == 1
    plays.run("exec", "--limit", "two", "prod", "web", "true")
    assert "one environment at a time" in plays.run("rollback", "prod", "--yes", code=64).stderr


def test_what_can_not_be_is_told_before_anything_is_touched(plays: Plays) -> None:
    plays.system("one", ports=["127.0.0.1:18099:80"])
    plays.system("three", ports=["127.0.0.1:18099:81"])
    refused = plays.run("apply", "prod", "--yes", code=65)
    assert "host port 127.0.0.1:18099/tcp is also published by service 'web' of the play 'One', at" in refused.stderr
    assert "playbooks/three/prod.yml:" in refused.stderr
    assert "playbooks/one/prod.yml:" in refused.stderr
    assert plays.running() == []


def test_a_network_that_an_earlier_play_makes(plays: Plays) -> None:
    shared = f"{plays.project('one')}-shared"
    for name, network in (("one", {"internal": True}), ("two", {"external": True})):
        declared = {"networks": {"quiet": {"name": shared, **network}}}
        plays.system(name, more=declared, networks={"quiet": {}})
    text = plays.run("plan", "prod").stdout
    assert f"the network {shared} is made by the play 'One' before" in text
    assert states(plays.apply("--limit", "one,two")) == [("One", "done"), ("Two", "done")]
    assert [play["changed"] for play in plays.apply("--limit", "one,two").summary["plays"]] == [0, 0]
    # The one that uses it goes first, so nobody is left on it.
    plays.run("destroy", "prod", "--yes", "--limit", "one,two")
    assert plays.running() == []

    plays.list("two", "one")
    refused = plays.run("plan", "prod", code=1).stdout
    assert "is made by the play 'One', which comes later" in refused


def test_an_image_that_an_earlier_play_pulls(plays: Plays, unused_port: int) -> None:
    reference = f"{registry(plays.environment, unused_port)}/{plays.environment.project}-web:1"
    pushed(plays.environment, reference, "shown")
    for name in ("one", "two"):
        plays.system(name, image=reference, network_mode="none")
    assert states(plays.apply("--limit", "one,two")) == [("One", "done"), ("Two", "done")]
    assert [play["changed"] for play in plays.apply("--limit", "one,two").summary["plays"]] == [0, 0]


def test_a_port_passes_to_a_later_play(plays: Plays) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        published = {"ports": [f"127.0.0.1:{probe.getsockname()[1]}:80"]}
    plays.list("one", "two")
    plays.system("one", **published)
    plays.apply()
    plays.system("one")
    plays.system("two", **published)
    assert states(plays.apply()) == [("One", "done"), ("Two", "done")]
    # The other way it can not be: the later one lets go of it when the earlier one has begun.
    plays.system("one", **published)
    plays.system("two")
    refused = plays.run("plan", "prod", code=1).stdout
    assert f"is held by container {plays.project('two')}-prod-web-1 of the environment" in refused


def test_a_saved_plan_is_of_all_plays_or_of_none(plays: Plays) -> None:
    plays.apply("--limit", "one")
    plays.run("plan", "prod", "-o", "prod.plan")
    plays.list(*NAMES, three={"vars": {"COLOR": "red"}})
    stale = plays.run("apply", "prod.plan", "--yes", code=76)
    assert "play 'Three': the playbook: services changed" in stale.stderr
    assert plays.running() == ["one"]
    plays.list("one", "three")
    assert (
        "the plays were One, Two, Three, and are One, Three" in plays.run("apply", "prod.plan", "--yes", code=76).stderr
    )
    plays.list(*NAMES)
    outcome = plays.run("apply", "prod.plan", "--yes", "--json")
    assert states(outcome) == [("One", "done"), ("Two", "done"), ("Three", "done")]
    assert "is stale" in plays.run("apply", "prod.plan", "--yes", code=76).stderr


def test_what_was_approved_of_a_list_is_done_and_nothing_else(plays: Plays) -> None:
    digest = plays.json("plan", "prod")["digest"]
    plays.system("three", network_mode="none", hostname="other")
    stale = plays.run("apply", "prod", "--digest", digest, code=76)
    assert "the playbook, or what it reads" in stale.stderr
    plays.run("apply", "prod", "--digest", plays.json("plan", "prod")["digest"])
    assert plays.json("plan", "prod")["summary"]["create"] == 0


def test_a_runbook_of_a_list_has_commands_that_work(plays: Plays) -> None:
    page = plays.run("runbook", "prod").stdout
    commands = [line.split() for line in page.splitlines() if line.startswith("provision apply")]
    assert [words[2:5] for words in commands] == [["prod", "--limit", name.title()] for name in NAMES]
    for words in commands:
        assert "changed=1 " in plays.run(*words[1:]).stdout.splitlines()[-1]
    only = plays.run("runbook", "prod", "--limit", "Two").stdout
    assert only.count("# Deploy ") == 1
    assert "No changes." in only
