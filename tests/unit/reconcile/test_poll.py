"""What is to come to nothing is asked for until it has, or until the time is up."""

from __future__ import annotations

import pytest

from provisioner.errors import ProvisionError
from provisioner.reconcile.poll import Pending, poll
from tests.clock import Clock


def tasks(*answers: int) -> tuple[list[int], Pending[str]]:
    """What was left at each look, the last answer for good, and the probe."""
    seen: list[int] = []

    def look() -> list[str]:
        seen.append(answers[min(len(seen), len(answers) - 1)])
        return ["task"] * seen[-1]

    return seen, Pending(
        look, gap=1.0, describe=lambda left: f"{len(left)} left",
        overdue=lambda left: ProvisionError(f"{len(left)} still run") if answers[-1] == 2 else None,
    )  # fmt: skip


def test_it_ends_when_nothing_is_left_and_what_is_left_is_told_when_it_changes() -> None:
    said: list[str] = []
    clock = Clock()
    seen, pending = tasks(3, 3, 1, 0)
    poll(pending, 10.0, clock=clock, progress=said.append, stopped=lambda: False)
    assert seen == [3, 3, 1, 0]
    assert said == ["3 left", "1 left"]
    assert clock.time == 3.0
    assert pending.left == []


def test_the_time_is_up() -> None:
    _, forever = tasks(2)
    with pytest.raises(ProvisionError, match="2 still run"):
        poll(forever, 5.0, clock=Clock(), progress=lambda text: None, stopped=lambda: False)
    _, borne = tasks(1)
    poll(borne, 5.0, clock=Clock(), progress=lambda text: None, stopped=lambda: False)
    assert borne.left == ["task"]


def test_nobody_waits_any_more() -> None:
    seen, pending = tasks(1)
    poll(pending, 5.0, clock=Clock(), progress=lambda text: None, stopped=lambda: True)
    assert seen == [1]
