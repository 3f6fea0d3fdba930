"""docs/permissions.md says all that commands ask of an engine: enough for a proxy that lets nothing else through."""

from __future__ import annotations

import contextlib
import os

import click
import docker
import pytest

from provisioner.cli.main import program
from tests.command_line import carry_out
from tests.docs.permissions import CONTAINERS, PAGE, STORY, SWARM, documented, recorded, request_of, switches
from tests.recording_proxy import RecordingProxy

PLAYBOOK = """\
name: {project}
services:
  web: {{image: "busybox:1.36", command: [sleep, infinity], stop_signal: SIGKILL, volumes: ["data:/data"]}}
volumes: {{data: }}
"""
EVERYDAY = ["plan", "apply --yes", "apply --yes", "status", "destroy --volumes --yes"]


def test_every_command_is_on_the_page():
    text = PAGE.read_text(encoding="utf-8")
    main = program()
    assert [name for name in main.list_commands(click.Context(main)) if f"`{name}" not in text] == []


def test_who_only_looks_needs_no_post():
    for mode in (CONTAINERS, SWARM):
        needs = {command: switches(requests) for command, requests in documented()[mode].items()}
        looking = ("plan", "status", "drift", "why", "history", "show", "diff", "logs", "ps", "images", "volumes", "ls")
        assert [command for command in looking if "POST" in needs[command]] == []
        assert "POST" in needs["apply"]


@pytest.mark.engine
def test_what_is_asked_every_day_is_on_the_page(engine_url, tmp_path, project):
    assert missing(recorded(engine_url, tmp_path, project, EVERYDAY), CONTAINERS) == {}


@pytest.mark.engine
@pytest.mark.whole
@pytest.mark.timeout(900)
def test_what_is_asked_is_on_the_page(engine_url, tmp_path, project):
    found = recorded(engine_url, tmp_path, project, STORY.splitlines())
    assert missing(found, CONTAINERS) == {}


@pytest.mark.engine
@pytest.mark.whole
@pytest.mark.timeout(900)
def test_what_is_asked_of_a_swarm_is_on_the_page(engines, tmp_path, project):
    machine = engines.start("28.5")
    with contextlib.closing(docker.DockerClient(base_url=machine.url)) as client:
        client.swarm.init(advertise_addr=machine.address)
    found = recorded(machine.url, tmp_path, project, STORY.splitlines(), swarm=True)
    assert missing(found, SWARM) == {}


@pytest.mark.engine
def test_with_what_a_plan_needs_a_plan_works_and_an_apply_is_refused(engine, engine_url, tmp_path, project):
    engine.images.pull("busybox:1.36")
    (tmp_path / "compose.yaml").write_text(PLAYBOOK.format(project=project))
    allowed = documented()[CONTAINERS]["plan"]
    with contextlib.closing(RecordingProxy(engine_url)) as proxy:
        proxy.fail(
            1, "refuse", where=lambda request: request_of(request.method, request.path) not in allowed, times=10**6
        )
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "DOCKER_HOST": proxy.url}
        plan = carry_out(["plan"], folder=tmp_path, environment=environment)
        assert plan.code == 0, plan.stderr
        assert "service.web" in plan.stdout
        assert [str(request) for request in proxy.requests if request.fault] == []
        apply = carry_out(["apply", "--yes"], folder=tmp_path, environment=environment)
        assert apply.code == 1
        assert "a proxy before the engine does not let POST /" in apply.stderr
        assert "docs/permissions.md" in apply.stderr
        assert "<html>" not in apply.stderr
    assert engine.containers.list(all=True, filters={"name": project}) == []


def missing(found, mode):
    """What was asked and is not on the page, by command."""
    said = documented()[mode]
    wrong = {command: sorted(map(str, asked - said.get(command, set()))) for command, asked in found.items()}
    return {command: asked for command, asked in wrong.items() if asked}
