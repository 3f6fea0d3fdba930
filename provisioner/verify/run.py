"""Run checks: try until one holds or its time is over. Knows no kind of check by name."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

import provisioner.verify
from provisioner.errors import EngineRefused, StepFailed
from provisioner.model.verification import CheckResult
from provisioner.verify.kind import Attempt, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.model.playbook import Check
    from provisioner.verify.kind import CheckContext

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 1.0


@cache
def kinds() -> Mapping[str, Kind]:
    """Every kind of check by the key that playbooks use for it."""
    by_name = {}
    for module in sorted(pkgutil.iter_modules(provisioner.verify.__path__), key=lambda module: module.name):
        constant = getattr(import_module(f"provisioner.verify.{module.name}"), "CHECK", None)
        if isinstance(constant, Kind):
            by_name[constant.name] = constant
    return MappingProxyType(by_name)


def run(check: Check, world: CheckContext) -> CheckResult:
    """The result of one check, which is tried at least once and again until `within` seconds have passed.

    A check that does not hold is a result, never an exception. Raises `Unreachable` when the engine is away.
    """
    kind = kinds()[check.kind]
    started = world.clock.now()
    attempts, pause = 0, _FIRST_PAUSE
    while True:
        attempts += 1
        attempt = _try(kind, check, world)
        elapsed = world.clock.now() - started
        remaining = check.within - elapsed
        if attempt.ok or remaining <= 0:
            return CheckResult(check.name, attempt.ok, attempt.message, elapsed, attempts, check.span)
        world.clock.sleep(min(pause, remaining))
        pause = min(pause * 2, _LONGEST_PAUSE)


def _try(kind: Kind, check: Check, world: CheckContext) -> Attempt:
    try:
        return kind.attempt(check, world)
    except (EngineRefused, StepFailed) as error:
        return Attempt(False, error.message)
