"""Overlay networks and volumes on a Swarm, and what is somebody else's and only used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.swarm.environment import paths, service

if TYPE_CHECKING:
    from tests.swarm.environment import SwarmEnvironment

pytestmark = pytest.mark.engine


def test_overlay_networks(environment: SwarmEnvironment) -> None:
    networks = {
        "plain": {},
        "joinable": {"attachable": True},
        "secret": {"driver_opts": {"encrypted": ""}},
        "pooled": {"ipam": {"config": [{"subnet": "10.99.1.0/24"}]}, "labels": {"team": "red"}},
        "inner": {"internal": True},
    }
    environment.write({"services": {"web": service(networks=list(networks))}, "networks": networks})
    environment.apply()
    # The engine has added an id of its own to the options.
    assert "com.docker.network.driver.overlay.vxlanid_list" in environment.network("plain").attrs["Options"]
    environment.require_inert()

    networks["joinable"] = {}
    networks["pooled"]["ipam"] = {"config": [{"subnet": "10.99.2.0/24"}]}
    environment.write({"services": {"web": service(networks=list(networks))}, "networks": networks})
    plan = environment.plan()
    assert paths(plan) == {"network.joinable": ["attachable"], "network.pooled": ["ipam.config"]}
    assert {change["address"]: change["action"] for change in plan["changes"]} == {
        "network.joinable": "replace", "network.pooled": "replace", "service.web": "replace",
    }  # fmt: skip
    environment.apply()
    environment.require_inert()


def test_a_network_is_replaced_when_the_tasks_on_it_are_gone(environment: SwarmEnvironment) -> None:
    """Tasks that do not heed the stop signal keep an overlay network on their node until their grace is over."""
    slow = {"command": ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"], "stop_grace_period": "4s"}
    web = service(networks=["back"]) | slow | {"stop_signal": "SIGTERM"}

    def declare(version: str, **services: Any) -> None:
        networks = {"back": {"labels": {"version": version}}}
        environment.write({"services": {"web": web, **services}, "networks": networks})

    declare("1", old=web)
    environment.apply()
    before = environment.network("back").id
    declare("2")
    environment.apply("--prune")
    assert environment.network("back").id != before
    environment.require_inert()


def test_a_port_through_ingress_passes_to_another_service(environment: SwarmEnvironment) -> None:
    published = service(ports=["18085:80"], deploy={"endpoint_mode": "vip"})
    plain = service()
    for services in ({"web": published}, {"api": published, "web": plain}, {"web": published, "api": plain}):
        environment.write({"services": services})
        environment.apply()
    environment.write({"services": {"edge": published}})
    environment.apply("--prune")
    assert environment.plan("--prune")["changes"] == []


def published(*ports: str, **more: Any) -> dict[str, Any]:
    return service(ports=list(ports), deploy={"endpoint_mode": "vip"}, **more)


def ports_of(environment: SwarmEnvironment, name: str) -> set[tuple[int, int]]:
    ports = environment.service(name)["Endpoint"].get("Ports") or []
    return {(int(one["PublishedPort"]), int(one["TargetPort"])) for one in ports}


@pytest.mark.parametrize("more", [{}, {"environment": {"A": "1"}}], ids=["ports alone", "with other changes"])
def test_two_services_exchange_ports_through_ingress(environment: SwarmEnvironment, more: dict[str, Any]) -> None:
    environment.write({"services": {"api": published("18086:80"), "web": published("18087:80", "18088:81")}})
    environment.apply()
    swapped = {"api": published("18087:80", **more), "web": published("18086:80", "18088:81", **more)}
    environment.write({"services": swapped})
    environment.apply()
    assert ports_of(environment, "api") == {(18087, 80)}
    assert ports_of(environment, "web") == {(18086, 80), (18088, 81)}
    environment.require_inert()


def test_a_port_passes_only_to_what_has_proven_itself(environment: SwarmEnvironment) -> None:
    """The one that is to get it never becomes healthy; the one that is pruned goes on with it."""
    environment.write({"services": {"old": published("18089:80")}})
    environment.apply()
    sick = {"test": ["CMD", "false"], "interval": "0.2s", "retries": 1}
    environment.write({"services": {"new": published("18089:80", healthcheck=sick)}})
    environment.apply("--prune", "--wait-timeout", "10", code=1)
    assert ports_of(environment, "old") == {(18089, 80)}
    assert len(environment.tasks("old")) == 1
    environment.write({"services": {"new": published("18089:80")}})
    environment.apply("--prune")
    assert ports_of(environment, "new") == {(18089, 80)}
    assert environment.plan("--prune")["changes"] == []


def test_a_holder_whose_update_fails_keeps_its_port(environment: SwarmEnvironment) -> None:
    environment.write({"services": {"api": service(), "web": published("18090:80")}})
    environment.apply()
    update = {"endpoint_mode": "vip", "update_config": {"monitor": "8s", "failure_action": "rollback"}}
    broken = service(command=["false"], deploy=update)
    environment.write({"services": {"api": published("18090:80"), "web": broken}})
    environment.apply(code=3)
    assert ports_of(environment, "web") == {(18090, 80)}
    assert ports_of(environment, "api") == set()
    environment.write({"services": {"api": published("18090:80"), "web": service(deploy={"endpoint_mode": "vip"})}})
    environment.apply()
    assert ports_of(environment, "api") == {(18090, 80)}
    environment.require_inert()


def test_what_is_somebody_elses(environment: SwarmEnvironment) -> None:
    api, project = environment.engine.api, environment.project
    names = [f"{project}x-{kind}" for kind in ("net", "config", "secret", "volume")]
    api.create_network(names[0], driver="overlay")
    api.create_config(names[1], b"theirs\n")
    api.create_secret(names[2], b"theirs\n")
    api.create_volume(names[3])
    web = service(networks=["n"], configs=[{"source": "c", "target": "/c"}], secrets=["s"], volumes=["vol:/v"])
    environment.write({
        "services": {"web": web},
        "networks": {"n": {"external": True, "name": names[0]}},
        "configs": {"c": {"external": True, "name": names[1]}},
        "secrets": {"s": {"external": True, "name": names[2]}},
        "volumes": {"vol": {"external": True, "name": names[3]}},
    })  # fmt: skip
    environment.apply()
    environment.require_inert()
    assert environment.output("web", "cat", "/c", "/run/secrets/s") == b"theirs\ntheirs\n"
    environment.destroy("--volumes")
    assert [one["Name"] for one in api.networks(names=[names[0]])] == [names[0]]
    assert [one["Spec"]["Name"] for one in api.configs(filters={"name": names[1]})] == [names[1]]
    assert [one["Spec"]["Name"] for one in api.secrets(filters={"name": names[2]})] == [names[2]]
    assert api.inspect_volume(names[3])["Name"] == names[3]


def test_an_external_secret_that_is_missing(environment: SwarmEnvironment) -> None:
    environment.write({
        "services": {"web": service(secrets=["s"])},
        "secrets": {"s": {"external": True, "name": f"{environment.project}x-none"}},
    })  # fmt: skip
    outcome = environment.run("apply", "--yes", "--json")
    assert outcome.code != 0
    assert f"{environment.project}x-none" in outcome.text
    assert environment.objects() == set()


def test_a_volume_that_a_node_makes_is_found_again(environment: SwarmEnvironment) -> None:
    volumes = {"data": {"labels": {"team": "red"}}}
    environment.write({"services": {"web": service(volumes=["data:/data"])}, "volumes": volumes})
    environment.apply()
    # As on a node that the command does not talk to: the node makes the volume from what the mount says.
    name = f"{environment.project}_data"
    environment.update_by_hand("web", lambda spec: spec["Mode"]["Replicated"].update(Replicas=0))
    environment.wait_until(lambda: not environment.tasks("web"))
    environment.wait_until(lambda: not environment.engine.api.containers(all=True, filters={"volume": name}))
    environment.engine.api.remove_volume(name)
    environment.update_by_hand("web", lambda spec: spec["Mode"]["Replicated"].update(Replicas=1))
    environment.wait_until(lambda: len(environment.tasks("web")) == 1)
    labels = environment.engine.api.inspect_volume(name)["Labels"]
    assert labels["team"] == "red"
    environment.require_inert()
    environment.destroy("--volumes", "--history")
    environment.wait_until(lambda: environment.objects() == set())
