"""Ports as other tools write them."""

from __future__ import annotations

import pytest

from provisioner.kinds.container_ports import exposed


@pytest.mark.parametrize(
    ("live", "ports"),
    [
        (["5432"], {"5432/tcp"}),
        (["53/udp", "53"], {"53/tcp", "53/udp"}),
        (["80-81/tcp"], {"80/tcp", "81/tcp"}),
        ([], set()),
    ],
)
def test_a_port_without_a_protocol_is_one_of_tcp(live: list[str], ports: set[str]) -> None:
    assert exposed(live) == ports
