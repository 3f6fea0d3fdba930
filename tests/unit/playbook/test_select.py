from __future__ import annotations

import pytest

from provisioner.errors import UsageError
from provisioner.model.address import Address
from provisioner.playbook.select import scale, target, with_kinds


@pytest.fixture
def shop(bound):
    return bound(
        services={
            "web": {"image": "a:1", "networks": {"front": None}, "depends_on": {"api": {}}},
            "api": {
                "image": "a:1",
                "networks": {"front": None, "back": None},
                "depends_on": {"db": {}},
                "secrets": [{"source": "url", "target": "/run/secrets/url"}],
            },
            "db": {
                "image": "postgres:16",
                "networks": {"back": None},
                "volumes": [
                    {"type": "volume", "source": "data", "target": "/d"},
                    {"type": "bind", "source": "/etc", "target": "/e"},
                ],
                "configs": [{"source": "conf"}],
            },
            "one": {"image": "a:1", "container_name": "one", "deploy": {"replicas": 1}},
            "everywhere": {"image": "a:1", "deploy": {"mode": "global"}},
        },
        networks={"front": {}, "back": {}, "both": {}},
        volumes={"data": {}, "other": {}, "both": {}},
        configs={"conf": {}},
        secrets={"url": {"template": "pg://${secret:password}@db"}, "password": {}, "unused": {}},
        verify=[
            {"name": "host", "http": {"url": "http://localhost/"}},
            {"name": "db", "exec": {"service": "db", "command": ["true"]}},
            {"name": "web", "tcp": {"from": "web", "to": "db:5432"}},
        ],
    )


def test_a_service_comes_with_what_it_needs(shop):
    narrow = target(shop, ["service.api"])
    assert list(narrow.services) == ["api", "db"]
    assert list(narrow.networks) == ["front", "back"]
    assert list(narrow.volumes) == ["data"]
    assert list(narrow.configs) == ["conf"]
    assert list(narrow.secrets) == ["url", "password"]
    assert [check.name for check in narrow.checks] == ["host", "db"]
    assert narrow.root is shop.root


def test_a_volume_stands_alone(shop):
    narrow = target(shop, ["volume.other"])
    assert (list(narrow.services), list(narrow.volumes)) == ([], ["other"])


def test_a_replica_means_its_service(shop):
    assert list(target(shop, ["service.db[2]"]).services) == ["db"]


def test_a_name_that_is_unique_needs_no_kind(shop):
    assert list(target(shop, ["db"]).services) == ["db"]
    assert list(target(shop, ["other"]).volumes) == ["other"]
    addresses = (Address("", "api", 2), Address("volume", "both"))
    assert with_kinds(shop, addresses) == (Address("service", "api", 2), Address("volume", "both"))


def test_no_address_means_everything(shop):
    assert target(shop, []) is shop


@pytest.mark.parametrize(
    ("address", "message", "hint"),
    [
        ("service.apy", "no service is named 'apy'", "did you mean 'api'?"),
        ("apy", "nothing is named 'apy'", "did you mean 'api'?"),
        ("both", "'both' is a network and a volume", "write network.both or volume.both"),
        ("pod.api", "'pod.api' is not an address", "write it as service.NAME"),
        ("config.zzz", "no config is named 'zzz'", "there are: conf"),
    ],
)
def test_an_address_that_names_nothing(shop, address, message, hint):
    with pytest.raises(UsageError) as caught:
        target(shop, [address])
    assert caught.value.message == f"--target: {message}"
    assert caught.value.hint == hint


def test_scale_changes_one_service(shop):
    wide = scale(shop, {"api": 3})
    assert {name: service.replicas for name, service in wide.services.items()} == {
        "web": 1,
        "api": 3,
        "db": 1,
        "one": 1,
        "everywhere": 1,
    }


@pytest.mark.parametrize(
    ("replicas", "message"),
    [
        ({"wep": 2}, "--scale: no service is named 'wep'"),
        ({"web": -1}, "--scale web=-1: expected a whole number from 0"),
        ({"one": 2}, "--scale one=2: its container_name can name one container"),
        ({"everywhere": 2}, "--scale: 'everywhere' runs once on every engine (deploy.mode: global)"),
    ],
)
def test_a_scale_that_can_not_be(shop, replicas, message):
    with pytest.raises(UsageError) as caught:
        scale(shop, replicas)
    assert caught.value.message == message
