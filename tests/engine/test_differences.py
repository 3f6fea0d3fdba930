"""Each change, in the file or by hand on the engine, is one difference with its field, and one apply mends it."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.environment import Environment, differences, service
from tests.quick_check import passing_once

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engine.decoys import Decoys

pytestmark = pytest.mark.engine

DOCKERFILE = "FROM busybox:1.36\nCOPY greeting /greeting\n"


def base(environment: Environment) -> dict[str, Any]:
    """What stands before each change."""
    web = service(
        environment={"COLOUR": "blue", "SHAPE": "round"},
        labels={"team": "red", "tier": "front"},
        volumes=["data:/data"],
        networks=["default", "back"],
        mem_limit="64m",
        restart="unless-stopped",
    )
    return {
        "services": {"web": web},
        "networks": {"back": {"ipam": {"config": [{"subnet": environment.subnets[0]}]}}},
        "volumes": {"data": {}},
    }


@dataclass(frozen=True)
class Case:
    """`change` gets the environment and the playbook to alter; `expected` is the one difference: address and field."""

    name: str
    change: Callable[[Environment, dict[str, Any]], object]
    expected: tuple[str, str]
    drift: bool
    # What becomes of the container: it stays and goes on running, is started again, or is replaced.
    container: str = "replaced"
    # Changes that follow from this one: address and reason.
    follow: tuple[tuple[str, str], ...] = ()


def _web(playbook: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = playbook["services"]["web"]
    return found


def _by_hand(act: Callable[[Any], object]) -> Callable[[Environment, dict[str, Any]], object]:
    return lambda environment, playbook: act(environment.container("web-1"))


def _in_file(act: Callable[[dict[str, Any]], object]) -> Callable[[Environment, dict[str, Any]], object]:
    return lambda environment, playbook: act(_web(playbook))


def _disconnect(environment: Environment, playbook: dict[str, Any]) -> None:
    environment.network("back").disconnect(environment.container("web-1"))


def _reconnect(environment: Environment, playbook: dict[str, Any]) -> None:
    _disconnect(environment, playbook)
    environment.network("back").connect(environment.container("web-1"))


def _join_the_bridge(environment: Environment, playbook: dict[str, Any]) -> None:
    environment.engine.networks.get("bridge").connect(environment.container("web-1"))


def _slow_down_the_check(web: dict[str, Any]) -> None:
    web["healthcheck"] = {**passing_once(), "interval": "0.2s"}


def _move_the_network(environment: Environment, playbook: dict[str, Any]) -> None:
    playbook["networks"]["back"]["ipam"]["config"] = [{"subnet": environment.subnets[1]}]


def _label_the_network(environment: Environment, playbook: dict[str, Any]) -> None:
    playbook["networks"]["back"]["labels"] = {"team": "red"}


CASES = (
    Case("environment variable changed", _in_file(lambda web: web["environment"].update(COLOUR="green")),
         ("service.web", "environment.COLOUR"), drift=False),
    Case("environment variable removed", _in_file(lambda web: web["environment"].pop("SHAPE")),
         ("service.web", "environment.SHAPE"), drift=False),
    Case("label removed", _in_file(lambda web: web["labels"].pop("team")),
         ("service.web", "labels.team"), drift=False),
    Case("port added", _in_file(lambda web: web.update(ports=["127.0.0.1::8080"])),
         ("service.web", "ports.8080/tcp"), drift=False),
    Case("mount made read-only", _in_file(lambda web: web.update(volumes=["data:/data:ro"])),
         ("service.web", "volumes./data.read_only"), drift=False),
    Case("mount added", _in_file(lambda web: web["volumes"].append("data:/again")),
         ("service.web", "volumes./again"), drift=False),
    Case("health check changed", _in_file(_slow_down_the_check),
         ("service.web", "healthcheck.interval"), drift=False),
    Case("command changed", _in_file(lambda web: web.update(command=["sleep", "100000"])),
         ("service.web", "command"), drift=False),
    Case("memory limit raised in the file", _in_file(lambda web: web.update(mem_limit="96m")),
         ("service.web", "mem_limit"), drift=False, container="same"),
    Case("restart policy changed in the file", _in_file(lambda web: web.update(restart="always")),
         ("service.web", "restart"), drift=False, container="same"),
    Case("network left in the file", _in_file(lambda web: web.update(networks=["default"])),
         ("service.web", "networks.back"), drift=False, container="same"),
    Case("alias added", _in_file(lambda web: web.update(networks={"default": {}, "back": {"aliases": ["www"]}})),
         ("service.web", "networks.back.aliases"), drift=False, container="same"),
    Case("docker update --memory", _by_hand(lambda web: web.update(mem_limit="32m", memswap_limit="128m")),
         ("service.web", "mem_limit"), drift=True, container="same"),
    Case("docker update --restart", _by_hand(lambda web: web.update(restart_policy={"Name": "always"})),
         ("service.web", "restart"), drift=True, container="same"),
    Case("docker update --cpus", _by_hand(lambda web: web.update(cpu_shares=512)),
         ("service.web", "cpu_shares"), drift=True),
    Case("removed by hand", _by_hand(lambda web: web.remove(force=True)),
         ("service.web", "state"), drift=True),
    Case("stopped by hand", _by_hand(lambda web: web.stop(timeout=0)),
         ("service.web", "state"), drift=True, container="started"),
    Case("paused by hand", _by_hand(lambda web: web.pause()),
         ("service.web", "state"), drift=True, container="same"),
    Case("renamed by hand", _by_hand(lambda web: web.rename(f"{web.name}-old")),
         ("service.web", "container_name"), drift=True, container="same"),
    Case("disconnected by hand", _disconnect,
         ("service.web", "networks.back"), drift=True, container="same"),
    Case("connected to the engine's bridge by hand",
         _join_the_bridge,
         ("service.web", "networks.bridge"), drift=True, container="same"),
    Case("reconnected by hand without its alias", _reconnect,
         ("service.web", "networks.back.aliases"), drift=True, container="same"),
    Case("subnet of a network changed",
         _move_the_network,
         ("network.back", "ipam.config"), drift=False, container="same",
         follow=(("service.web", "network.back is replaced"),)),
    Case("label of a network added", _label_the_network,
         ("network.back", "labels.team"), drift=False, container="same",
         follow=(("service.web", "network.back is replaced"),)),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_one_change_is_one_difference_and_is_mended(case: Case, environment: Environment, decoys: Decoys) -> None:
    playbook = base(environment)
    environment.write(playbook)
    environment.apply()
    before = environment.container("web-1").attrs
    altered = copy.deepcopy(playbook)

    case.change(environment, altered)
    environment.write(altered)
    _require_one_difference(environment, case.expected, drift=case.drift, follow=case.follow)

    applied = environment.apply()
    assert applied.summary["changed"] == 1 + len(case.follow)
    assert applied.summary["remaining"] == []
    _require_container(before, environment.container("web-1").attrs, case.container)
    environment.require_inert()


def _require_one_difference(
    environment: Environment, expected: tuple[str, str], *, drift: bool, follow: tuple[tuple[str, str], ...] = ()
) -> None:
    looked = environment.run("plan", "--json", "--detailed-exitcode")
    assert looked.code == 2, looked
    plan = json.loads(looked.stdout)
    assert differences(plan) == [expected]
    changes = {one["address"]: one for one in plan["changes"]}
    caused = changes.pop(expected[0])
    assert caused["drift"] is drift
    assert caused["differences"][0]["drift"] is drift
    # Who or what ended a container is not known.
    ended = expected[1] == "state" and caused["action"] == "update"
    assert caused["reason"].startswith("not running: ") if ended else ("by hand" in caused["reason"]) is drift
    assert caused["reason"] != ""
    assert [(address, change["reason"]) for address, change in changes.items()] == list(follow)


def _require_container(before: dict[str, Any], after: dict[str, Any], expected: str) -> None:
    same = before["Id"] == after["Id"]
    started = before["State"]["StartedAt"] == after["State"]["StartedAt"]
    assert (same, started) == {"same": (True, True), "started": (True, False), "replaced": (False, False)}[expected]


def test_memory_taken_away_by_hand_where_nobody_declared_any(environment: Environment) -> None:
    environment.services(web=service())
    environment.apply()
    environment.container("web-1").update(mem_limit="32m", memswap_limit="32m")
    plan = environment.plan()
    assert ("service.web", "mem_limit") in differences(plan)
    environment.apply()
    assert environment.container("web-1").attrs["HostConfig"]["Memory"] == 0
    environment.require_inert()


# Images ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def built(environment: Environment) -> Environment:
    """An environment of one service whose image is built from a folder."""
    environment.write("hello\n", "app/greeting")
    environment.write(DOCKERFILE, "app/Dockerfile")
    environment.services(web=service(build="app", image=f"{environment.project}-web:1"))
    environment.apply()
    return environment


def test_changed_build_context(built: Environment) -> None:
    built.write("good evening\n", "app/greeting")
    _require_one_difference(
        built, ("image.web", "build"), drift=False, follow=(("service.web", "image.web is rebuilt"),)
    )
    assert built.apply().summary["changed"] == 2
    assert built.container("web-1").exec_run("cat /greeting").output == b"good evening\n"
    built.require_inert()


def test_image_rebuilt_by_hand(built: Environment) -> None:
    built.write("tampered\n", "elsewhere/greeting")
    built.write(DOCKERFILE + "ENV EXTRA=1\nLABEL extra=1\n", "elsewhere/Dockerfile")
    built.engine.images.build(path=str(built.folder / "elsewhere"), tag=f"{built.project}-web:1", rm=True)
    _require_one_difference(
        built, ("image.web", "build"), drift=True, follow=(("service.web", "image.web is rebuilt"),)
    )
    assert built.apply().summary["changed"] == 2
    assert built.container("web-1").exec_run("cat /greeting").output == b"hello\n"
    built.require_inert()


def test_image_tag_moved_by_hand(environment: Environment) -> None:
    reference = f"{environment.project}-web:1"
    environment.engine.images.pull("busybox:1.36").tag(reference)
    environment.services(web=service(image=reference))
    environment.apply()
    environment.engine.images.pull("alpine:3.20").tag(reference)
    _require_one_difference(environment, ("service.web", "image"), drift=True)
    environment.apply()
    environment.require_inert()
    assert environment.container("web-1").attrs["Image"] == environment.engine.images.get("alpine:3.20").id


def test_tag_changed_in_the_file(environment: Environment) -> None:
    environment.services(web=service())
    environment.apply()
    environment.services(web=service(image="alpine:3.20"))
    _require_one_difference(environment, ("service.web", "image"), drift=False)
    environment.apply()
    environment.require_inert()


# Files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["configs", "secrets"])
def test_changed_content_of_a_file(kind: str, environment: Environment) -> None:
    environment.write("first\n", "content.txt")
    target = "/run/secrets/content" if kind == "secrets" else "/etc/content"
    web = service(**{kind: [{"source": "content", "target": target}]})
    environment.write({"services": {"web": web}, kind: {"content": {"file": "./content.txt"}}})
    environment.apply()
    environment.require_inert()

    environment.write("second\n", "content.txt")
    changed = f"{kind.removesuffix('s')}.content"
    follow = (("service.web", f"{changed} is another version now"),)
    _require_one_difference(environment, (changed, "version"), drift=False, follow=follow)
    environment.apply()
    assert environment.container("web-1").exec_run(["cat", target]).output == b"second\n"
    environment.require_inert()
    volumes = [name for name in environment.objects() if name.startswith("volume ")]
    assert len(volumes) == 2, "that of now, and that of before for going back"
