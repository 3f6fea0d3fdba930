"""Aliases: what an engine adds is no difference, unless it is declared, or was."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kinds.container_networks import decode_networks, without_chosen
from provisioner.kinds.context import DecodeContext

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
