"""A stack of `docker stack deploy` becomes an environment's without a restarted task.

The bodies are those that Docker's client 28.2 sends for the stack below.
"""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.swarm.environment import SwarmEnvironment

pytestmark = [pytest.mark.engine, pytest.mark.timeout(400)]


def stack(environment: SwarmEnvironment, value: str = "1") -> dict[str, Any]:
    (environment.folder / "page.html").write_text("hello")
    (environment.folder / "token.txt").write_text("s3")
    return {
        "services": {
            "web": {
                "image": "busybox:1.36", "command": ["sleep", "infinity"], "stop_signal": "SIGKILL",
                "networks": {"back": {"aliases": ["www"]}}, "environment": {"A": value}, "labels": {"c": "d"},
                "configs": [{"source": "page", "target": "/page.html"}], "secrets": ["token"],
                "volumes": ["data:/data"],
                "deploy": {"replicas": 2, "labels": {"a": "b"}, "endpoint_mode": "dnsrr",
                           "resources": {"limits": {"memory": "64M"}}},
            }
        },
        "networks": {"back": {}},
        "volumes": {"data": {"labels": {"v": "w"}}},
        "configs": {"page": {"file": "./page.html"}},
        "secrets": {"token": {"file": "./token.txt"}},
    }  # fmt: skip


def deploy(environment: SwarmEnvironment) -> str:
    """Make the stack as Docker's client makes it; the id of its service."""
    api, name = environment.engine.api, environment.project
    labels = {"com.docker.stack.namespace": name}
    network = api._post_json(
        api._url("/networks/create"),
        {"Name": f"{name}_back", "Driver": "overlay", "Labels": labels, "IPAM": {"Driver": "default"}},
    ).json()["Id"]
    made = {}
    for kind, key, data in (("secrets", "token", b"s3"), ("configs", "page", b"hello")):
        body = {"Name": f"{name}_{key}", "Labels": labels, "Data": base64.b64encode(data).decode()}
        made[kind] = api._post_json(api._url(f"/{kind}/create"), body).json()["ID"]
    spec = {
        "Name": f"{name}_web",
        "Labels": {**labels, "com.docker.stack.image": "busybox:1.36", "a": "b"},
        "TaskTemplate": {
            "ContainerSpec": {
                "Image": "busybox:1.36", "Labels": {**labels, "c": "d"}, "Args": ["sleep", "infinity"],
                "Env": ["A=1"], "StopSignal": "SIGKILL", "Privileges": {}, "Isolation": "default",
                "Mounts": [{"Type": "volume", "Source": f"{name}_data", "Target": "/data",
                            "VolumeOptions": {"Labels": {**labels, "v": "w"}}}],
                "Secrets": [{"File": {"Name": "token", "UID": "0", "GID": "0", "Mode": 292},
                             "SecretID": made["secrets"], "SecretName": f"{name}_token"}],
                "Configs": [{"File": {"Name": "/page.html", "UID": "0", "GID": "0", "Mode": 292},
                             "ConfigID": made["configs"], "ConfigName": f"{name}_page"}],
            },
            "Resources": {"Limits": {"MemoryBytes": 64 * 2**20}},
            "Placement": {"Platforms": [{"Architecture": "amd64", "OS": "linux"}]},
            "Networks": [{"Target": network, "Aliases": ["web", "www"]}],
            "ForceUpdate": 0,
        },
        "Mode": {"Replicated": {"Replicas": 2}},
        "EndpointSpec": {"Mode": "dnsrr"},
    }  # fmt: skip
    identity: str = api._post_json(api._url("/services/create"), spec).json()["ID"]
    return identity


def running(environment: SwarmEnvironment) -> set[str]:
    return {task["ID"] for task in environment.tasks("web")}


def test_a_stack_is_adopted_without_a_restarted_task(environment: SwarmEnvironment) -> None:
    environment.write(stack(environment))
    deploy(environment)
    deadline = time.monotonic() + 60
    while len(running(environment)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    before = running(environment)
    refused = environment.run("plan")
    assert refused.code == 1
    assert "belong to the stack" in refused.stdout
    assert "`provision adopt` takes them over as they are" in refused.stdout

    adopted = environment.run("adopt", "--yes", "--json")
    assert adopted.code == 0, adopted
    told = json.loads(adopted.stdout)
    assert {one["verdict"] for one in told["objects"]} == {"adopt"}, told
    plan = environment.plan()
    assert plan["changes"] == []
    assert environment.apply().summary["changed"] == 0
    assert running(environment) == before
    assert environment.service("web")["Spec"]["Labels"]["com.docker.stack.namespace"] == environment.project

    environment.write(stack(environment, "2"))
    environment.apply()
    assert environment.plan()["changes"] == []
    assert environment.run("rollback", "--yes").code == 0
    environment.write(stack(environment))
    assert environment.plan()["changes"] == []
    kept = running(environment)
    released = environment.run("adopt", "--release", "--yes")
    assert released.code == 0, released
    assert environment.run("plan").code == 1
    assert running(environment) == kept
    again = environment.run("adopt", "--yes")
    assert again.code == 0, again
    assert environment.plan()["changes"] == []
    assert running(environment) == kept
    environment.destroy("--volumes")
