"""The same on a Swarm: byte for byte, nowhere else; rotated, rolled back, taken from AWS without reading it again."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import docker
import pytest

from tests.contract.secret_sources.aws_server import Answer, entry, faulty_server
from tests.engine.environment import QUICK
from tests.secrets.canaries import all_kinds, canary
from tests.secrets.conftest import Guarded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.engine_in_container import Engines

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(400)]

LOCAL = ("one", "large", "lines", "dollars", "unicode")
SETTINGS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example", "AWS_DEFAULT_REGION": "eu-west-1"}


@pytest.fixture(params=["20.10", "28.5"])
def swarm(request: pytest.FixtureRequest, engines: Engines, project: str, tmp_path: Path) -> Iterator[Guarded]:
    """An environment on a Swarm of one node that `provision engine init` made."""
    nested = engines.start(request.param)
    folder = tmp_path / "project"
    folder.mkdir()
    with contextlib.closing(docker.DockerClient(base_url=nested.url, timeout=60)) as client:
        made = Guarded(folder, project, client, nested.url, canaries=all_kinds())
        made.write("services: {}\n")
        for said in ("is now the manager", "is a Swarm manager already"):
            assert said in made.provision("engine", "init").stdout
        yield made


def service(**more: Any) -> dict[str, Any]:
    return {**QUICK, "deploy": {"endpoint_mode": "dnsrr"}, **more}


def task(guarded: Guarded, name: str) -> Any:
    """The container of a service's running task."""
    label = f"com.docker.swarm.service.name={guarded.project}_{name}"
    return guarded.engine.containers.list(filters={"label": label, "status": "running"})[0]


def read(guarded: Guarded, name: str, path: str) -> bytes:
    """A file as the service's process sees it; the engine's archives do not see a task's secrets."""
    ended = task(guarded, name).exec_run(["cat", path])
    assert ended.exit_code == 0, ended
    content: bytes = ended.output
    return content


def held(guarded: Guarded, key: str) -> set[str]:
    """The names of the versions of a secret that the Swarm has."""
    names = {one["Spec"]["Name"] for one in guarded.engine.api.secrets()}
    return {name for name in names if name.startswith(f"{guarded.project}_{key}.")}


def test_values_arrive_rotate_and_roll_back_and_appear_nowhere_else(swarm: Guarded) -> None:
    swarm.keep(*LOCAL)
    file = swarm.keep_file("binary")
    declared: dict[str, Any] = {name: {} for name in LOCAL} | {"binary": {"file": str(file)}}
    web = service(secrets=[*LOCAL, {"source": "binary", "target": "/etc/keys/binary", "uid": "1000", "mode": "0400"}])
    playbook = {"engine": {"mode": "swarm"}, "services": {"web": web}, "secrets": declared}
    swarm.write(playbook)
    with swarm.watched() as processes:
        swarm.provision("apply", "--yes", "-v")
    assert processes.found == set()
    for name in LOCAL:
        assert read(swarm, "web", f"/run/secrets/{name}") == swarm.canaries[name].value, name
    assert read(swarm, "web", "/etc/keys/binary") == swarm.canaries["binary"].value
    assert task(swarm, "web").exec_run(["stat", "-c", "%u %a", "/etc/keys/binary"]).output == b"1000 400\n"

    first = held(swarm, "dollars")
    new = canary("dollars", "$new ")
    swarm.canaries["new"] = new
    swarm.provision("secrets", "rotate", "dollars", "-", "--yes", "-v", stdin=new.value)
    assert read(swarm, "web", "/run/secrets/dollars") == new.value
    assert held(swarm, "dollars") > first, "the earlier version stays for a rollback"

    # The value of the first revision is nowhere but on the Swarm.
    swarm.provision("rollback", "1", "--yes", "-v")
    assert read(swarm, "web", "/run/secrets/dollars") == swarm.canaries["dollars"].value
    for arguments in (("history", "-v"), ("show", "3", "-v"), ("drift",), ("secrets", "list"), ("status", "-v")):
        swarm.provision(*arguments)
    for _ in range(3):
        swarm.provision("secrets", "rotate", "dollars", "-", "--yes", "-q", stdin=canary("x").value)
    assert len(held(swarm, "dollars")) <= 3, "what nothing refers to is collected"
    swarm.require_silence()
    swarm.provision("destroy", "--yes", "--verbose")
    assert swarm.engine.api.secrets() == []


