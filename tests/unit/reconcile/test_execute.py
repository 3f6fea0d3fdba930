"""The order in which steps begin, and what holds back what."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from provisioner.app.wiring import SystemClock
from provisioner.model.address import Address
from provisioner.model.operation import Goal, Start, Wait
from provisioner.model.plan import Plan, Verb
from provisioner.model.report import Outcome
from provisioner.model.state import DesiredState, Facts, ObservedState
from provisioner.reconcile.execute import NeverSet, execute
from provisioner.reconcile.steps import Steps

if TYPE_CHECKING:
    from provisioner.model.plan import Step


def test_who_waits_does_not_hold_back_what_does_not_need_it() -> None:
    """However many wait: here all of them for a step that comes after them."""
    steps, started = Steps(), threading.Event()
    for index in range(100):
        steps.add(Wait(Goal.READY, 60, None), Address("service", f"s{index}"), "")
    steps.add(Start(), Address("service", "other"), "")

    def call(step: Step, *_: object) -> str:
        if step.verb is not Verb.WAIT:
            started.set()
        assert started.wait(10)
        return ""

    plan = Plan("shop", DesiredState("shop", {}), ObservedState(Facts(), {}), (), tuple(steps.all))
    report = execute(
        plan, call, parallel=1, clock=SystemClock(), listener=lambda event: None, interrupted=NeverSet()
    )  # fmt: skip
    assert {one.outcome for one in report.results} == {Outcome.DONE}
