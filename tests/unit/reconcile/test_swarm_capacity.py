"""What a Swarm has no room for, what its nodes keep apart, and images that they can not get."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from provisioner.model.address import Address
from provisioner.model.change import Action, Change, FieldChange, Impact
from provisioner.model.plan import Plan
from provisioner.model.state import DesiredState, Facts, ImageFacts, ImageWork, Need, Observed, ObservedState, Resource
from provisioner.reconcile.image_availability import image_availability
from provisioner.reconcile.swarm_capacity import SwarmLoad, capacity_problems, node_local_storage, unaffected_services
from tests.unit.app.test_placement import change, node, spec

HTTP = {"80/tcp": ["8080:host"]}
NODES = [node("one"), node("two"), node("three")]
NOTHING = SwarmLoad((), ())
START_FIRST = {"order": "start-first"}


def service(name: str, published: int, mode: str, *nodes: str) -> SwarmLoad:
    """A service of somebody else, with a task on each of some nodes."""
    ports = [{"PublishedPort": published, "Protocol": "tcp", "PublishMode": mode}]
    raw = {"ID": f"id-{name}", "Spec": {"Name": name, "EndpointSpec": {"Ports": ports}}}
    return SwarmLoad([raw], [{"ServiceID": f"id-{name}", "NodeID": f"id-{one}", "Spec": {}} for one in nodes])


def found(wanted: Change, there: SwarmLoad = NOTHING, nodes: Any = NODES) -> tuple[list[str], list[str]]:
    """The notes and the refusals."""
    everything = list(capacity_problems(wanted, nodes, there))
    return [str(p) for refused, p in everything if not refused], [str(p) for refused, p in everything if refused]


def test_each_node_has_a_host_port_once() -> None:
    assert found(change(**spec(replicas=3, ports=HTTP))) == ([], [])
    _, [refusal] = found(change(**spec(replicas=4, ports=HTTP)))
    assert "4 replicas have no room: each needs host port 8080/tcp of a node, and 3 nodes can run it" in refusal


def test_a_host_port_that_another_service_has_on_a_node() -> None:
    there = service("other", 8080, "host", "one", "two")
    assert found(change(**spec(ports=HTTP)), there) == ([], [])
    _, [refusal] = found(change(**spec(replicas=2, ports=HTTP)), there)
    assert "host port 8080/tcp is taken (one: other; two: other); 1 node left for 2 tasks" in refusal
    assert found(change(**spec("node.hostname==three", ports=HTTP)), there) == ([], [])
    _, [refusal] = found(change(**spec("node.hostname==one", ports=HTTP)), there)
    assert "0 nodes left" in refusal
    _, [refusal] = found(change(**spec(mode="global", replicas=None, ports=HTTP)), there)
    assert "1 node left for 3 tasks" in refusal


@pytest.mark.parametrize(("ours", "theirs", "refused"), [
    ("ingress", "ingress", True), ("host", "ingress", True), ("ingress", "host", True), ("host", "host", False),
])  # fmt: skip
def test_a_port_through_ingress_belongs_to_one_service(ours: str, theirs: str, *, refused: bool) -> None:
    wanted = change(**spec(ports={"80/tcp": [f"8080:{ours}"]}))
    _, refusals = found(wanted, service("other", 8080, theirs))
    assert [("published by service other already" in one) for one in refusals] == [True] * refused
    assert found(wanted, service("other", 8081, theirs)) == ([], [])


def test_what_the_plan_itself_changes_is_not_in_the_way() -> None:
    there = service("p_web", 8080, "ingress")
    address = Address("service", "web")
    observed = Observed(address, "service", "id-p_web", "p_web", {})
    for action, left in ((Action.UPDATE, 0), (Action.DELETE, 0), (Action.UNCHANGED, 1)):
        one = Change(address, action, "", observed=observed)
        assert len(unaffected_services([one], there.services, there.tasks).services) == left


def updated(*paths: str, **wanted: Any) -> Change:
    differences = tuple(FieldChange(path, "a", "b", Impact.IN_PLACE) for path in paths)
    return replace(change(Action.UPDATE, **wanted), differences=differences)


@pytest.mark.parametrize("wanted", [
    spec(replicas=3, ports=HTTP, update_config=START_FIRST),
    spec(mode="global", replicas=None, ports=HTTP, update_config=START_FIRST),
    spec(replicas=6, placement={"max_replicas_per_node": 2}, update_config=START_FIRST),
])  # fmt: skip
def test_an_update_that_starts_first_needs_a_place(wanted: dict[str, Any]) -> None:
    notes, refusals = found(updated("environment.A", **wanted))
    assert (len(notes), len(refusals)) == (0, 1)
    assert "has no place for the new task" in refusals[0]
    for one in (change(**wanted), updated("replicas", **wanted)):
        notes, refusals = found(one)
        assert (len(notes), len(refusals)) == (1, 0), "it will be in the way of the next one"
    assert found(updated("environment.A", **wanted | {"update_config": {"order": "stop-first"}})) == ([], [])
    more = [*NODES, node("four"), node("five")]
    assert bool(found(updated("environment.A", **wanted), nodes=more)[1]) == (wanted.get("mode") == "global")


def test_reservations_of_others_count() -> None:
    wanted = change(**spec(replicas=3, mem_reservation=600 << 20))
    assert found(wanted) == ([], [])
    reserved = {"Resources": {"Reservations": {"MemoryBytes": 512 << 20}}}
    there = SwarmLoad((), [{"ServiceID": "x", "NodeID": "id-two", "Spec": reserved}])
    _, [refusal] = found(wanted, there)
    assert "3 replicas have no room: each reserves 600 MiB of memory, and one has 1024 MiB of memory left" in refusal
    assert "two has 512 MiB of memory left" in refusal
    assert found(change(**spec(replicas=6, cpu_reservation=1.0))) == ([], [])
    assert "each reserves 1 CPUs" in found(change(**spec(replicas=7, cpu_reservation=1.0)))[1][0]


def test_what_each_node_keeps_by_itself_is_told() -> None:
    address = Address("volume", "data")
    volumes = {"/data": {"type": "volume", "source": "p_data"}, "/etc/x": {"type": "bind", "source": "/srv/x"}}

    def told(*constraints: str, **volume: Any) -> list[str]:
        desired = DesiredState("p", {address: Resource(address, "volume", "p_data", volume)})
        return [
            str(one) for _, one in node_local_storage(change(**spec(*constraints, volumes=volumes)), NODES, desired)
        ]

    data, folder = told(driver="local")
    assert "p_data is kept on each node by itself, and one, two, three can run it" in data
    assert "/srv/x has to be there on one, two, three" in folder
    assert told("node.hostname==two") == []
    assert len(told(driver="shared")) == len(told(driver_opts={"type": "nfs"})) == 1


IMAGE = Address("image", "api")


def reach(
    *constraints: str, reference: str = "registry.example.com/api:1", action: Action = Action.UNCHANGED,
    digests: tuple[str, ...] = (), registry: str | None = None, recipe: Any = MappingProxyType({"context": "."}),
) -> tuple[list[str], list[str]]:  # fmt: skip
    """The notes and refusals for a new service whose image is, or is to be, on the node `one`."""
    image = Resource(IMAGE, "image", reference, {}, image=ImageWork(recipe=recipe))
    web = change(**spec(*constraints))
    assert web.desired is not None
    web = replace(web, desired=replace(web.desired, needs=(Need(IMAGE),)))
    images = {reference: ImageFacts(id="x", digests=digests)}
    observed = ObservedState(Facts(node_id="id-one", images=images), {})
    details = (Change(IMAGE, action, "", desired=image), web)
    desired = DesiredState("p", {IMAGE: image, web.address: web.desired})
    plan = Plan("shop/prod", desired, observed, (), (), details=details)
    verdicts = list(image_availability(plan, [web], NODES, lambda _: registry))
    return [str(p) for refused, p in verdicts if not refused], [str(p) for refused, p in verdicts if refused]


def test_an_image_that_is_built_here_does_not_get_to_the_other_nodes() -> None:
    _, [refusal] = reach(action=Action.CREATE, registry="sha256:a")
    assert "is to be built on one, and three, two would not get it" in refusal
    assert "`provision build shop/prod --push`; or keep it here" in refusal
    _, [refusal] = reach(reference="api:1")
    assert "was built on one, and no registry tells of it: three, two can not get it" in refusal
    assert "let `image:` begin with a registry that all nodes reach, and `provision build shop/prod --push`" in refusal
    _, [refusal] = reach(digests=("registry.example.com/api@sha256:a",), registry="sha256:b")
    assert "in the registry is another one than was built on one" in refusal
    assert reach(digests=("registry.example.com/api@sha256:a",), registry="sha256:a") == ([], [])
    assert reach("node.hostname==one", action=Action.CREATE) == ([], [])


def test_an_image_from_no_registry_is_told() -> None:
    [note], refusals = reach(recipe=None)
    assert "comes from no registry: three, two may not get it" in note
    assert refusals == []
    assert reach(recipe=None, digests=("registry.example.com/api@sha256:a",)) == ([], [])
