"""What of an object counts for a plan's digest, and what may change between the plan and the apply."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from provisioner.app.plan_digest import digest_removal
from provisioner.model.address import Address
from provisioner.model.plan import Plan
from provisioner.model.state import DesiredState, Facts, Observed, ObservedState, Runtime

WEB = Address("service", "web", 1)
NETWORKS = {"default": {"aliases": ["web"], "mac_address": "02:42:ac:12:00:02"}}
SEEN = Observed(
    WEB, "container", "0" * 64, "shop-web-1", {"image": "web:1", "networks": NETWORKS, "mac_address": None},
    runtime=Runtime(status="running"),
)  # fmt: skip


def differences(then: Observed, now: Observed) -> list[str]:
    digests = []
    for found in (then, now):
        observed = ObservedState(Facts(engine_id="one"), {WEB: found})
        digests.append(digest_removal(Plan("shop", DesiredState("shop", {}), observed, (), ()), "salt"))
    return digests[0].differences(digests[1])


@pytest.mark.parametrize(
    "what",
    [
        {"runtime": Runtime(status="restarting", restarts=7, exit_code=4)},
        {"runtime": Runtime(status="running", health="unhealthy")},
        # An endpoint has a hardware address only while its container runs.
        {"spec": SEEN.spec | {"networks": {"default": {"aliases": ["web"]}}}},
        {"spec": SEEN.spec | {"mac_address": "02:42:ac:11:00:09"}},
        {"users": ("another",)},
        # What ends by itself is removed all the same.
        {"runtime": Runtime(status="exited", exit_code=1)},
    ],
)
def test_what_changes_by_itself_is_no_difference(what: dict[str, Any]) -> None:
    assert differences(SEEN, replace(SEEN, **what)) == []


@pytest.mark.parametrize(
    "what",
    [
        {"id": "1" * 64},
        {"spec": SEEN.spec | {"image": "web:2"}},
        {"spec": SEEN.spec | {"networks": {"default": {"aliases": ["web", "www"]}}}},
        {"spec": SEEN.spec | {"networks": NETWORKS | {"back": {}}}},
        {"protected": True},
    ],
)
def test_what_somebody_changed_is_named(what: dict[str, Any]) -> None:
    assert differences(SEEN, replace(SEEN, **what)) == [f"on the engine: {WEB} changed"]
