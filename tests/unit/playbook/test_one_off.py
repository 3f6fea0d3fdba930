"""A service as it runs once: what the command line says over it, and what it leaves to the service's own containers."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.errors import UsageError
from provisioner.model.node import from_plain
from provisioner.model.playbook import Dependency, EngineChoice, Playbook, Service
from provisioner.model.span import Span
from provisioner.playbook.one_off import OneOff, with_one_off

PLACE = Span("compose.yaml")


def once(body: dict[str, Any], **run: Any) -> Any:
    service = Service("web", from_plain(body, PLACE), (Dependency("db"),), 3, image="x")
    playbook = Playbook(
        "p", None, "p", "/p", (), from_plain({}, PLACE), EngineChoice(), {"web": service}, {}, {}, {}, {}
    )  # fmt: skip
    changed = with_one_off(playbook, OneOff("web", **run), directory="/here", home="/home").services["web"]
    assert (changed.replicas, changed.depends_on, changed.job) == (1, (), "always")
    return changed.body.plain()


def test_what_one_container_alone_can_have_is_left_to_the_service() -> None:
    body = {
        "image": "x", "container_name": "mine", "restart": "always", "ports": [{"target": 80, "published": "80"}],
        "networks": {"n": {"ipv4_address": "10.0.0.5", "aliases": ["a"], "priority": 3}},
        "deploy": {"replicas": 3, "mode": "global", "placement": {"constraints": ["node.role==manager"]}},
        "depends_on": {"db": {"condition": "service_started"}}, "pre_start": [{"command": ["x"]}],
        "command": ["serve"],
    }  # fmt: skip
    assert once(body) == {
        "image": "x",
        "networks": {"n": {"priority": 3}},
        "deploy": {"placement": {"constraints": ["node.role==manager"]}},
        "command": ["serve"],
        "tty": False,
        "stdin_open": False,
    }
    kept = once(body, service_ports=True, use_aliases=True)
    assert kept["ports"] == body["ports"]
    assert kept["networks"] == {"n": {"aliases": ["a"], "priority": 3}}


def test_what_the_command_line_says_stands_over_it() -> None:
    body = {
        "image": "x",
        "command": ["serve"],
        "entrypoint": ["init"],
        "environment": {"A": "1", "B": "2"},
        "user": "1",
    }
    found = once(
        body, command=("a", "b c"), environment={"B": "3", "C": "x=y"}, user="2", working_dir="/w", tty=True,
        stdin=True, mounts=("./x:/x:ro", "data:/d"), ports=("127.0.0.1:8080:80",), cap_add=("NET_ADMIN",),
        labels={"l": "m"},
    )  # fmt: skip
    assert found["command"] == ["a", "b c"]
    assert found["entrypoint"] == ["init"]
    assert found["environment"] == {"A": "1", "B": "3", "C": "x=y"}
    assert (found["user"], found["working_dir"], found["tty"], found["stdin_open"]) == ("2", "/w", True, True)
    assert [(mount["type"], mount["source"], mount["target"]) for mount in found["volumes"]] == [
        ("bind", "/here/x", "/x"), ("volume", "data", "/d"),
    ]  # fmt: skip
    assert [(port["host_ip"], port["published"], port["target"]) for port in found["ports"]] == [
        ("127.0.0.1", "8080", 80)
    ]
    assert found["cap_add"] == ["NET_ADMIN"]
    assert found["labels"] == {"l": "m"}


def test_another_entrypoint_takes_the_command_with_it() -> None:
    body = {"image": "x", "command": ["serve"], "entrypoint": ["init"]}
    found = once(body, entrypoint=("sh",))
    assert found["entrypoint"] == ["sh"]
    assert "command" not in found
    assert once(body, entrypoint=())["entrypoint"] == [""]


@pytest.mark.parametrize("wrong", [{"mounts": ("data:/x:ro:more",)}, {"ports": ("x:y",)}])
def test_what_is_wrong_is_said(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        once({"image": "x"}, **wrong)
