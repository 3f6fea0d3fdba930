"""Images are pinned by digest, with the tag kept for people; registries that ask for credentials get them."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.command_line import carry_out
from tests.swarm.environment import paths, service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker.models.containers import Container

    from tests.command_line import Ended
    from tests.swarm.conftest import Swarm
    from tests.swarm.environment import SwarmEnvironment

pytestmark = pytest.mark.engine

PORT = 5999
REGISTRY = f"127.0.0.1:{PORT}"


@pytest.fixture
def registry(environment: SwarmEnvironment, swarm: Swarm) -> Iterator[str]:
    """A registry on the loopback of the node."""
    environment.engine.images.pull("registry:2")
    container: Container = environment.engine.containers.run(
        "registry:2", name=f"{environment.project}-registry", detach=True, network_mode="host",
        environment={"REGISTRY_HTTP_ADDR": REGISTRY},
    )  # fmt: skip
    environment.wait_until(lambda: container.exec_run(["sh", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{PORT}"]).exit_code == 0
                           or b"listening on" in container.logs())  # fmt: skip
    yield REGISTRY
    container.remove(force=True, v=True)


def push(environment: SwarmEnvironment, colour: str) -> str:
    """Push another image under the same tag; its digest."""
    folder = environment.folder / "image"
    folder.mkdir(exist_ok=True)
    (folder / "Dockerfile").write_text(f"FROM busybox:1.36\nLABEL colour={colour}\n")
    reference = f"{REGISTRY}/web:1"
    environment.engine.images.build(path=str(folder), tag=reference, rm=True)
    for line in environment.engine.images.push(f"{REGISTRY}/web", "1", stream=True, decode=True):
        if "aux" in line:
            return str(line["aux"]["Digest"])
    raise AssertionError("nothing was pushed")


def running(environment: SwarmEnvironment) -> str:
    return str(environment.service("web")["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"])


def apply_saved(environment: SwarmEnvironment) -> Ended:
    return carry_out(["apply", "saved"], folder=environment.folder, environment=environment.surroundings())


def test_a_service_gets_the_image_that_its_tag_was_when_the_plan_was_made(
    environment: SwarmEnvironment, registry: str
) -> None:
    """New, and with another reference: each is looked up once, before it is approved."""
    reference = f"{registry}/web:1"
    push(environment, "blue")
    environment.services(web=service(image=reference))
    assert environment.run("plan", "-o", "saved").code == 0
    second = push(environment, "green")
    stale = apply_saved(environment)
    assert stale.code == 76, stale
    assert f"registry's {reference} changed" in stale.stderr
    environment.apply()
    assert running(environment) == f"{reference}@{second}"
    environment.require_inert()

    environment.services(web=service())
    environment.apply()
    environment.services(web=service(image=reference))
    assert environment.run("plan", "-o", "saved").code == 0
    push(environment, "red")
    assert apply_saved(environment).code == 76


def test_pinned_until_it_is_asked_for(environment: SwarmEnvironment, registry: str) -> None:
    reference = f"{registry}/web:1"
    first = push(environment, "blue")
    environment.services(web=service(image=reference))
    environment.apply()
    assert running(environment) == f"{reference}@{first}"
    environment.require_inert()
    assert reference in environment.run("status").stdout

    # Another image under the tag is nobody's change, also not along with one.
    second = push(environment, "green")
    environment.require_inert()
    environment.services(web=service(image=reference, environment={"A": "1"}))
    environment.apply()
    assert running(environment) == f"{reference}@{first}"

    # pull_policy: always asks for what the registry has.
    environment.services(web=service(image=reference, environment={"A": "1"}, pull_policy="always"))
    environment.apply()
    assert running(environment) == f"{reference}@{second}"
    environment.require_inert()

    third = push(environment, "red")
    plan = environment.plan()
    assert paths(plan) in ({"image.web": ["digest"]}, {"service.web": ["digest"]})
    environment.apply()
    assert running(environment) == f"{reference}@{third}"
    environment.require_inert()


def test_another_digest_by_hand_is_drift(environment: SwarmEnvironment, registry: str) -> None:
    reference = f"{registry}/web:1"
    first = push(environment, "blue")
    second = push(environment, "green")
    environment.services(web=service(image=f"{reference}@{first}"))
    environment.apply()
    assert running(environment) == f"{reference}@{first}"

    def other(spec: dict[str, Any]) -> None:
        spec["TaskTemplate"]["ContainerSpec"]["Image"] = f"{reference}@{second}"

    environment.update_by_hand("web", other)
    [change] = environment.plan()["changes"]
    assert (change["drift"], [one["path"] for one in change["differences"]]) == (True, ["image"])
    environment.apply()
    assert running(environment) == f"{reference}@{first}"
    environment.require_inert()


def test_a_built_image_moves_the_tasks(environment: SwarmEnvironment) -> None:
    environment.write("FROM busybox:1.36\nCOPY greeting /greeting\n", "app/Dockerfile")
    environment.write("hello\n", "app/greeting")
    environment.services(web=service(build="app", image=f"{environment.project}-web:1"))
    environment.apply()
    environment.require_inert()
    environment.write("good evening\n", "app/greeting")
    assert paths(environment.plan()) == {"image.web": ["build"]}
    environment.apply()
    assert environment.output("web", "cat", "/greeting") == b"good evening\n"
    environment.require_inert()


def test_credentials_go_along(environment: SwarmEnvironment, registry: str) -> None:
    push(environment, "blue")
    folder = environment.folder / "docker"
    folder.mkdir()
    secret = base64.b64encode(b"reader:sesame").decode()
    (folder / "config.json").write_text(json.dumps({"auths": {registry: {"auth": secret}}}))
    environment.services(web=service(image=f"{registry}/web:1"))
    outcome = environment.apply(DOCKER_CONFIG=str(folder))
    environment.services(web=service(image=f"{registry}/web:1", environment={"A": "1"}))
    environment.apply(DOCKER_CONFIG=str(folder))
    assert environment.proxy is not None
    asked = [one for one in environment.proxy.requests if one.path.startswith("/services/") and one.mutating]
    given = [json.loads(base64.urlsafe_b64decode(one.headers["x-registry-auth"])) for one in asked]
    assert [one["username"] for one in given] == ["reader", "reader"]
    assert [one["password"] for one in given] == ["sesame", "sesame"]
    assert "sesame" not in outcome.text
    assert secret not in outcome.text


def test_without_credentials_nothing_goes_along(environment: SwarmEnvironment) -> None:
    environment.services(web=service())
    environment.apply()
    assert environment.proxy is not None
    [asked] = [one for one in environment.proxy.requests if one.path == "/services/create"]
    assert "x-registry-auth" not in asked.headers
