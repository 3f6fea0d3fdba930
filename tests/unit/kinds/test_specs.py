"""A spec holds what is compared, and nothing beside it: what no field of a kind is called, nobody may ask for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

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


@pytest.mark.parametrize(
    ("option", "written"),
    [
        ("no-new-privileges=true", "no-new-privileges"), ("no-new-privileges=true", "no-new-privileges:true"),
        ("label=disable", "label:disable"), ("label=type:t", "label:type:t"), ("apparmor=own", "apparmor:own"),
        ("seccomp=unconfined", "seccomp:unconfined"), ("label=disable", "label=disable"),
    ],
)  # fmt: skip
def test_an_option_of_security_is_the_same_however_an_engine_was_given_it(option: str, written: str) -> None:
    """Compose hands on what the file says."""
    [field] = (field for field in container.FIELDS if field.key == "security_opt")
    context = ParseContext(service="a", image="a")
    wanted = [field.parse({"security_opt": [one]}, context) for one in (option, written)]
    seen = field.decode({"HostConfig": {"SecurityOpt": [written]}}, DecodeContext())
    assert wanted == [seen, seen]
