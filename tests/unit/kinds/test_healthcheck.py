"""Health checks: what an engine merges from the image is no difference."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kinds import healthcheck

IMAGE = {"Test": ["CMD", "true"], "Interval": 10**9, "Retries": 2, "StartPeriod": 10**9}


def merged(declared: Any) -> Any:
    """What an engine makes of a check and the image's: each part that is not set is the image's."""
    return {**IMAGE, **{key: value for key, value in healthcheck.encode(declared or {}).items() if value}}


@pytest.mark.parametrize(
    "check",
    [
        None,
        {"disable": True},
        {"test": ["NONE"]},
        {"test": ["NONE"], "interval": "5s", "retries": 1},
        {"retries": 0},
        {"retries": 7},
        {"interval": "0s", "start_period": "0ms"},
        {"interval": "1m30s"},
        {"interval": "90s"},
        {"test": "exit 0"},
        {"test": ["CMD", "true"]},
        {"test": []},
    ],
)
def test_what_is_declared_is_what_is_read_back(check: Any) -> None:
    declared, image = healthcheck.parse(check), healthcheck.decode(IMAGE)
    live = healthcheck.decode(merged(declared))
    assert healthcheck.beyond_image(declared, image) == healthcheck.beyond_image(live, image)


def test_a_check_that_is_switched_off_has_no_options() -> None:
    assert healthcheck.decode({**IMAGE, "Test": ["NONE"]}) == {"test": ["NONE"]}
    assert healthcheck.beyond_image({"test": ["NONE"]}, healthcheck.decode(IMAGE)) == {"test": ["NONE"]}


def test_an_image_may_switch_its_own_check_off() -> None:
    off = healthcheck.decode({"Test": ["NONE"]})
    assert healthcheck.beyond_image(healthcheck.parse({"retries": 3}), off) is None
    assert healthcheck.beyond_image(healthcheck.parse({"test": "true"}), off) == {"test": ["CMD-SHELL", "true"]}
