"""A system that is up, broken on purpose: which of its checks and tests notice that.

A `Row` says how, and what has to fail then. Rows that have nothing to do with each other stand in one group, which is
broken and mended together: no check is of two of them. The harness breaks, looks, mends, and wants the checks green
again. Breaks work on the test's own copy of the playbooks and on its own containers.
"""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import pytest
import yaml

from tests.systems.environment import ROOT, copied, eventually, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from tests.systems.environment import Environment


class Break(Protocol):
    """How something is broken, and what it takes to break and to mend it beside that: an apply, a service's restart."""

    BREAKS_BY_APPLY: ClassVar[bool] = False
    MENDS_BY_APPLY: ClassVar[bool] = False

    def breaks(self, environment: Environment) -> None: ...

    def mends(self, environment: Environment) -> None: ...


@dataclass(frozen=True)
class Stop(Break):
    """Every container of a service is stopped by hand. An apply starts it."""

    MENDS_BY_APPLY: ClassVar[bool] = True

    service: str

    def breaks(self, environment: Environment) -> None:
        replicas = environment.replicas(self.service)
        assert replicas
        for container in replicas:
            container.stop(timeout=3)

    def mends(self, environment: Environment) -> None:
        pass


@dataclass(frozen=True)
class Run(Break):
    """A shell's command in a service's container; `undo` is another one."""

    service: str
    command: str
    undo: str

    def breaks(self, environment: Environment) -> None:
        environment.run_in(self.service, self.command)

    def mends(self, environment: Environment) -> None:
        environment.run_in(self.service, self.undo)


@dataclass(frozen=True)
class Sql(Break):
    """A statement in the environment's database; `undo` is another one."""

    statement: str
    undo: str

    def breaks(self, environment: Environment) -> None:
        environment.sql(self.statement)

    def mends(self, environment: Environment) -> None:
        environment.sql(self.undo)


@dataclass(frozen=True)
class Edit(Break):
    """A text in a file beside the playbook is another one, and is applied."""

    BREAKS_BY_APPLY: ClassVar[bool] = True
    MENDS_BY_APPLY: ClassVar[bool] = True

    file: str
    old: str
    new: str

    def breaks(self, environment: Environment) -> None:
        self._exchange(environment, self.old, self.new)

    def mends(self, environment: Environment) -> None:
        self._exchange(environment, self.new, self.old)

    def _exchange(self, environment: Environment, old: str, new: str) -> None:
        path = environment.playbooks / self.file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{self.file} has no {old!r}"
        path.write_text(text.replace(old, new), encoding="utf-8")


@dataclass(frozen=True)
class Mounted(Edit):
    """The text is in a mounted file: `restart` reads it anew, or without one somebody who watches the file."""

    BREAKS_BY_APPLY: ClassVar[bool] = False
    MENDS_BY_APPLY: ClassVar[bool] = False

    restart: str = ""

    def _exchange(self, environment: Environment, old: str, new: str) -> None:
        super()._exchange(environment, old, new)
        if self.restart:
            environment.container(self.restart).restart(timeout=3)


@dataclass(frozen=True)
class Overlay(Break):
    """Lines that the environment's own playbook has beside those that it extends, applied."""

    BREAKS_BY_APPLY: ClassVar[bool] = True
    MENDS_BY_APPLY: ClassVar[bool] = True

    text: str

    def breaks(self, environment: Environment) -> None:
        with self._file(environment).open("a", encoding="utf-8") as playbook:
            playbook.write(self.text)

    def mends(self, environment: Environment) -> None:
        path = self._file(environment)
        path.write_text(path.read_text(encoding="utf-8").replace(self.text, ""), encoding="utf-8")

    @staticmethod
    def _file(environment: Environment) -> Path:
        return environment.playbooks / f"{environment.name}.yml"


@dataclass(frozen=True)
class Join(Break):
    """A service's container is connected to a network on which it must not be."""

    service: str
    network: str

    def breaks(self, environment: Environment) -> None:
        self._network(environment).connect(environment.container(self.service))

    def mends(self, environment: Environment) -> None:
        with contextlib.suppress(Exception):
            self._network(environment).disconnect(environment.container(self.service))

    def _network(self, environment: Environment) -> Any:
        return environment.engine.networks.get(f"{environment.project}_{self.network}")


@dataclass(frozen=True)
class Row:
    """One break, and what has to fail: checks of `verify:` by their names, tests as functions of the environment."""

    how: Break
    checks: tuple[str, ...] = ()
    tests: tuple[Callable[[Any], object], ...] = field(default=())

    def __str__(self) -> str:
        text = " ".join(str(value) for value in (type(self.how).__name__, *vars(self.how).values()))
        return " ".join(text.split())[:60]