def test_an_unchanged_version_of_aws_is_not_read_again(swarm: Guarded) -> None:
    version = {"now": "v" * 32}

    def answer(operation: str, request: dict[str, Any]) -> Answer:
        if operation == "DescribeSecret":
            return Answer({"Name": "shop/token", "VersionIdsToStages": {version["now"]: ["AWSCURRENT"]}})
        text = swarm.canaries["dollars" if version["now"][0] == "v" else "unicode"].text
        return Answer({"SecretValues": [entry("shop/token", text, version["now"])], "Errors": []})

    swarm.write({
        "engine": {"mode": "swarm"},
        "services": {"web": service(secrets=["token"])},
        "secrets": {"token": {"aws": "shop/token", "sources": ["aws"]}},
    })  # fmt: skip
    with faulty_server(answer) as server:
        variables = {**SETTINGS, "AWS_ENDPOINT_URL_SECRETS_MANAGER": server.url}
        swarm.provision("apply", "--yes", "-v", **variables)
        assert read(swarm, "web", "/run/secrets/token") == swarm.canaries["dollars"].value
        server.asked.clear()
        plan = json.loads(swarm.provision("plan", "--json", **variables).stdout)
        assert plan["changes"] == []
        assert server.operations == ["DescribeSecret"]
        version["now"] = "w" * 32
        swarm.provision("apply", "--yes", "-v", **variables)
        assert read(swarm, "web", "/run/secrets/token") == swarm.canaries["unicode"].value
    labels = {json.dumps(one["Spec"]["Labels"]) for one in swarm.engine.api.secrets()}
    assert any('"provisioner.source": "aws:' + "w" * 32 in text for text in labels)
    swarm.require_silence()


def test_local_values_are_copied_to_the_swarm_and_used_from_there(swarm: Guarded) -> None:
    swarm.keep("dollars")
    swarm.write({
        "engine": {"mode": "swarm"},
        "services": {"web": service(secrets=["dollars"])},
        "secrets": {"dollars": {"sources": ["docker"]}},
    })  # fmt: skip
    assert ".env.local has DOLLARS" in swarm.provision("plan", code=77).stderr
    swarm.provision("secrets", "sync", "--to", "docker", "--yes", "-v")
    again = swarm.provision("secrets", "sync", "--to", "docker", "--yes", "-v")
    assert "there already" in again.stdout
    swarm.provision("secrets", "unset", "dollars")
    swarm.provision("apply", "--yes", "-v")
    assert read(swarm, "web", "/run/secrets/dollars") == swarm.canaries["dollars"].value
    swarm.provision("destroy", "--yes", "-q")
    assert [one["Spec"]["Name"] for one in swarm.engine.api.secrets()] == [f"{swarm.project}_dollars"]
    swarm.keep("dollars")
    other = swarm.folder / ".env.local"
    other.write_text("DOLLARS=another-value\n")
    assert "another value" in swarm.provision("secrets", "sync", "--to", "docker", "--yes", code=77).stderr
    swarm.require_silence()


def test_where_no_node_can_run_a_service_the_plan_says_so_before_anything_is_touched(swarm: Guarded) -> None:
    placed = service(deploy={"placement": {"constraints": ["node.labels.disk == ssd"]}})
    swarm.write({"engine": {"mode": "swarm"}, "services": {"web": placed}})
    said = swarm.provision("apply", "--yes", code=1).stdout
    assert "no node can run it" in said
    assert "node.labels.disk==ssd does not hold" in said
    assert "this kernel has not" in swarm.provision("plan", code=1).stdout or "IPVS" not in said
    assert swarm.engine.api.services() == []
    node = swarm.engine.api.nodes()[0]
    swarm.engine.api.update_node(node["ID"], node["Version"]["Index"], {**node["Spec"], "Labels": {"disk": "SSD"}})
    swarm.provision("apply", "--yes", "-q")
