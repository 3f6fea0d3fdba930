"""No value differs after it was applied, whatever an engine adds by itself: all at once on an engine in memory."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from provisioner.document import Sources, read
from provisioner.engines.memory import MemoryEngine
from provisioner.model.address import Address
from provisioner.model.change import Action
from provisioner.model.plan import Policy
from provisioner.platforms.choice import lower
from provisioner.platforms.lowering import InputVersions
from provisioner.playbook.bind import bind
from provisioner.reconcile.diff import diff
from provisioner.reconcile.dispatch import Calls
from provisioner.reconcile.execute import execute
from provisioner.reconcile.observe import observe
from provisioner.reconcile.planning import plan
from tests.fields import company, containers, playbooks
from tests.property.environments import Patient

if TYPE_CHECKING:
    from pathlib import Path

    from provisioner.model.state import DesiredState
    from tests.fields.sample import Version

PROJECT, IMAGE = "company", "full:1"
FILES = (Address("config", "own_file"), Address("secret", "own_file"), Address("secret", "shown"))


def lowered(folder: Path, api: Version) -> DesiredState:
    samples = [one for one in containers.SAMPLES if one.since <= api and not one.untried]
    services = company.bodies(samples, PROJECT)
    path = playbooks.write(folder, PROJECT, company.playbook(services, samples, IMAGE, api))
    document = read(Sources(files=(path,), environment={}))
    return lower(bind(document), InputVersions(versions=dict.fromkeys(FILES, "1")), "containers")


@pytest.mark.parametrize("api", [(1, 41), (1, 51)], ids=["20.10", "28.5"])
def test_nothing_differs_in_company(tmp_path: Path, api: Version) -> None:
    at, desired = MemoryEngine(api), lowered(tmp_path, api)
    for reference in ("alpine:3.20", containers.IMAGE):
        at.add_image(reference, {"Env": ["PATH=/bin"], "Cmd": ["sh"]})
    at.add_image(IMAGE, company.CONFIG)
    at.start(at.create("container", f"{PROJECT}-outer", {"Image": IMAGE}))
    observed = observe(at, desired)
    made = plan(PROJECT, diff(desired, observed), desired, observed, Policy())
    assert made.refusals == ()
    report = execute(
        made, Calls(made, at, dict.fromkeys(FILES, b"its value"), Patient()), parallel=1, clock=Patient(),
        listener=lambda event: None, interrupted=threading.Event(),
    )  # fmt: skip
    assert [f"{one.step.address}: {one.error}" for one in report.failures] == []
    left = [change for change in diff(desired, observe(at, desired)) if change.action is not Action.UNCHANGED]
    assert [f"{one.address}: {[(d.path, d.before, d.after) for d in one.differences]}" for one in left] == []
