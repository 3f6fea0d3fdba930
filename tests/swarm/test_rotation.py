"""A secret or config gets another value while its service serves: nothing fails, a killed apply is finished by the
next one, going back stays possible, and what nothing needs any more is collected.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.quick_check import passing_once
from tests.swarm.environment import service

if TYPE_CHECKING:
    import subprocess

    from tests.swarm.environment import SwarmEnvironment

pytestmark = pytest.mark.engine

KINDS = ("secret", "config")
SERVE = ["sh", "-c", "mkdir /www; cp /held /www/index.html; exec httpd -f -p 8080 -h /www"]
ASK = """while true; do
  wget -q -T 5 -O /tmp/answer http://web:8080/ && echo ok >> /tmp/log || echo failed >> /tmp/log
  sleep 0.05
done"""


def rotating(environment: SwarmEnvironment, kind: str, **more: Any) -> None:
    """A service that holds the content of `content.txt`."""
    web = service(**{f"{kind}s": [{"source": "content", "target": "/held"}]}, **more)
    environment.write({"services": {"web": web}, f"{kind}s": {"content": {"file": "./content.txt"}}})


@pytest.mark.parametrize("kind", KINDS)
def test_two_versions_are_kept_and_going_back_works(kind: str, environment: SwarmEnvironment) -> None:
    rotating(environment, kind)
    for content in ("1\n", "2\n", "3\n", "4\n"):
        environment.write(content, "content.txt")
        environment.apply()
    environment.require_inert()
    third, fourth = environment.files(kind, "content")
    objects = getattr(environment.engine.api, f"{kind}s")(filters={"name": [third, fourth]})
    labels = {one["Spec"]["Name"]: one["Spec"]["Labels"] for one in objects}
    assert [labels[name]["provisioner.generation"] for name in (third, fourth)] == ["3", "4"]
    assert len({one["provisioner.operation"] for one in labels.values()}) == 2
    spec = environment.service("web")
    assert fourth in str(spec["Spec"])
    assert third in str(spec["PreviousSpec"])

    environment.roll_back_by_hand("web")
    environment.wait_until(lambda: not environment.unsettled("web") and len(environment.tasks("web")) == 1)
    assert environment.output("web", "cat", "/held") == b"3\n"

    # The same value again is the same object, not a new one.
    environment.write("3\n", "content.txt")
    environment.apply()
    environment.require_inert()
    assert environment.files(kind, "content") == [third, fourth]


def test_what_others_use_is_left_alone(environment: SwarmEnvironment) -> None:
    rotating(environment, "config")
    environment.write("1\n", "content.txt")
    environment.apply()
    [first] = environment.files("config", "content")
    config = environment.engine.api.inspect_config(first)
    entry = {"File": {"Name": "/a", "UID": "0", "GID": "0", "Mode": 292}, "ConfigID": config["ID"], "ConfigName": first}
    spec = {
        "Name": f"{environment.project}-stranger",
        "TaskTemplate": {"ContainerSpec": {"Image": "busybox:1.36", "Args": ["sleep", "99"], "Configs": [entry]}},
        "Mode": {"Replicated": {"Replicas": 0}},
    }
    api = environment.engine.api
    api._post_json(api._url("/services/create"), data=spec).raise_for_status()
    for content in ("2\n", "3\n", "4\n"):
        environment.write(content, "content.txt")
        environment.apply()
    environment.require_inert()
    assert first in environment.files("config", "content")


def test_no_request_fails(environment: SwarmEnvironment) -> None:
    web = service(
        command=SERVE,
        secrets=[{"source": "content", "target": "/held"}],
        healthcheck=passing_once("wget -q -O - http://127.0.0.1:8080/"),
        deploy={"replicas": 2, "update_config": {"order": "start-first", "monitor": "100ms"}},
    )
    loop = service(command=["sh", "-c", ASK], depends_on=["web"])
    environment.write({"services": {"web": web, "loop": loop}, "secrets": {"content": {"file": "./content.txt"}}})
    environment.write("first\n", "content.txt")
    environment.apply()
    asked = environment.output("loop", "cat", "/tmp/log").count(b"ok")
    environment.write("second\n", "content.txt")
    environment.apply()
    log = environment.output("loop", "cat", "/tmp/log")
    assert log.count(b"ok") > asked
    # The first requests may have been sent before anybody served.
    assert log[log.index(b"ok") :].count(b"failed") == 0
    environment.wait_until(lambda: environment.output("loop", "cat", "/tmp/answer") == b"second\n")


# Killed anywhere -------------------------------------------------------------------------------------------------


def killed_at(environment: SwarmEnvironment, at: int, when: str) -> bool:
    """Kill an apply at its `at`-th changing request, before or after the engine has taken it; whether it got there."""
    assert environment.proxy is not None
    environment.proxy.clear()
    running: list[subprocess.Popen[str]] = []
    struck = []

    def kill(request: object) -> None:
        struck.append(request)
        running[0].kill()

    environment.proxy.fail(at, **{when: kill})
    running.append(environment.start("apply", "--yes", "--json"))
    running[0].communicate(timeout=300)
    environment.proxy.clear()
    return bool(struck)


def require_finished(environment: SwarmEnvironment, kind: str) -> None:
    """The next apply ends well, is inert afterwards, and nothing is left over or lost."""
    environment.apply()
    environment.require_inert()
    assert environment.output("web", "cat", "/held") == b"3\n"
    raw = environment.service("web")
    kept = environment.files(kind, "content")
    assert len(kept) == 2, kept
    # Both are there: the one that is used, and the one of the spec before.
    for spec, name in zip((raw["PreviousSpec"], raw["Spec"]), kept, strict=True):
        assert name in str(spec)


def prepare(environment: SwarmEnvironment, kind: str) -> None:
    rotating(environment, kind)
    for content in ("1\n", "2\n"):
        environment.write(content, "content.txt")
        environment.apply()
    environment.write("3\n", "content.txt")


@pytest.mark.parametrize(("at", "when"), [(2, "after"), (3, "after")])
def test_killed_in_the_middle(at: int, when: str, environment: SwarmEnvironment) -> None:
    """After the new secret is there, and after the service was told to use it."""
    prepare(environment, "secret")
    assert killed_at(environment, at, when)
    require_finished(environment, "secret")


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", range(1, 7))
def test_killed_anywhere(at: int, when: str, kind: str, environment: SwarmEnvironment) -> None:
    prepare(environment, kind)
    killed_at(environment, at, when)
    require_finished(environment, kind)


def test_an_answer_that_is_lost(environment: SwarmEnvironment) -> None:
    """What the request made is told by the token of its operation: it is adopted, and not made twice."""
    prepare(environment, "secret")
    assert environment.proxy is not None
    environment.proxy.clear()
    fault = environment.proxy.fail(1, "eof-after", where=lambda request: request.path.endswith("/secrets/create"))
    environment.apply()
    assert fault.seen == 1
    require_finished(environment, "secret")


def test_a_value_that_is_given_up_halfway(environment: SwarmEnvironment) -> None:
    """A version that an interrupted apply made and nothing ever used does not push out one that is needed."""
    prepare(environment, "secret")
    assert killed_at(environment, 2, "after")
    environment.write("4\n", "content.txt")
    environment.apply()
    environment.require_inert()
    raw = environment.service("web")
    names = environment.files("secret", "content")
    assert any(name in str(raw["Spec"]) for name in names)
    assert any(name in str(raw["PreviousSpec"]) for name in names)


def test_status_without_the_key(environment: SwarmEnvironment) -> None:
    """That no secret can be compared is said of the secrets; everything else is told as ever."""
    rotating(environment, "secret")
    environment.write("1\n", "content.txt")
    environment.apply()
    [key] = (environment.folder / ".provision").glob("*.key")
    key.unlink()
    looked = environment.run("status", "--json")
    assert looked.code == 0, looked
    rows = {one["address"]: one for one in json.loads(looked.stdout)["objects"]}
    assert (rows["secret.content"]["drift"], rows["service.web"]["drift"]) == (None, False)
    assert "can not compare" in rows["secret.content"]["detail"]
    assert environment.run("plan").code == 77


def test_a_lost_key_is_no_dead_end(environment: SwarmEnvironment) -> None:
    """Everything else goes on; with `--accept-new-key` there is a new version under a new key, and nothing else."""
    rotating(environment, "secret")
    environment.write("1\n", "content.txt")
    environment.apply()
    before = environment.files("secret", "content")
    [key] = (environment.folder / ".provision").glob("*.key")
    key.unlink()
    rotating(environment, "secret", hostname="other")
    environment.apply(code=77)
    assert environment.service("web")["Spec"]["TaskTemplate"]["ContainerSpec"]["Hostname"] == "other"
    assert environment.files("secret", "content") == before
    environment.apply("--accept-new-key")
    assert len(environment.files("secret", "content")) == 2
    assert environment.output("web", "cat", "/held") == b"1\n"
    environment.require_inert()
