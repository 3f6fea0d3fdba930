"""`build`, `pull` and `push`: images by themselves, to a registry and back, and what an apply finds of them."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.environment import service

if TYPE_CHECKING:
    from tests.engine.environment import Environment

pytestmark = pytest.mark.engine


def registry(environment: Environment, port: int) -> str:
    """A registry of the environment's own on loopback, which engines take without TLS; its address."""
    environment.engine.containers.run(
        "registry:2", name=f"{environment.project}-registry", detach=True, ports={"5000/tcp": ("127.0.0.1", port)}
    )
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/", timeout=5).close()
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        else:
            return f"127.0.0.1:{port}"


def results(environment: Environment, *arguments: str, code: int = 0) -> list[dict[str, Any]]:
    outcome = environment.run(*arguments, "--json")
    assert outcome.code == code, outcome
    found: list[dict[str, Any]] = json.loads(outcome.stdout)
    return found


def test_an_image_goes_to_its_registry_and_comes_back(environment: Environment, unused_port: int) -> None:
    environment.engine.images.pull("registry:2")
    reference = f"{registry(environment, unused_port)}/{environment.project}-built:1"
    environment.write("FROM busybox:1.36\nENV RELEASE=1\n", "Dockerfile")
    environment.services(
        web=service(image=reference, build="."), other=service(image=reference), busy=service(depends_on=["web"])
    )

    [missing] = results(environment, "push", code=1)
    assert "is not on the engine" in missing["error"]["message"]
    assert "provision build" in missing["error"]["hint"]
    assert results(environment, "push", "--ignore-push-failures")[0]["error"]

    [built, pushed] = results(environment, "build", "--push", "--no-cache")
    assert (built["address"], built["verb"], built["image"]) == ("image.web", "build", reference)
    assert (pushed["verb"], pushed["digest"][:7]) == ("push", "sha256:")
    made = environment.engine.images.get(reference).id
    assert results(environment, "push", "busy") == []
    assert [one["digest"] for one in results(environment, "push", "--include-deps", "busy")] == [pushed["digest"]]
    pinned = f"{reference}@{pushed['digest']}"
    whole = json.loads(environment.run("config", "--resolve-image-digests", "--format", "json", "web").stdout)
    assert (whole["services"]["web"]["image"], "build" in whole["services"]["web"]) == (pinned, True)
    lock = json.loads(environment.run("config", "--lock-image-digests", "--format", "json", "web").stdout)
    assert lock["services"] == {"web": {"image": pinned}}
    # An apply builds nothing any more.
    assert [one["address"] for one in environment.plan()["changes"]] == [
        "network.default", "service.busy", "service.other", "service.web",
    ]  # fmt: skip

    environment.engine.images.remove(reference, force=True)
    assert [one["address"] for one in results(environment, "pull", "--ignore-buildable")] == ["image.busy"]
    pulled = {one["address"]: one for one in results(environment, "pull")}
    assert pulled["image.web"]["digest"] == pushed["digest"]
    assert environment.engine.images.get(reference).id == made
    assert results(environment, "pull", "--policy", "missing") == []
    environment.apply()
    environment.require_inert()
    assert environment.engine.images.get(reference).id == made


def test_what_can_not_be_built_or_pulled_is_told(environment: Environment) -> None:
    environment.write("FROM busybox:1.36\nRUN exit 4\n", "Dockerfile")
    environment.services(
        web=service(image=f"{environment.project}-built:1", build="."), gone=service(image="127.0.0.1:1/nothing:1")
    )
    [failed] = results(environment, "build", "--push", code=1)
    assert "can not be built" in failed["error"]["message"]
    [gone] = results(environment, "pull", "--ignore-buildable", code=1)
    assert "can not be pulled" in gone["error"]["message"]
    text = environment.run("pull", "gone")
    assert text.code == 1
    assert "✘ image.gone: pull failed" in text.stdout
    assert environment.run("build", "nobody").code == 64
