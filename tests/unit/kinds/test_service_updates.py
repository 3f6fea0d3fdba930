"""An update of a Swarm service changes the parts of its spec in which something differs, and no others."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from provisioner.kinds import service as parts
from provisioner.kinds.swarm_fields import FIELDS


def live() -> dict[str, Any]:
    return {
        "Name": "shop_web",
        "Labels": {parts.FORM_LABEL: '{"placement.platforms": ["linux/amd64"], "update_config.monitor": "0s"}'},
        "TaskTemplate": {
            "ContainerSpec": {
                "Image": "app:1@sha256:1",
                "Labels": {"com.docker.stack.namespace": "shop"},
                "Privileges": {"CredentialSpec": None, "SELinuxContext": {"Disable": True}, "NoNewPrivileges": True},
                "Env": ["A=1"],
            },
            "Placement": {"Platforms": [{"OS": "linux", "Architecture": "amd64"}]},
            "Runtime": "container",
            "ForceUpdate": 2,
        },
        "Mode": {"Replicated": {"Replicas": 3}},
        "UpdateConfig": {"Parallelism": 1},
        "EndpointSpec": {"Mode": "vip", "Ports": [{"TargetPort": 80}, {"TargetPort": 8}]},
    }


def own() -> dict[str, Any]:
    return {
        "Name": "shop_web",
        "Labels": {"provisioner.pinned": "app:1"},
        "TaskTemplate": {
            "ContainerSpec": {"Image": "app:1", "Labels": {}, "Env": ["A=2"]},
            "Placement": {"Constraints": ["node.role==worker"]},
            "ForceUpdate": 2,
        },
        "Mode": {"Replicated": {"Replicas": 4}},
        "UpdateConfig": {"Parallelism": 2},
        "RollbackConfig": {"Parallelism": 2},
        "EndpointSpec": {"Mode": "vip", "Ports": [{"TargetPort": 8}, {"TargetPort": 80}]},
    }


def kept(*paths: str) -> dict[str, Any]:
    body, before = own(), live()
    parts.keep(body, before, {parts.part_of(path) for path in paths})
    assert before == live(), "what was read stays as it was read"
    return body


@pytest.mark.parametrize("path", ["replicas", "deploy.labels.a"])
def test_what_differs_outside_of_the_task_leaves_the_task_as_it_is(path: str) -> None:
    body = kept(path)
    assert body["Mode"]["Replicated"]["Replicas"] == 4
    for part in ("TaskTemplate", "EndpointSpec", "UpdateConfig"):
        assert body[part] == live()[part]
    assert "RollbackConfig" not in body
    assert body["Labels"] == {"provisioner.pinned": "app:1@sha256:1", **live()["Labels"]}


def test_a_policy_that_differs_is_sent_and_no_longer_what_the_other_tool_gave() -> None:
    body = kept("update_config.parallelism")
    assert (body["UpdateConfig"], body["TaskTemplate"]) == (own()["UpdateConfig"], live()["TaskTemplate"])
    assert body["Labels"][parts.FORM_LABEL] == '{"placement.platforms": ["linux/amd64"]}'


def test_a_placement_that_differs_is_all_that_changes_in_the_task() -> None:
    body = kept("placement.constraints")
    assert body["TaskTemplate"] == live()["TaskTemplate"] | {"Placement": own()["TaskTemplate"]["Placement"]}
    assert body["Labels"][parts.FORM_LABEL] == '{"update_config.monitor": "0s"}'


def test_ports_that_differ_are_sent_and_the_task_stays() -> None:
    body = kept("ports.80/tcp")
    assert (body["EndpointSpec"], body["TaskTemplate"]) == (own()["EndpointSpec"], live()["TaskTemplate"])


@pytest.mark.parametrize("path", ["environment.A", "state", "labels.c"])
def test_a_task_that_differs_is_our_own_but_for_what_no_file_can_say(path: str) -> None:
    body, expected = kept(path, "replicas"), copy.deepcopy(own())
    expected["TaskTemplate"]["Runtime"] = "container"
    expected["TaskTemplate"]["ContainerSpec"]["Privileges"] = {"SELinuxContext": {"Disable": True}}
    assert body == expected


def test_every_field_is_in_a_part_that_is_sent() -> None:
    known = {parts.TASK, parts.PLACEMENT, parts.ENDPOINT, "UpdateConfig", "RollbackConfig", "Mode", "Labels"}
    assert {parts.part_of(field.key) for field in FIELDS} == known
