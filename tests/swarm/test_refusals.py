"""What a Swarm can not do is refused with its place in the file before anything is touched; what it ignores is told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from provisioner.app.configs import config_contents
from provisioner.app.load import load_playbook
from provisioner.app.platform import platform_of
from provisioner.app.request import Request
from provisioner.document.attributes import rows
from provisioner.errors import PlaybookInvalid
from provisioner.kinds.fields import Ignored, Refused
from provisioner.kinds.keys import keys_at, swarm_answer
from provisioner.model.state import Facts
from provisioner.platforms.choice import check

if TYPE_CHECKING:
    from pathlib import Path

    from provisioner.model.span import Problem
    from tests.swarm.environment import SwarmEnvironment

OLD, NEW = (1, 41), (1, 52)
ANSWERS = {
    row.path.removeprefix("services.*."): swarm_answer(row.path)
    for row in rows()
    if row.path.startswith("services.*.") and row.path.count(".") == 2
}
REFUSED = [
    key
    for key, answer in ANSWERS.items()
    if isinstance(answer, Refused) and not any(one.swarm_when for one in keys_at(f"services.*.{key}"))
]
IGNORED = {key: answer.why for key, answer in ANSWERS.items() if isinstance(answer, Ignored)}

# A value of each key that Swarm refuses.
VALUES: dict[str, Any] = {
    "annotations": {"a": "1"},
    "blkio_config": {"weight": 100},
    "cgroup": "private",
    "cgroup_parent": "/a",
    "cpu_count": 1,
    "cpu_percent": 50,
    "cpu_period": 100000,
    "cpu_quota": 50000,
    "cpu_rt_period": 100000,
    "cpu_rt_runtime": 50000,
    "cpu_shares": 512,
    "cpuset": "0",
    "credential_spec": {"file": "a.json"},
    "device_cgroup_rules": ["c 1:3 mr"],
    "devices": ["/dev/null:/dev/null"],
    "external_links": ["other"],
    "gpus": "all",
    "ipc": "host",
    "links": ["other"],
    "mac_address": "02:42:ac:11:00:02",
    "mem_swappiness": 10,
    "memswap_limit": "128m",
    "models": ["m"],
    "oom_kill_disable": True,
    "pid": "host",
    "post_start": [{"command": ["true"]}],
    "pre_start": [{"command": ["true"]}],
    "pre_stop": [{"command": ["true"]}],
    "privileged": True,
    "provider": {"type": "x"},
    "runtime": "runc",
    "storage_opt": {"size": "1G"},
    "userns_mode": "host",
    "uts": "host",
    "volumes_from": ["other"],
}
IGNORED_VALUES: dict[str, Any] = {"container_name": "web", "domainname": "example", "expose": ["80"]}

# Parts of keys: what the service says, the path of the finding, and the API version that would take it.
PARTS: tuple[tuple[dict[str, Any], str, tuple[int, int] | None], ...] = (
    ({"networks": {"default": {"ipv4_address": "10.0.9.2"}}}, "services.web.networks.default.ipv4_address", None),
    ({"network_mode": "service:other"}, "services.web.network_mode", None),
    ({"ports": ["127.0.0.1:80:80"]}, "services.web.ports", None),
    ({"ports": ["8000-8010:80"]}, "services.web.ports", None),
    ({"ports": ["80:80"], "deploy": {"endpoint_mode": "dnsrr"}}, "services.web.ports", None),
    ({"security_opt": ["label=disable"]}, "services.web.security_opt", None),
    ({"security_opt": ["seccomp=profile.json"]}, "services.web.security_opt", (1, 44)),
    ({"security_opt": ["no-new-privileges:true"]}, "services.web.security_opt", (1, 44)),
    ({"security_opt": ["seccomp=unconfined"]}, "services.web.security_opt", (1, 44)),
    ({"oom_score_adj": 100}, "services.web.oom_score_adj", (1, 46)),
    ({"volumes": [{"type": "image", "source": "busybox", "target": "/image"}]}, "services.web.volumes", None),
    ({"volumes": [{"type": "bind", "source": "/tmp", "target": "/a", "bind": {"selinux": "z"}}]},
     "services.web.volumes", None),
    ({"secrets": [{"source": "one", "uid": "www-data"}]}, "services.web.secrets.uid", None),
    ({"configs": [{"source": "one", "gid": "www-data"}]}, "services.web.configs.gid", None),
    ({"deploy": {"resources": {"reservations": {"devices": [{"capabilities": ["gpu"]}]}}}},
     "services.web.deploy.resources.reservations.devices", None),
    ({"networks": ["near"]}, "networks.near.driver", None),
)  # fmt: skip


def playbook(web: dict[str, Any]) -> dict[str, Any]:
    return {
        "engine": {"mode": "swarm"},
        "services": {"other": {"image": "busybox:1.36"}, "web": {"image": "busybox:1.36", **web}},
        "networks": {"near": {"driver": "bridge"}},
        "models": {"m": {"model": "m"}},
        "configs": {"one": {"content": "1"}},
        "secrets": {"one": {"file": "./one.txt"}},
    }


def judged(folder: Path, web: dict[str, Any], api: tuple[int, int]) -> tuple[list[Problem], list[Problem]]:
    """What is refused and what is noted."""
    (folder / "one.txt").write_text("1")
    path = folder / "compose.yaml"
    path.write_text(json.dumps({"name": "pt", **playbook(web)}, indent=1))
    loaded = load_playbook(Request(files=("compose.yaml",), directory=str(folder)))
    platform = "windows" if web.keys() & {"credential_spec", "cpu_count", "cpu_percent"} else "linux"
    try:
        return [], list(check(loaded, "swarm", Facts(api_version=api, platform=platform)))
    except PlaybookInvalid as error:
        return list(error.problems), []


def test_each_refused_key_is_tried() -> None:
    assert VALUES.keys() == set(REFUSED)
    assert IGNORED_VALUES.keys() == IGNORED.keys()


@pytest.mark.parametrize("key", REFUSED)
def test_a_key_that_swarm_has_not(key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    refused, _ = judged(tmp_path, {key: VALUES[key]}, NEW)
    [problem] = [one for one in refused if one.path == f"services.web.{key}"]
    assert problem.span is not None
    line = (tmp_path / "compose.yaml").read_text().splitlines()[problem.span.line - 1]
    assert line[problem.span.column - 1 :].startswith(f'"{key}"')
    assert problem.hint
    assert f"'{key}'" in str(problem)


@pytest.mark.parametrize("key", IGNORED)
def test_a_key_without_effect_is_told(key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    refused, noted = judged(tmp_path, {key: IGNORED_VALUES[key]}, OLD)
    assert refused == []
    [problem] = noted
    assert (problem.path, problem.hint) == (f"services.web.{key}", IGNORED[key])


@pytest.mark.parametrize(("web", "path", "since"), PARTS, ids=[f"{path}-{n}" for n, (_, path, _) in enumerate(PARTS)])
def test_a_part_that_swarm_has_not(
    web: dict[str, Any], path: str, since: tuple[int, int] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refused, _ = judged(tmp_path, web, OLD)
    [problem] = [one for one in refused if one.path == path]
    assert problem.span is not None
    assert problem.span.line > 1
    assert problem.hint
    if since is not None:
        assert judged(tmp_path, web, since) == ([], [])


def test_a_name_that_is_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "compose.yaml"
    path.write_text(json.dumps({"name": "p" * 40, "services": {"s" * 30: {"image": "busybox"}}}))
    loaded = load_playbook(Request(files=("compose.yaml",), directory=str(tmp_path)))
    with pytest.raises(PlaybookInvalid, match="has 71 characters, and can have 63"):
        check(loaded, "swarm", Facts(api_version=OLD))


@pytest.mark.parametrize("size", [0, 1000 * 1024])
def test_a_config_that_swarm_can_not_hold(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_bytes(b"x" * size)
    body = {
        "name": "pt",
        "services": {"web": {"image": "busybox", "configs": ["a"]}},
        "configs": {"a": {"file": "./a.txt"}},
    }
    (tmp_path / "compose.yaml").write_text(json.dumps(body, indent=1))
    request = Request(files=("compose.yaml",), directory=str(tmp_path))
    loaded = load_playbook(request)
    with pytest.raises(
        PlaybookInvalid, match=rf"configs.a: it has {size} bytes, and a config on Swarm has 1 to 1023999"
    ):
        config_contents(request, loaded, platform_of("swarm"))
    assert config_contents(request, loaded, platform_of("containers")) == {"a": b"x" * size}


@pytest.mark.engine
def test_everything_is_refused_at_once_and_nothing_is_touched(environment: SwarmEnvironment) -> None:
    keys = {key: VALUES[key] for key in REFUSED if key not in ("credential_spec", "cpu_count", "cpu_percent")}
    # Swap is beside memory: without a limit of that, the file alone shows that it can not be.
    environment.write(playbook(keys | {"container_name": "web", "mem_limit": "32m"}))
    environment.write("1", "one.txt")
    for command in (["plan", "--json"], ["apply", "--yes", "--json"]):
        outcome = environment.run(*command)
        assert outcome.code == 65, outcome
        problems = json.loads(outcome.stdout or outcome.stderr)["error"]["problems"]
        assert {f"services.web.{key}" for key in keys} <= {one["path"] for one in problems}
        assert all(one["file"] == "compose.yaml" and one["line"] and one["column"] for one in problems)
    assert environment.proxy is not None
    assert [str(request) for request in environment.proxy.mutating] == []
    assert environment.objects() == set()
