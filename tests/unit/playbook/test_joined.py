"""What belongs to whoever has a namespace can not be had by a service that lives in it."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.playbook.crossref import contradictions

GUEST = {"network_mode": "service:other"}
FAR = {"network_mode": "container:far"}
HOST = {"network_mode": "host"}


def problems(bound: Any, body: dict[str, Any], **other: Any) -> list[tuple[str, str]]:
    services = {"a": {"image": "a:1", **body}, "other": {"image": "a:1", **other}}
    problems = contradictions(bound(services=services), "containers")
    assert all(one.span is not None and one.hint for one in problems)
    return [(one.path, one.message) for one in problems]


@pytest.mark.parametrize("mode", [GUEST, FAR], ids=["a service", "a container"])
@pytest.mark.parametrize(
    "own",
    [
        {"hostname": "h"}, {"mac_address": "02:42:ac:11:65:43"}, {"dns": ["9.9.9.9"]}, {"extra_hosts": ["a=1.2.3.4"]},
        {"expose": ["80"]}, {"links": ["other"]}, {"external_links": ["far"]},
    ],
    ids=lambda own: next(iter(own)),
)  # fmt: skip
def test_who_lives_in_another_ones_network(bound: Any, own: dict[str, Any], mode: dict[str, str]) -> None:
    ((path, message),) = problems(bound, {**mode, **own})
    assert path == f"services.a.{next(iter(own))}"
    assert message == f"can not be had here: the network belongs to '{mode['network_mode']}'"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({**HOST, "links": ["other"]}, "links"),
        ({**HOST, "sysctls": {"net.core.somaxconn": "9"}}, "sysctls.net.core.somaxconn"),
        ({**HOST, "sysctls": {"net/ipv4/ip_forward": "1"}}, "sysctls.net/ipv4/ip_forward"),
        ({"ipc": "host", "sysctls": {"kernel.shmmax": "1"}}, "sysctls.kernel.shmmax"),
        ({"uts": "host", "hostname": "h"}, "hostname"),
    ],
)
def test_who_lives_in_the_hosts(bound: Any, body: dict[str, Any], path: str) -> None:
    assert [one for one, _ in problems(bound, body)] == [f"services.a.{path}"]


@pytest.mark.parametrize(("own", "refused"), [("private", True), ("none", True), ("shareable", False), ("host", False)])
def test_an_ipc_namespace_is_shared_by_who_has_it(bound: Any, own: str, refused: bool) -> None:
    paths = [path for path, _ in problems(bound, {"ipc": "service:other"}, ipc=own)]
    assert paths == (["services.a.ipc"] if refused else [])


@pytest.mark.parametrize(
    "body",
    [
        {**GUEST, "domainname": "d", "dns_search": ["x"], "sysctls": {"net.core.somaxconn": "9"}},
        {**GUEST, "hostname": "", "dns": [], "expose": []},
        {**HOST, "hostname": "h", "dns": ["9.9.9.9"], "expose": ["80"], "sysctls": {"kernel.shmmax": "1"}},
        {"ipc": "host", "sysctls": {"net.core.somaxconn": "9"}},
        {"network_mode": "none", "mac_address": "02:42:ac:11:65:43", "links": ["other"]},
        {"ipc": "service:other"},
    ],
)
def test_the_rest_may_be(bound: Any, body: dict[str, Any]) -> None:
    assert problems(bound, body) == []
