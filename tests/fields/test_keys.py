"""Every key of the language is treated by somebody, and what a plain engine can not do is told or refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from provisioner.document import Sources, read
from provisioner.document.attributes import rows
from provisioner.errors import PlaybookInvalid
from provisioner.kinds import container, service
from provisioner.kinds.fields import Ignored, OnSwarm, PartOf, Refused
from provisioner.kinds.keys import KEYS, Treatment, fields_of, key_of, keys_at, on_swarm, since_of, swarm_answer
from provisioner.model.state import Facts
from provisioner.platforms.choice import check
from provisioner.platforms.fitness import RELEASES
from provisioner.playbook.bind import bind

if TYPE_CHECKING:
    from pathlib import Path

    from provisioner.kinds.fields import Field

PATHS = {row.path for row in rows()}
CURRENT = Facts(api_version=(1, 51), engine_version="28.5.2")
OLD = Facts(api_version=(1, 41), engine_version="20.10.24")


def own_keys(section: str) -> set[str]:
    """The keys directly below a place."""
    depth = section.count(".") + 1
    return {path for path in PATHS if path.startswith(f"{section}.") and path.count(".") == depth and path[-1] != "*"}


@pytest.mark.parametrize(
    "section",
    ["services.*", "services.*.deploy", "services.*.deploy.update_config", "services.*.deploy.restart_policy",
     "services.*.deploy.resources.limits", "services.*.deploy.resources.reservations", "networks.*", "volumes.*"],
)  # fmt: skip
def test_every_key_is_treated(section: str) -> None:
    keys = own_keys(section)
    assert keys
    untreated = {path for path in keys if not keys_at(path) and not fields_of(path)}
    parents = key_of(section)
    if parents is not None and parents.how in (Treatment.CLIENT, Treatment.COMPARED) and section.count(".") > 1:
        # What it stands in says it for those that nothing else is said of.
        untreated -= {f"{section}.{key}" for key in _SAID_BY_PARENT.get(section, ())}
    assert untreated == set()


_SAID_BY_PARENT = {
    "services.*.deploy.update_config": ("parallelism", "order"),
    "services.*.deploy.restart_policy": ("condition",),
    "services.*.deploy": (),
}


def test_no_path_is_without_a_word() -> None:
    assert [path for path in sorted(PATHS) if path and key_of(path) is None] == []


def test_nothing_is_said_of_paths_that_are_not() -> None:
    assert [key.path for key in KEYS if key.path not in PATHS] == []


def test_what_is_refused_or_noted_says_why() -> None:
    told = [key for key in KEYS if key.how in (Treatment.REFUSED, Treatment.NOTED)]
    assert told
    assert [key.path for key in told if not key.why] == []
    assert [key.path for key in told if key.how is Treatment.REFUSED and not key.instead] == []


def test_fields_that_keys_name_exist() -> None:
    assert [key.path for key in KEYS if key.fields and len(fields_of(key.path)) != len(key.fields)] == []


def test_versions_have_a_release() -> None:
    assert {since_of(path) for path in PATHS} - {None} <= RELEASES.keys()


def test_swarm_column() -> None:
    words = {on_swarm(path) for path in PATHS if path}
    assert words == {
        "yes", "yes, some values not", "no effect", "refused", "for people", "done by provision",
    }  # fmt: skip


@pytest.mark.parametrize("field", container.FIELDS, ids=lambda field: field.key)
def test_a_swarm_has_a_field_or_says_why_not(field: Field) -> None:
    """What the documents call a yes is compared on Swarm, under its own key or within another field."""
    of_services = {one.key for one in service.FIELDS}
    assert isinstance(field.swarm, OnSwarm) is (field.key in of_services)
    if isinstance(field.swarm, PartOf):
        assert field.swarm.key in of_services
    elif not isinstance(field.swarm, OnSwarm):
        assert isinstance(field.swarm, Refused | Ignored)
        word = "refused" if isinstance(field.swarm, Refused) else "no effect"
        path = f"services.*.{'networks.*.priority' if field.key == 'default_network' else field.key}"
        assert on_swarm(path) == word


@pytest.mark.parametrize("path", sorted(own_keys("services.*")))
def test_swarm_refuses_what_the_table_says(path: str) -> None:
    """The column is held to what the checks for Swarm do with whole service keys."""
    refused = isinstance(swarm_answer(path), Refused) and not any(key.swarm_when for key in keys_at(path))
    assert (on_swarm(path) == "refused") is refused


def bound(folder: Path, service: dict[str, Any], **top: Any) -> Any:
    path = folder / "compose.yaml"
    path.write_text(json.dumps({"name": "keys", "services": {"a": {"image": "a", **service}}, **top}))
    return bind(read(Sources(files=(str(path),), environment={})))


@pytest.mark.parametrize(
    ("service", "where"),
    [
        ({"provider": {"type": "x"}}, "services.a.provider"),
        ({"models": ["m"]}, "services.a.models"),
        ({"credential_spec": {"file": "x"}}, "services.a.credential_spec"),
        ({"isolation": "hyperv"}, "services.a.isolation"),
        ({"cpu_count": 2}, "services.a.cpu_count"),
        ({"cpu_percent": 20}, "services.a.cpu_percent"),
        ({"secrets": [{"source": "s", "uid": "root"}]}, "services.a.secrets.0.uid"),
        ({"volumes": [{"type": "npipe", "source": "x", "target": "/x"}]}, "services.a.volumes.0.type"),
    ],
)
def test_refused(tmp_path: Path, service: dict[str, Any], where: str) -> None:
    playbook = bound(tmp_path, service, models={"m": {"model": "m"}}, secrets={"s": {"file": "s"}})
    with pytest.raises(PlaybookInvalid) as refused:
        check(playbook, "containers", CURRENT)
    (problem,) = refused.value.problems
    assert problem.path == where
    assert problem.span is not None and problem.span.line == 1
    assert problem.hint


def test_a_secret_in_the_environment_is_refused_on_swarm(tmp_path: Path) -> None:
    service = {"environment": {"A": {"secret": "s"}}}
    playbook = bound(tmp_path, service, secrets={"s": {"file": "s", "allow_env": True}})
    assert check(playbook, "containers", CURRENT) == ()
    with pytest.raises(PlaybookInvalid) as refused:
        check(playbook, "swarm", CURRENT)
    (problem,) = refused.value.problems
    assert problem.path == "services.a.environment.A.secret"


@pytest.mark.parametrize(
    ("service", "where"),
    [
        ({"deploy": {"placement": {"constraints": ["node.role == worker"]}}}, "placement"),
        ({"deploy": {"labels": {"a": "b"}}}, "labels"),
        ({"deploy": {"endpoint_mode": "vip"}}, "endpoint_mode"),
        ({"deploy": {"rollback_config": {"parallelism": 1}}}, "rollback_config"),
        ({"deploy": {"restart_policy": {"condition": "any", "max_attempts": 3}}}, "restart_policy.max_attempts"),
        ({"deploy": {"restart_policy": {"condition": "any", "delay": "3s"}}}, "restart_policy.delay"),
        ({"deploy": {"resources": {"reservations": {"cpus": "0.1"}}}}, "resources.reservations.cpus"),
    ],
)
def test_told(tmp_path: Path, service: dict[str, Any], where: str) -> None:
    (note,) = check(bound(tmp_path, service), "containers", CURRENT)
    assert note.path == f"services.a.deploy.{where}"
    assert "has no effect here" in note.message


@pytest.mark.parametrize(
    "service",
    [
        {"isolation": "default", "use_api_socket": False},
        {"deploy": {"endpoint_mode": "dnsrr", "mode": "global"}},
        {"deploy": {"update_config": {"order": "start-first", "parallelism": 2, "failure_action": "pause"}}},
        {"update": {"delay": "10s", "monitor": "5s", "on_failure": "rollback", "max_failure_ratio": 0.5}},
        {"deploy": {"restart_policy": {"condition": "on-failure", "max_attempts": 3}}},
        {"command": [], "entrypoint": ["sh"]},
        {"security_opt": ["seccomp=unconfined", "no-new-privileges:true"]},
        {"security_opt": ["seccomp:./profile.json"]},
        {"volumes": [{"type": "bind", "source": "/a", "target": "/a", "bind": {"recursive": "disabled"}}]},
    ],
)
def test_nothing_to_say(tmp_path: Path, service: dict[str, Any]) -> None:
    assert check(bound(tmp_path, service), "containers", OLD) == ()


@pytest.mark.parametrize(
    ("service", "where", "release"),
    [
        ({"annotations": {"a": "b"}}, "annotations", "24.0 (API 1.43)"),
        (
            {"healthcheck": {"test": "true", "start_period": "9s", "start_interval": "1s"}},
            "healthcheck.start_interval",
            "25.0 (API 1.44)",
        ),
        ({"networks": {"default": {"gw_priority": 3}}}, "networks.default.gw_priority", "28.0 (API 1.48)"),
        ({"volumes": [{"type": "image", "source": "a", "target": "/a"}]}, "volumes.0.type", "28.0 (API 1.48)"),
    ],
)  # fmt: skip
def test_too_old(tmp_path: Path, service: dict[str, Any], where: str, release: str) -> None:
    playbook = bound(tmp_path, service)
    assert check(playbook, "containers", CURRENT) == ()
    with pytest.raises(PlaybookInvalid) as refused:
        check(playbook, "containers", OLD)
    (problem,) = refused.value.problems
    assert problem.path == f"services.a.{where}"
    assert release in problem.message
    assert "20.10.24 (API 1.41)" in problem.message
