"""Seccomp profiles: which option names one, and when two say the same."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from provisioner.kinds import seccomp
from provisioner.kinds.container_fields import PLAIN
from provisioner.kinds.context import DecodeContext, ParseContext
from provisioner.kinds.swarm_container import decode_privileges, encode_privileges, parse_privileges


@pytest.mark.parametrize(
    ("option", "path"),
    [
        ("seccomp:./profile.json", "./profile.json"),
        ("seccomp=/etc/a:b=c.json", "/etc/a:b=c.json"),
        ("seccomp:/etc/a=b.json", "/etc/a=b.json"),
        ("seccomp=unconfined", None),
        ("seccomp:builtin", None),
        ('seccomp={"defaultAction":"SCMP_ACT_ALLOW"}', None),
        ("apparmor=seccomp", None),
        ("no-new-privileges", None),
    ],
)
def test_the_file_of_a_profile(option: str, path: str | None) -> None:
    assert seccomp.profile_file(option) == path


def test_two_profiles_that_say_the_same_are_equal() -> None:
    assert seccomp.canonical('{"b": 1, "a": [2]}') == seccomp.canonical('{\n "a": [2],\n "b": 1\n}')
    with pytest.raises(ValueError, match="no JSON object"):
        seccomp.canonical("[]")


def test_a_profile_stands_in_the_place_of_its_path() -> None:
    body = {"security_opt": ["seccomp:./p.json", "no-new-privileges:true", "seccomp=other.json"]}
    assert seccomp.with_profiles(body, {"./p.json": '{"a":1}'})["security_opt"] == [
        'seccomp={"a":1}', "no-new-privileges:true", "seccomp=other.json",
    ]  # fmt: skip
    assert seccomp.with_profiles({}, {}) == {}


def test_what_the_engine_shows_is_compared_by_what_it_says() -> None:
    field = next(one for one in PLAIN if one.key == "security_opt")
    raw: dict[str, Any] = {"HostConfig": {"SecurityOpt": ['seccomp={"b":1, "a":2}']}}
    declared = field.parse({"security_opt": ['seccomp:{"a":2,"b":1}']}, ParseContext())
    assert field.decode(raw, DecodeContext()) == declared == ['seccomp={"a":2,"b":1}']


def test_a_profile_on_swarm_is_read_back() -> None:
    wanted = parse_privileges({"security_opt": ['seccomp={"b":1, "a":2}', "no-new-privileges:true"]})
    raw: dict[str, Any] = {}
    encode_privileges(raw, wanted)
    sent = raw["TaskTemplate"]["ContainerSpec"]["Privileges"]["Seccomp"]
    assert (sent["Mode"], base64.b64decode(sent["Profile"])) == ("custom", b'{"a":2,"b":1}')
    assert decode_privileges(raw) == wanted