def group_name(group: Sequence[Row]) -> str:
    """What a group is called among the tests."""
    return ", ".join(str(row)[:30] for row in group)


def shows(environment: Environment, group: Sequence[Row], *, within: float = 60) -> None:
    """Break it, want each check and test of the rows to fail, mend it, want the checks to hold."""
    checks = sorted({check for row in group for check in row.checks})
    failed: set[str] = set()
    broken: list[Row] = []

    def noticed() -> bool:
        failed.clear()
        failed.update(_failed(environment, checks))
        return failed.issuperset(checks)

    with _impatient(environment):
        try:
            # What is applied comes first: an apply would mend the others.
            for by_apply in (True, False):
                rows = [row for row in group if row.how.BREAKS_BY_APPLY is by_apply]
                for row in rows:
                    row.how.breaks(environment)
                    broken.append(row)
                if by_apply and rows:
                    environment.apply("--no-verify")
            assert not checks or eventually(noticed, within=within), set(checks) - failed
            for row in group:
                for test in row.tests:
                    with pytest.raises((AssertionError, OSError)):
                        test(environment)
        finally:
            for row in reversed(broken):
                row.how.mends(environment)
            # What a break declared beside the rest goes again.
            if any(row.how.MENDS_BY_APPLY for row in group):
                environment.apply("--no-verify", "--prune")
    outcome = environment.provision("verify", *_only(checks))
    assert outcome.code == 0, outcome.everything


def require_a_row_for_every_check(system: str, groups: Iterable[Sequence[Row]], playbooks: Iterable[str]) -> None:
    """No check is there that nobody has seen fail, and within a group it is told which row made it fail."""
    named = set()
    for group in groups:
        checks = [check for row in group for check in row.checks]
        assert sorted(checks) == sorted(set(checks)), checks
        named.update(checks)
    files = [ROOT / "playbooks" / system / f"{name}.yml" for name in playbooks]
    declared = {check["name"] for file in files for check in _document(file).get("verify") or ()}
    assert declared
    assert (declared - named, named - declared) == (set(), set())


def require_breaks_that_can_be_made(system: str, groups: Iterable[Sequence[Row]], extends: str, folder: Path) -> None:
    """What is edited is there, and what is laid over is a playbook, as far as that can be told without an engine."""
    playbooks = copied(system, folder)
    for number, row in enumerate(row for group in groups for row in group):
        if isinstance(row.how, Edit):
            text = (playbooks / row.how.file).read_text(encoding="utf-8")
            assert row.how.old in text, row
            # Or it could not be told apart when it is mended.
            assert row.how.new not in text, row
        if isinstance(row.how, Overlay):
            name = f"broken{number}"
            (playbooks / f"{name}.yml").write_text(f"extends: {extends}.yml\n{row.how.text}", encoding="utf-8")
            outcome = run(folder, f"{system}/{name}", "config")
            assert outcome.code == 0, (str(row), outcome.everything)


def _failed(environment: Environment, checks: Iterable[str]) -> set[str]:
    outcome = environment.provision("verify", "--json", *_only(checks))
    assert outcome.code in (0, 1), outcome.everything
    return {check["name"] for check in json.loads(outcome.output)["checks"] if not check["ok"]}


def _only(checks: Iterable[str]) -> list[str]:
    return [word for check in checks for word in ("--check", check)]


@contextlib.contextmanager
def _impatient(environment: Environment) -> Iterator[None]:
    """The checks of the copied playbooks, which are to fail, are not tried for long."""
    texts = {path: path.read_text(encoding="utf-8") for path in environment.playbooks.glob("*.yml")}
    patient = {path: re.findall(r"within: \d+s", text) for path, text in texts.items()}
    for path, text in texts.items():
        path.write_text(re.sub(r"within: \d+s", "within: 1s", text), encoding="utf-8")
    try:
        yield
    finally:
        for path, waits in patient.items():
            text = path.read_text(encoding="utf-8")
            first, *rest = text.split("within: 1s")
            assert len(rest) == len(waits)
            path.write_text(
                first + "".join(wait + part for wait, part in zip(waits, rest, strict=True)), encoding="utf-8"
            )


class _Loader(yaml.SafeLoader):
    """Takes `!reset` and `!override` for nothing."""


_Loader.add_multi_constructor("!", lambda loader, tag, node: None)


def _document(file: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.load(file.read_text(encoding="utf-8"), _Loader)
    return document
