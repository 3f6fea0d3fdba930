"""Which nodes of a Swarm can run a service, and what a kernel without IPVS means."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from provisioner.engines.kernel import has_ipvs, listening_ports
from provisioner.model.address import Address
from provisioner.model.change import Action, Change
from provisioner.model.state import Resource
from provisioner.reconcile.placement import Requirements, ipvs_problems, obstacles, placement_problems

if TYPE_CHECKING:
    from pathlib import Path

    from provisioner.model.span import Problem


def node(name: str = "one", **more: Any) -> dict[str, Any]:
    return {
        "ID": f"id-{name}",
        "Spec": {"Role": "manager", "Availability": "active", "Labels": {"disk": "ssd"}, **more.pop("Spec", {})},
        "Description": {
            "Hostname": name,
            "Platform": {"OS": "linux", "Architecture": "x86_64"},
            "Resources": {"NanoCPUs": 2 * 10**9, "MemoryBytes": 1 << 30},
            "Engine": {"Labels": {"zone": "a"}},
        },
        "Status": {"State": "ready", "Addr": "10.0.0.5", **more.pop("Status", {})},
    }


def spec(*constraints: str, **more: Any) -> dict[str, Any]:
    placement = {"constraints": list(constraints), **more.pop("placement", {})}
    return {"placement": placement, "replicas": 1, "networks": {"default": {}}, "ports": {}, **more}


@pytest.mark.parametrize(
    "constraint",
    [
        "node.role==manager", "node.role!=worker", "node.hostname==ONE", "node.id==id-one", "node.labels.disk==SSD",
        "node.labels.none!=x", "engine.labels.zone==a", "node.platform.os==linux", "node.platform.arch==x86_64",
        "node.ip==10.0.0.0/24", "node.ip!=10.1.0.0/16",
    ],
)  # fmt: skip
def test_constraints_that_hold(constraint: str) -> None:
    assert obstacles(Requirements.of(service(spec(constraint))), [node()]) == {"one": ""}


@pytest.mark.parametrize(
    ("wanted", "one", "says"),
    [
        (spec("node.role==worker"), node(), "node.role==worker does not hold"),
        (spec("node.labels.disk!=ssd"), node(), "does not hold"),
        (spec("node.labels.gpu==yes"), node(), "does not hold"),
        (spec("node.ip==10.1.0.0/16"), node(), "does not hold"),
        (spec("node.colour==red"), node(), "does not hold"),
        (spec(), node(Status={"State": "down"}), "it is down"),
        (spec(), node(Spec={"Availability": "drain"}), "its availability is drain"),
        (spec(placement={"platforms": ["linux/arm64"]}), node(), "its platform is linux/amd64, not linux/arm64"),
        (spec(cpu_reservation=4.0), node(), "it has 2 CPUs, and 4 are to be reserved"),
        (spec(mem_reservation=2 << 30), node(), "it has 1024 MiB of memory, and 2048 MiB are to be reserved"),
    ],
)
def test_what_is_in_the_way(wanted: dict[str, Any], one: dict[str, Any], says: str) -> None:
    assert says in obstacles(Requirements.of(service(wanted)), [one])["one"]


def test_platforms_by_any_of_their_names_fit() -> None:
    for platform in ("linux/amd64", "linux/x86_64", "linux"):
        assert obstacles(Requirements.of(service(spec(placement={"platforms": [platform]}))), [node()]) == {"one": ""}


def service(wanted: dict[str, Any]) -> Resource:
    return Resource(Address("service", "web"), "service", "p_web", wanted)


def change(action: Action = Action.CREATE, **wanted: Any) -> Change:
    address = Address("service", "web")
    return Change(address, action, "", desired=service(wanted))


def judged(changes: list[Change], nodes: list[Any]) -> tuple[list[Problem], list[Problem]]:
    """The notes and the refusals."""
    found = list(placement_problems(changes, nodes))
    return [p for refused, p in found if not refused], [p for refused, p in found if refused]


def test_no_node_is_a_refusal_and_some_nodes_a_note() -> None:
    picky = change(**spec("node.hostname==one"))
    notes, refusals = judged([picky], [node("two"), node("three")])
    assert (len(notes), len(refusals)) == (0, 1)
    assert "no node can run it: two: node.hostname==one does not hold; three" in refusals[0].message
    notes, refusals = judged([picky], [node("one"), node("two")])
    assert refusals == []
    assert "1 of 2 nodes can run it (one); not two" in notes[0].message
    assert judged([picky], [node("one")]) == ([], [])


def test_replicas_without_room_are_refused() -> None:
    capacity_problems = change(**spec(placement={"max_replicas_per_node": 1}, replicas=3))
    _, refusals = judged([capacity_problems], [node("one"), node("two")])
    assert "3 replicas have no room: 2 nodes can run it, each at most 1" in refusals[0].message


def test_what_is_not_changed_is_not_judged() -> None:
    for action in (Action.UNCHANGED, Action.DELETE):
        assert judged([change(action, **spec("node.role==worker"))], [node()]) == ([], [])
    assert judged([change(**spec("node.role==worker", replicas=0))], [node()])[1] == []


def test_what_needs_ipvs_is_told_with_what_to_use() -> None:
    def messages(**wanted: Any) -> list[str]:
        address = Address("service", "web")
        return [str(one) for _, one in ipvs_problems([Resource(address, "service", "p_web", spec(**wanted))])]

    virtual = messages(endpoint_mode="vip", ports={})
    assert len(virtual) == 1 and "dnsrr" in virtual[0]
    ingress = messages(endpoint_mode="dnsrr", ports={"80/tcp": ["8080:ingress", "8081:host"]})
    assert len(ingress) == 1 and "port 8080" in ingress[0] and "8081" not in ingress[0] and "mode: host" in ingress[0]
    assert messages(endpoint_mode="dnsrr", ports={"80/tcp": ["8081:host"]}) == []
    assert messages(endpoint_mode="vip", networks={"host": {}}) == []


HERE = os.uname().release


def test_a_kernel_elsewhere_is_not_judged(tmp_path: Path) -> None:
    assert has_ipvs("ssh://there", HERE, tmp_path) is None
    assert has_ipvs("unix:///x", "1.2.3-other", tmp_path) is None
    assert has_ipvs("unix:///x", "", tmp_path) is None


def test_ipvs_that_is_loaded_built_in_loadable_or_not_there(tmp_path: Path) -> None:
    assert has_ipvs("unix:///x", HERE, tmp_path) is False, "no modules, nothing built in"
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/modules").write_text("nf_conntrack 1 0\n")
    assert has_ipvs("unix:///x", HERE, tmp_path) is None, "the modules can not be seen from a container"
    modules = tmp_path / "lib/modules" / HERE
    modules.mkdir(parents=True)
    (modules / "modules.dep").write_text("kernel/net/foo.ko:\n")
    assert has_ipvs("unix:///x", HERE, tmp_path) is False
    (modules / "modules.dep").write_text("kernel/net/netfilter/ipvs/ip_vs.ko.zst:\n")
    assert has_ipvs("unix:///x", HERE, tmp_path) is True
    (modules / "modules.dep").write_text("")
    (tmp_path / "proc/modules").write_text("ip_vs 180224 0 - Live\n")
    assert has_ipvs("unix:///x", HERE, tmp_path) is True
    (tmp_path / "proc/modules").unlink()
    (tmp_path / "proc/net").mkdir()
    (tmp_path / "proc/net/ip_vs").write_text("")
    assert has_ipvs("unix:///x", HERE, tmp_path) is True


def test_bound_ports_are_told_of_an_engine_that_listens_here(tmp_path: Path) -> None:
    net, socket = tmp_path / "proc/net", tmp_path / "docker.sock"
    net.mkdir(parents=True)
    url, host = f"unix://{socket}", os.uname().nodename
    (net / "tcp").write_text(
        "  sl  local_address rem_address   st\n"
        "   0: 0100007F:1F90 00000000:0000 0A 0 0\n"
        "   1: 0100007F:1F91 0200007F:0050 01 0 0\n"
    )
    (net / "tcp6").write_text(
        "  sl  local_address remote_address st\n"
        f"   0: {'0' * 32}:01BB {'0' * 32}:0000 0A 0 0\n"
        f"   1: 0000000000000000FFFF00000100007F:0050 {'0' * 32}:0000 0A 0 0\n"
    )
    assert listening_ports(url, host, HERE, tmp_path) is None, "nobody listens on the socket here"
    (net / "unix").write_text(
        "Num       RefCount Protocol Flags    Type St Inode Path\n"
        f"0: 00000002 00000000 00010000 0001 01 6105 {socket}\n"
    )
    assert listening_ports(url, host, HERE, tmp_path) == {
        ("127.0.0.1", 8080, "tcp"), ("::", 443, "tcp"), ("127.0.0.1", 80, "tcp"),
    }  # fmt: skip
    assert listening_ports(url, "elsewhere", HERE, tmp_path) is None
    assert listening_ports("ssh://there", host, HERE, tmp_path) is None
