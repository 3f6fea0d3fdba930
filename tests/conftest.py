"""What all tests share."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

# How long an example takes says more of the machine than of the code.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

# What the tests share says what it found as the tests do.
pytest.register_assert_rewrite("tests.engine", "tests.swarm", "tests.faults", "tests.systems", "tests.verbs")

pytest_plugins = ["tests.engine_fixtures"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--sample", type=int, default=1, metavar="N", help="run only every Nth test that is marked slow")


def pytest_configure() -> None:
    """What the tests start can be interrupted. A shell that starts them in the background has interrupts ignored, and
    a process passes that on."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


# Folders of which each file, or each system, is told by itself; and from how many seconds on it is told at all.
_DEAR = ("engine", "swarm", "systems", "faults", "secrets")
_WORTH_SAYING = 120.0
# From how many cases on a test is a sweep, of which a sample has one at least.
_A_SWEEP = 20
# Letters: what was compared stands at the end.
_LONGEST_FAILURE = 4_000


# Before pytest-xdist looks at the groups.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if group := _what_it_shares(item):
            item.add_marker(pytest.mark.xdist_group(group))
    _sample(config, items)


def _what_it_shares(item: pytest.Item) -> str:
    """What is dear to bring up and shared by many tests: one worker runs them all. Others go wherever there is room."""
    tests = item.config.rootpath / "tests"
    folder, *rest = item.path.relative_to(tests).parts
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    if folder == "systems":
        return f"{folder}/{rest[0]}"
    if folder == "swarm" and "swarm" in parameters:
        return f"{folder}/{parameters['swarm']}"
    if folder == "verbs" and "swarm" in parameters.values():
        return f"{folder}/swarm"
    if folder == "verbs" and "standing" in parameters:
        return f"{folder}/standing"
    if folder == "verbs" and {"shop", "module"} & set(parameters):
        return "/".join((folder, *rest))
    if folder == "fields" and "target" in parameters:
        return f"{folder}/{parameters['target']}"
    return "/".join((folder, *rest)) if not item.get_closest_marker("engine") else ""


def _sample(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A sweep of hundreds of cases is sampled evenly, so that a short run still sees its beginning and its end."""
    step = config.getoption("--sample")
    if step < 2:
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    # Few and dear: one of those that need several nodes stands for all.
    nodes = [item for item in slow if item.get_closest_marker("nodes")]
    swept = [item for item in slow if item not in nodes]
    drawn = swept[::step]
    left_out = set(slow) - {*drawn, *nodes[:1], *_not_drawn(swept, drawn)}
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = [item for item in items if item not in left_out]


def _not_drawn(swept: list[pytest.Item], drawn: list[pytest.Item]) -> Iterator[pytest.Item]:
    """One case of each sweep, however thin the sample is."""
    seen = {item.nodeid.partition("[")[0] for item in drawn}
    cases: dict[str, list[pytest.Item]] = {}
    for item in swept:
        cases.setdefault(item.nodeid.partition("[")[0], []).append(item)
    return (found[len(found) // 2] for name, found in cases.items() if len(found) >= _A_SWEEP and name not in seen)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How the first try of what was tried twice failed, and where the time went."""
    again = [report for report in terminalreporter.stats.get("rerun", ()) if report.longreprtext]
    if again:
        terminalreporter.section("first tries of what was tried twice")
    for report in again:
        terminalreporter.write_line(f"____ {report.nodeid} ({report.when})")
        terminalreporter.write_line(report.longreprtext[-_LONGEST_FAILURE:])
    _tell_seconds(terminalreporter)


def _tell_seconds(terminalreporter: pytest.TerminalReporter) -> None:
    """The seconds of all workers by folder, or by file below `engine`, `swarm` and `systems`."""
    spent: dict[str, float] = {}
    for report in (one for found in terminalreporter.stats.values() for one in found):
        if isinstance(report, pytest.TestReport):
            parts = report.nodeid.partition("::")[0].split("/")[1:]
            place = "/".join(parts[:2] if parts[0] in _DEAR else parts[:1])
            spent[place] = spent.get(place, 0.0) + report.duration
    if sum(spent.values()) < _WORTH_SAYING:
        return
    terminalreporter.section("seconds of all workers")
    for place, seconds in sorted(spent.items(), key=lambda one: -one[1])[:40]:
        terminalreporter.write_line(f"{seconds:8.0f}  {place}")
