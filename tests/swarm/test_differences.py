"""Each change, in the file or by hand on the Swarm, is one difference with its field, and one apply mends it."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.swarm.environment import FOLLOW, QUICK, SwarmEnvironment, paths, service

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.engine

TASK = "TaskTemplate"
DEPLOY = QUICK["deploy"]
# A busy machine's engine loses a task now and then as it starts it (exit code 137): an update gets over that.
UPDATE = {**DEPLOY["update_config"], "max_failure_ratio": 1}


@dataclass(frozen=True)
class Case:
    """What is done to a service `key` of its own, and the one difference that it is. Without `field` it is gone.

    `tasks`: whether its tasks are replaced by the mending.
    """

    key: str
    field: str
    change: Callable[[Any], object]
    tasks: bool = True


def base(keys: list[str]) -> dict[str, Any]:
    """A service for each case, and one that nobody touches."""
    return {
        "services": {key: service(
            environment={"COLOUR": "blue", "SHAPE": "round"},
            labels={"team": "red"},
            volumes=["data:/data"],
            configs=[{"source": "greeting", "target": "/greeting"}],
            deploy={"labels": {"tier": "front"}, "update_config": UPDATE},
        ) for key in [*keys, "untouched"]},
        "volumes": {"data": {}},
        "configs": {"greeting": {"content": "hello\n"}},
    }  # fmt: skip


def deployed(**more: Any) -> Callable[[Any], object]:
    return lambda one: one.update(deploy={**one["deploy"], **more})


IN_FILE = (
    Case("env-changed", "environment.COLOUR", lambda one: one["environment"].update(COLOUR="green")),
    Case("env-removed", "environment.SHAPE", lambda one: one["environment"].pop("SHAPE")),
    Case("label-removed", "labels.team", lambda one: one.pop("labels")),
    Case("deploy-label", "deploy.labels.tier", deployed(labels={"tier": "back"}), tasks=False),
    Case("port-added", "ports.80/tcp",
         lambda one: one.update(ports=[{"target": 80, "published": 18091, "mode": "host"}])),
    Case("mount-read-only", "volumes./data.read_only", lambda one: one.update(volumes=["data:/data:ro"])),
    Case("mount-added", "volumes./again", lambda one: one["volumes"].append("data:/again")),
    Case("check-added", "healthcheck.test", lambda one: one.update(healthcheck={"test": ["CMD", "true"]})),
    Case("command", "command", lambda one: one.update(command=["sleep", "100000"])),
    Case("replicas", "replicas", deployed(replicas=2), tasks=False),
    Case("update-config", "update_config.parallelism",
         deployed(update_config={**UPDATE, "parallelism": 3}), tasks=False),
    Case("placement", "placement.constraints", deployed(placement={"constraints": ["node.role==manager"]}),
         tasks=False),
    Case("memory", "mem_limit", deployed(resources={"limits": {"memory": "64m"}})),
    Case("file-mode", "configs./greeting.mode", lambda one: one["configs"][0].update(mode=0o400)),
)  # fmt: skip


def by_hand(path: str, value: Any) -> Callable[[Any], object]:
    """What a hand sets in the live spec."""

    def change(spec: dict[str, Any]) -> None:
        *parents, last = path.split("/")
        for part in parents:
            spec = spec.setdefault(part, {})
        spec[last] = value

    return change


BY_HAND = (
    Case("image", "image", by_hand(f"{TASK}/ContainerSpec/Image", "pt-swarm:2")),
    Case("env", "environment.COLOUR", by_hand(f"{TASK}/ContainerSpec/Env", ["COLOUR=red", "SHAPE=round"])),
    Case("scaled", "replicas", by_hand("Mode/Replicated/Replicas", 2), tasks=False),
    Case("arguments", "command", by_hand(f"{TASK}/ContainerSpec/Args", ["sleep", "1000000"])),
    Case("label", "deploy.labels.tier", lambda spec: spec["Labels"].pop("tier"), tasks=False),
    Case("foreign-label", "deploy.labels.other", lambda spec: spec["Labels"].update(other="1"), tasks=False),
    Case("limit", "cpus", by_hand(f"{TASK}/Resources/Limits", {"NanoCPUs": 500000000})),
    Case("mount", "volumes./data", by_hand(f"{TASK}/ContainerSpec/Mounts", [])),
    Case("policy", "update_config.failure_action", by_hand("UpdateConfig/FailureAction", "continue"), tasks=False),
    Case("config", "configs./greeting", by_hand(f"{TASK}/ContainerSpec/Configs", [])),
    Case("network", "networks.default", by_hand(f"{TASK}/Networks", [])),
)  # fmt: skip


def test_changes_in_the_file(environment: SwarmEnvironment) -> None:
    playbook = base([case.key for case in IN_FILE])
    environment.write(playbook)
    environment.apply()
    before = _tasks(environment)
    altered = copy.deepcopy(playbook)
    for case in IN_FILE:
        case.change(altered["services"][case.key])
    environment.write(altered)
    _require_mended(environment, IN_FILE, before, drift=False)


def test_changes_by_hand(environment: SwarmEnvironment) -> None:
    environment.write(base([case.key for case in BY_HAND] + ["removed"]))
    environment.apply()
    before = _tasks(environment)
    for case in BY_HAND:
        environment.update_by_hand(case.key, case.change)
    environment.engine.api.remove_service(f"{environment.project}_removed")
    environment.wait_until(lambda: all(not environment.unsettled(case.key) for case in BY_HAND))
    _require_mended(environment, (*BY_HAND, Case("removed", "state", print)), before, drift=True)


def _require_mended(
    environment: SwarmEnvironment, cases: tuple[Case, ...], before: dict[str, set[str]], *, drift: bool
) -> None:
    looked = environment.run("plan", "--json", "--detailed-exitcode")
    assert looked.code == 2, looked
    plan = json.loads(looked.stdout)
    assert paths(plan) == {f"service.{case.key}": [case.field] for case in cases}
    assert {change["drift"] for change in plan["changes"]} == {drift}
    assert environment.apply().summary["changed"] == len(cases)
    after = _tasks(environment)
    assert after["untouched"] == before["untouched"]
    kept = {case.key: before[case.key] <= after[case.key] for case in cases if not case.tasks and not drift}
    assert all(kept.values()), kept
    environment.require_inert()


def _tasks(environment: SwarmEnvironment) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for one in environment.engine.api.services(filters={"label": f"provisioner.environment={environment.project}"}):
        key = one["Spec"]["Name"].removeprefix(f"{environment.project}_")
        found[key] = {task["ID"] for task in environment.tasks(key)}
    return found


# Files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["configs", "secrets"])
def test_changed_content_and_labels_of_a_file(kind: str, environment: SwarmEnvironment) -> None:
    one = kind.removesuffix("s")
    environment.write("first\n", "content.txt")
    web = service(**{kind: [{"source": "content", "target": "/content"}]})
    playbook = {"services": {"web": web}, kind: {"content": {"file": "./content.txt"}}}
    environment.write(playbook)
    environment.apply()
    environment.require_inert()

    environment.write("second\n", "content.txt")
    plan = environment.plan()
    assert paths(plan) == {f"{one}.content": ["version"]}
    assert {change["address"]: change["reason"] for change in plan["changes"]} == {
        f"{one}.content": "version changed",
        "service.web": f"{one}.content is {FOLLOW}",
    }
    environment.apply()
    assert environment.output("web", "cat", "/content") == b"second\n"
    environment.require_inert()

    [first, second] = environment.files(one, "content")
    playbook[kind]["content"]["labels"] = {"team": "red"}
    environment.write(playbook)
    assert paths(environment.plan()) == {f"{one}.content": ["labels.team"]}
    environment.apply()
    environment.require_inert()
    assert environment.files(one, "content") == [first, second]


def test_a_secret_that_is_no_longer_used(environment: SwarmEnvironment) -> None:
    environment.write("first\n", "content.txt")
    web = service(secrets=["content"])
    environment.write({"services": {"web": web}, "secrets": {"content": {"file": "./content.txt"}}})
    environment.apply()
    environment.services(web=service())
    assert paths(environment.plan()) == {"service.web": ["secrets./run/secrets/content"]}
    environment.apply()
    environment.require_inert()
    # The spec before still needs it, so that going back works; with the next change nothing does.
    assert len(environment.files("secret", "content")) == 1
    environment.services(web=service(environment={"COLOUR": "blue"}))
    environment.apply()
    environment.require_inert()
    assert environment.files("secret", "content") == []


# One playbook, both modes ----------------------------------------------------------------------------------------


def test_the_same_addresses_in_both_modes(environment: SwarmEnvironment) -> None:
    environment.write("first\n", "content.txt")
    web = {**QUICK, "secrets": ["content"], "configs": [{"source": "greeting", "target": "/greeting"}]}
    web["deploy"] = {"replicas": 2}
    playbook = {
        "services": {"web": web},
        "secrets": {"content": {"file": "./content.txt"}},
        "configs": {"greeting": {"content": "hello\n"}},
    }
    shapes = {}
    for mode in ("containers", "swarm"):
        environment.write({**playbook, "engine": {"mode": mode}})
        plan = environment.plan()
        shapes[mode] = [(change["address"], change["action"]) for change in plan["changes"]]
        environment.apply()
        environment.require_inert()
        environment.write("second\n", "content.txt")
        plan = environment.plan()
        shapes[mode] += [(change["address"], change["reason"]) for change in plan["changes"]]
        environment.apply()
        environment.require_inert()
        environment.destroy("--volumes", "--history")
        # Nodes take their containers away after the tasks are gone.
        environment.wait_until(lambda: environment.objects() == set())
        environment.write("first\n", "content.txt")
    assert shapes["containers"] == shapes["swarm"]
    assert ("secret.content", "create") in shapes["swarm"]
