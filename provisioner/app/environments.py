"""`ls`: every environment on an engine, from the labels of what it left there. Reads only, and no file."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from provisioner.app.wiring import open_engine
from provisioner.kinds.ownership import ONE_OFF, PROJECT, owner
from provisioner.ledger.labels import LEDGER
from provisioner.ledger.records import read_ledger
from provisioner.model.looks import Environment

if TYPE_CHECKING:
    from provisioner.app.request import Request
    from provisioner.ports import EngineReader


def environments(request: Request) -> list[Environment]:
    """All environments that have a container, a service or a ledger on the engine, by name."""
    engine = open_engine(request, None)
    states = _states(engine)
    kept = {
        str((raw.get("Labels") or {})[LEDGER]) for raw in engine.containers() if LEDGER in (raw.get("Labels") or {})
    }
    if engine.facts().swarm_manager:
        kept |= {str(raw["Spec"]["Labels"][LEDGER]) for raw in engine.list("config", {LEDGER: ""})}
    in_order = []
    for project in sorted({*states, *kept}):
        counted = tuple(sorted(states.get(project, Counter()).items()))
        last = read_ledger(engine, project).last
        if last is None:
            in_order.append(Environment(project, counted))
        else:
            title = f"{last.name}/{last.environment}" if last.environment else last.name
            by = last.applied_by.partition(",")[0]
            in_order.append(Environment(project, counted, last.applied_at, by, last.directory, title))
    return in_order


def _states(engine: EngineReader) -> dict[str, Counter[str]]:
    by_project: dict[str, Counter[str]] = {}
    for raw in engine.containers():
        labels = raw.get("Labels") or {}
        name = str((raw.get("Names") or ["/"])[0]).lstrip("/")
        belongs = owner(labels, name)
        if belongs is not None and belongs.address.kind == "service" and ONE_OFF not in labels:
            by_project.setdefault(belongs.project, Counter())[str(raw.get("State"))] += 1
    for raw in engine.list("service", {PROJECT: ""}) if engine.facts().swarm_manager else ():
        labels = raw["Spec"].get("Labels") or {}
        if ONE_OFF in labels:
            continue
        states = by_project.setdefault(str(labels[PROJECT]), Counter())
        tasks = engine.tasks(str(raw["ID"]), current=True)
        for task in tasks:
            state = str((task.get("Status") or {}).get("State"))
            if task.get("DesiredState") in ("running", "complete"):
                states["exited" if state == "complete" else state] += 1
    return by_project
