"""Aliases: what an engine adds is no difference, unless it is declared, or was."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kinds.container_networks import (
    decode_links,
    decode_networks,
    encode_first,
    joined_later,
    without_chosen,
)
from provisioner.kinds.context import DecodeContext, EncodeContext

ID = "0123456789abcdef" * 4


def seen(declared: list[str], hostname: str | None, *, old: bool) -> dict[str, Any]:
    """What is observed of a container whose attachment declares these aliases."""
    added = [ID[:12], hostname or ID[:12]] if old else []
    endpoint: dict[str, Any] = {"Aliases": [*declared, *added], **({} if old else {"DNSNames": [ID[:12], "h"]})}
    return decode_networks(
        {
            "Id": ID,
            "Config": {"Hostname": hostname or ID[:12]},
            "HostConfig": {"NetworkMode": "p_n"},
            "NetworkSettings": {"Networks": {"p_n": endpoint}},
        },
        DecodeContext(networks={"p_n": "n"}),
    )


@pytest.mark.parametrize("old", [True, False])
@pytest.mark.parametrize("hostname", [None, "h", "h.d.e", "a"])
@pytest.mark.parametrize("aliases", [["a"], ["a", "h"], ["a", "h.d.e"], ["a", "other"]])
def test_what_is_declared_is_what_is_observed(aliases: list[str], hostname: str | None, *, old: bool) -> None:
    wanted = {"n": {"aliases": sorted(aliases)}}
    assert without_chosen(seen(aliases, hostname, old=old), wanted, ()) == wanted


def test_an_alias_that_is_declared_no_more_goes() -> None:
    wanted = {"n": {"aliases": ["a"]}}
    assert without_chosen(seen(["a", "h"], None, old=True), wanted, ()) == {"n": {"aliases": ["a", "h"]}}
    # Where the engine adds it by itself there is nothing to take away; from DNSNames on there is.
    assert without_chosen(seen(["a", "h"], "h", old=True), wanted, ()) == wanted
    assert without_chosen(seen(["a", "h"], "h", old=False), wanted, ()) == {"n": {"aliases": ["a", "h"]}}


def test_an_attachment_that_nobody_declares_is_seen_whole() -> None:
    assert without_chosen(seen(["a"], "h", old=True), {}, ()) == {"n": {"aliases": ["a"]}}


@pytest.mark.parametrize(
    ("texts", "links"),
    [
        # `links: ["db:rows"]` and `links: [db]` as Compose carries them out, for the first container and the second.
        (["shop-db-1:rows", "shop-db-1:db-1", "shop-db-1:shop-db-1"], ["shop-db-1:rows"]),
        (["shop-db-1:db", "shop-db-1:db-1", "shop-db-1:shop-db-1"], []),
        (["own:db", "own:db-2", "own:shop-db-2"], []),
        (["/shop-db-1:/shop-web-1/rows", "/shop-db-1:/shop-web-1/db-1", "/shop-db-1:/shop-web-1/shop-db-1"],
         ["shop-db-1:rows"]),
        # What somebody linked by hand, or as `external_links`, is seen.
        (["own:db"], ["own:db"]),
        (["own:db", "own:db-1"], ["own:db", "own:db-1"]),
        (["own:db", "other:db-1", "own:shop-db-1"], ["other:db-1", "own:db", "own:shop-db-1"]),
        (None, []),
    ],
)  # fmt: skip
def test_names_that_compose_links_besides_are_no_difference(texts: list[str] | None, links: list[str]) -> None:
    assert decode_links(texts, {"com.docker.compose.project": "shop"}) == links
    assert len(decode_links(texts, {})) == len(texts or ())


@pytest.mark.parametrize(("name", "differs"), [("web", False), ("shop-web-1", True)])
def test_a_name_that_an_engine_answers_to_need_not_be_an_alias(name: str, *, differs: bool) -> None:
    """As of a container of `docker run`, which becomes a service under its own name."""
    raw = {
        "Id": ID, "Name": f"/{name}", "Config": {"Hostname": ID[:12]}, "HostConfig": {"NetworkMode": "p_n"},
        "NetworkSettings": {"Networks": {"p_n": {"Aliases": [ID[:12]], "DNSNames": [name, ID[:12]]}}},
    }  # fmt: skip
    wanted = {"n": {"aliases": ["web"]}}
    found = without_chosen(decode_networks(raw, DecodeContext(networks={"p_n": "n"})), wanted, ())
    assert (found != wanted) == differs


def test_a_stopped_container_has_the_hardware_address_that_it_was_made_with() -> None:
    """Its endpoint has none; the container tells it, for the network that it was made on."""
    raw = {
        "Id": ID, "Name": "/web", "Config": {"Hostname": ID[:12], "MacAddress": "02:42:0a:00:00:07"},
        "HostConfig": {"NetworkMode": "p_n"},
        "NetworkSettings": {"Networks": {name: {"Aliases": ["web"], "MacAddress": ""} for name in ("p_n", "p_m")}},
    }  # fmt: skip
    seen = decode_networks(raw, DecodeContext(networks={"p_n": "n", "p_m": "m"}))
    assert (seen["n"].get("mac_address"), seen["m"].get("mac_address")) == ("02:42:0a:00:00:07", None)


@pytest.mark.parametrize(
    ("api_version", "later", "container", "endpoints"),
    [
        ((1, 43), ["m", "l"], "02:42:0a:00:00:01", {"p_n": None}),
        ((1, 44), ["l"], None, {"p_n": "02:42:0a:00:00:01", "m": "02:42:0a:00:00:02"}),
    ],
)
def test_a_container_is_created_on_the_networks_that_give_it_a_hardware_address(
    api_version: tuple[int, int], later: list[str], container: str | None, endpoints: dict[str, str | None]
) -> None:
    attached: dict[str, Any] = {
        "n": {"aliases": [], "mac_address": "02:42:0a:00:00:01"},
        "m": {"aliases": [], "mac_address": "02:42:0a:00:00:02"},
        "l": {"aliases": ["x"]},
    }
    assert joined_later(attached, api_version) == later
    raw: dict[str, Any] = {"Config": {}, "HostConfig": {}}
    encode_first(raw, attached, EncodeContext(networks={"n": "p_n"}, api_version=api_version))
    assert (raw["HostConfig"]["NetworkMode"], raw["Config"].get("MacAddress")) == ("p_n", container)
    written = raw["NetworkingConfig"]["EndpointsConfig"]
    assert {name: one.get("MacAddress") for name, one in written.items()} == endpoints
