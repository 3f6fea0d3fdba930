"""When an image that is there is looked up again, and that one which may not be pulled is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from provisioner.app.freshness import greatest_age, is_due
from provisioner.model.address import Address
from provisioner.model.change import Action, Change
from provisioner.model.plan import Policy
from provisioner.model.state import Facts, ImageWork, ObservedState, Resource
from provisioner.reconcile.safety import check

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "age"),
    [
        ({}, None),
        ({"pull_policy": "missing"}, None),
        ({"pull_policy": "never"}, None),
        ({"pull_policy": "build"}, None),
        ({"pull_policy": "always"}, timedelta(0)),
        ({"pull_policy": "daily"}, timedelta(days=1)),
        ({"pull_policy": "weekly"}, timedelta(weeks=1)),
        ({"pull_policy": "every_1d12h"}, timedelta(days=1, hours=12)),
        ({"pull_policy": "refresh", "pull_refresh_after": "90m"}, timedelta(minutes=90)),
    ],
)
def test_greatest_age(body: dict[str, Any], age: timedelta | None) -> None:
    assert greatest_age(body) == age


@pytest.mark.parametrize(
    ("tagged", "due"),
    [
        ("2026-03-10T11:00:00.123456789Z", False),
        ("2026-03-09T11:00:00.123456789Z", True),
        ("2026-03-10T13:30:00.5+02:00", False),
        ("2026-03-09T12:00:00Z", True),
        ("0001-01-01T00:00:00Z", True),
        ("", True),
        ("yesterday", True),
    ],
)
def test_is_due(tagged: str, due: bool) -> None:
    assert is_due({"Metadata": {"LastTagTime": tagged}}, timedelta(days=1), NOW) is due


def test_what_is_not_there_is_not_looked_up() -> None:
    assert not is_due(None, timedelta(days=1), NOW)


@pytest.mark.parametrize(("policy", "refused"), [("never", True), ("missing", False)])
def test_an_image_that_may_not_be_pulled(policy: str, refused: bool) -> None:
    wanted = Resource(Address("image", "a"), "image", "a:1", {}, image=ImageWork(pull_policy=policy))
    change = Change(wanted.address, Action.CREATE, "not on the engine yet", desired=wanted)
    problems = check([change], ObservedState(Facts(), {}), Policy())
    assert [problem.path for problem in problems] == (["image.a"] if refused else [])
