from __future__ import annotations

import time

import pytest

from provisioner.playbook.crossref import contradictions


def port(published, target=80, **more):
    return {"mode": "ingress", "target": target, "published": str(published), "protocol": "tcp", **more}


def test_thousands_of_ports_are_compared_in_linear_time(bound):
    ports = [port(number, number) for number in range(1, 12_001)]
    started = time.process_time()
    assert contradictions(bound(services={"a": {"image": "a:1", "ports": ports}})) == ()
    assert time.process_time() - started < 5
    found = contradictions(bound(services={name: {"image": "a:1", "ports": ports[:50]} for name in ("a", "b")}))
    assert len(found) == 50


def test_an_endless_service_can_not_be_waited_for(problems):
    assert problems(
        services={
            "migrate": {"image": "a:1", "restart": "always"},
            "api": {"image": "a:1", "depends_on": {"migrate": {"condition": "service_completed_successfully"}}},
        }
    ) == [
        "services.migrate.restart: 'restart: always' never lets this service complete, which 'api' waits for",
    ]


def test_an_endless_one_shot_is_a_contradiction(problems):
    assert problems(services={"migrate": {"image": "a:1", "restart": "unless-stopped", "job": {"run": "once"}}}) == [
        "services.migrate.restart: 'restart: unless-stopped' never lets this service complete, which is a one-shot",
    ]


@pytest.mark.parametrize("off", [{"disable": True}, {"test": ["NONE"]}])
def test_health_that_is_switched_off_can_not_be_waited_for(problems, off):
    found = problems(
        services={
            "db": {"image": "a:1", "healthcheck": off},
            "api": {"image": "a:1", "depends_on": {"db": {"condition": "service_healthy"}}},
        }
    )
    assert len(found) == 1
    assert found[0].startswith(
        "services.api.depends_on.db: waits until 'db' is healthy, but its health check is disabled"
    )


def test_one_name_is_one_container(refused):
    assert refused(
        services={
            "a": {"image": "a:1", "container_name": "web", "deploy": {"replicas": 2}},
            "b": {"image": "a:1", "container_name": "web"},
        }
    ) == [
        "services.a.container_name: 2 containers can not all have the name 'web'",
        "services.b.container_name: 'web' is the container of 'a' already",
    ]


def test_two_services_can_not_publish_one_host_port(problems):
    found = problems(services={"a": {"image": "a:1", "ports": [port(80)]}, "b": {"image": "a:1", "ports": [port(80)]}})
    assert found == ["services.b.ports: host port 80/tcp is also published by service 'a' at playbook.yml:6:1"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (port(80), port(81)),
        (port(80), port(80, protocol="udp")),
        (port(80, host_ip="127.0.0.1"), port(80, host_ip="127.0.0.2")),
        (port(80, host_ip="0.0.0.0"), port(80, host_ip="::1")),
        (port(80, host_ip="0.0.0.0"), port(80, host_ip="::")),
        (port(80, host_ip="::"), port(80, host_ip="0.0.0.0")),
        (port(80, host_ip="127.0.0.1"), port(80, host_ip="::")),
        (port(80, host_ip="127.0.0.1"), port(80, host_ip="::1")),
        (port("8000-8010"), port("8000-8010")),
        ({"target": 80}, {"target": 80}),
    ],
)
def test_host_ports_that_do_not_collide(bound, one, other):
    playbook = bound(services={"a": {"image": "a:1", "ports": [one]}, "b": {"image": "a:1", "ports": [other]}})
    assert contradictions(playbook, "containers") == ()


@pytest.mark.parametrize(
    ("one", "other"), [("127.0.0.1", None), ("::1", None), ("::", None), ("127.0.0.1", "0.0.0.0"), ("::1", "::")]
)
def test_an_open_port_takes_it_from_every_address(bound, one, other):
    """None is an entry without an address, which is open on those of both families."""
    entries = [port(80, host_ip=one), port(80, host_ip=other) if other else port(80)]
    for first, second in (entries, entries[::-1]):
        services = {"a": {"image": "a:1", "ports": [first]}, "b": {"image": "a:1", "ports": [second]}}
        assert len(contradictions(bound(services=services), "containers")) == 1
        assert len(contradictions(bound(services={"a": {"image": "a:1", "ports": [first, second]}}), "containers")) == 1


def test_a_guest_of_another_network_publishes_nothing(problems):
    found = problems(
        services={
            "a": {"image": "a:1"},
            "b": {"image": "a:1", "network_mode": "service:a", "ports": [port(80)]},
        }
    )
    assert found == ["services.b.ports: port 80 can not be published here: the network belongs to 'service:a'"]


def test_a_reservation_above_its_limit(problems):
    resources = {"limits": {"memory": "10000000"}, "reservations": {"memory": "20000000"}}
    assert problems(services={"a": {"image": "a:1", "deploy": {"resources": resources}}}) == [
        "services.a.deploy.resources.reservations.memory: reserves more memory than its limit at playbook.yml:8:1"
        " allows"
    ]


def test_fixed_ports_bind_containers_and_not_a_swarm(bound, problems):
    services = {"a": {"image": "a:1", "deploy": {"replicas": 3}, "ports": [port(80)]}}
    assert contradictions(bound(services=services, engine={"mode": "swarm"}), "swarm") == ()
    assert [str(problem.message) for problem in contradictions(bound(services=services), "containers")] == [
        "3 replicas can not share host port 80"
    ]
    assert problems(services=services, engine={"mode": "containers"}) == [
        "services.a.ports: 3 replicas can not share host port 80"
    ]


@pytest.mark.parametrize(("replicas", "enough"), [(3, True), (4, False)])
def test_a_range_has_a_port_for_each_replica(bound, replicas, enough):
    web = {"image": "a:1", "deploy": {"replicas": replicas}, "ports": [port("8110-8112", host_ip="127.0.0.1")]}
    found = [p for p in contradictions(bound(services={"web": web}), "containers")]
    assert [p.message for p in found] == (
        [] if enough else ["4 replicas need a host port each, and 127.0.0.1:8110-8112 has 3"]
    )
    assert all(p.hint == "publish 8110-8113:80, or run 3 replicas" and p.span is not None for p in found)
    assert contradictions(bound(services={"web": web}), "swarm") == ()


def test_a_fixed_address_is_one_containers(bound):
    def at(address, **more):
        return {"image": "a:1", "networks": {"lan": {"ipv4_address": address}}, **more}

    lan = {"name": "p_lan", "ipam": {"config": [{"subnet": "10.8.0.0/24"}]}}
    services = {"a": at("10.8.0.2"), "b": at("10.8.0.2"), "c": at("10.8.0.3", deploy={"replicas": 2})}
    found = contradictions(bound(services=services, networks={"lan": lan}), "containers")
    assert [p.path for p in found] == [f"services.{one}.networks.lan.ipv4_address" for one in ("b", "c")]
    assert "also the address of service 'a'" in found[0].message
    assert "the service has 2 replicas" in found[1].message


def test_start_first_needs_the_port_twice(problems):
    services = {"a": {"image": "a:1", "deploy": {"update_config": {"order": "start-first"}}, "ports": [port(80)]}}
    assert problems(services=services, engine={"mode": "containers"}) == [
        "services.a.ports: start-first runs the old and the new container at once, and both would need host port 80"
    ]
