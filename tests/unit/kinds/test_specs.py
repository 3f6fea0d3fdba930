"""A spec holds what is compared, and nothing beside it: what no field of a kind is called, nobody may ask for."""

from __future__ import annotations

import re
from pathlib import Path

from provisioner.kinds import container, image, network, service, swarm_file, volume
from provisioner.kinds.context import DecodeContext, ParseContext

SOURCES = Path(container.__file__).parents[1]
KEYS = {field.key for kind in (container, image, network, service, swarm_file, volume) for field in kind.FIELDS}
_ASKED = re.compile(r"""(?:\.|\b)spec(?:\[|\.get\()["']([a-z_.]+)["']""")


def test_nobody_asks_for_what_no_field_holds() -> None:
    asked = {
        (str(path.relative_to(SOURCES)), key)
        for path in SOURCES.rglob("*.py")
        for key in _ASKED.findall(path.read_text(encoding="utf-8"))
    }
    assert len(asked) > 50, "specs are read in another way now"
    assert {(path, key) for path, key in asked if key not in KEYS} == set()


def test_specs_are_total_and_have_nothing_more() -> None:
    body = {"image": "a", "networks": {"default": None}}
    of_container, of_service = (kind.parse(body, ParseContext(service="a", image="a")) for kind in (container, service))
    assert of_container.keys() == {field.key for field in container.FIELDS}
    assert of_service.keys() == {field.key for field in service.FIELDS}
    assert network.parse({}).keys() == {field.key for field in network.FIELDS}
    assert volume.parse({}).keys() == {field.key for field in volume.FIELDS}
    seen = container.decode({"Id": "1", "Config": {}, "HostConfig": {}, "NetworkSettings": {}}, DecodeContext())
    assert seen.keys() == of_container.keys()
