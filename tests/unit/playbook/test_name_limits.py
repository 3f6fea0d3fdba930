"""Names that are too long for an engine are found in the plan."""

from __future__ import annotations

import pytest

from provisioner.platforms.name_limits import ON_ENGINE, ON_SWARM, file_volume_problems, name_problems


def found(bound, mode, **root):
    playbook = bound(**root)
    problems = name_problems(playbook, ON_SWARM)
    if mode == "containers":
        problems = [*name_problems(playbook, ON_ENGINE), *file_volume_problems(playbook)]
    return [(problem.path, problem.message) for _, problem in problems]


@pytest.mark.parametrize(
    ("section", "length", "mode", "refused"),
    [
        ("networks", 63, "swarm", False), ("networks", 64, "swarm", True), ("networks", 200, "containers", False),
        ("volumes", 255, "swarm", False), ("volumes", 256, "swarm", True), ("volumes", 256, "containers", True),
        ("volumes", 255, "containers", False),
    ],
)  # fmt: skip
def test_each_kind_has_its_limit(bound, section, length, mode, refused):
    problems = found(bound, mode, services={"a": {"image": "a:1"}}, **{section: {"x": {"name": "n" * length}}})
    assert [path for path, _ in problems] == ([f"{section}.x"] if refused else [])
    assert not refused or f"has {length} characters" in problems[0][1]


def test_the_implied_name_counts(bound):
    key = "a-network-with-a-name-that-goes-on-and-on-and-does-not-end-soon"
    problems = found(bound, "swarm", services={"a": {"image": "a:1"}}, networks={key: {}})
    assert problems[0][1].startswith(f"its name on the engine, shop-prod_{key}, has")


def test_own_configs_and_secrets_of_a_swarm_are_shortened_and_external_ones_are_not(bound):
    services = {"a": {"image": "a:1"}}
    long = {"name": "n" * 65}
    own = found(bound, "swarm", services=services, secrets={"x": {**long, "file": "x"}})
    assert own == []
    external = found(bound, "swarm", services=services, secrets={"x": {**long, "external": True}})
    assert [path for path, _ in external] == ["secrets.x"]


def test_the_volume_with_a_services_files_has_a_name_too(bound):
    name = "s" * 240
    services = {name: {"image": "a:1", "secrets": [{"source": "x"}]}}
    assert found(bound, "containers", services=services, secrets={"x": {"file": "x"}})
    assert found(bound, "swarm", services=services, secrets={"x": {"file": "x"}}) == []
