"""One environment's life, and what must be true after each part of it, whatever struck meanwhile."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

from tests.engine.environment import Environment, Outcome, service

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from tests.recording_proxy import Fault


def first(environment: Environment) -> dict[str, Any]:
    """A store with data, and a service that waits for it, on two networks, with a config file."""
    return _playbook(subnet=environment.subnets[0], colour="blue", replicas=1, content="one\n", store={})


def second(environment: Environment) -> dict[str, Any]:
    """The same with a service replaced and scaled, a network replaced, a file changed and a limit set."""
    return _playbook(
        subnet=environment.subnets[1], colour="green", replicas=2, content="two\n", store={"mem_limit": "64m"}
    )


def _playbook(*, subnet: str, colour: str, replicas: int, content: str, store: dict[str, Any]) -> dict[str, Any]:
    web = service(
        environment={"COLOUR": colour}, configs=["app"], networks=["front", "back"], deploy={"replicas": replicas},
        depends_on={"store": {"condition": "service_healthy"}},
    )  # fmt: skip
    return {
        "services": {"store": service(volumes=["data:/data"], networks=["back"], **store), "web": web},
        "networks": {"front": {}, "back": {"ipam": {"config": [{"subnet": subnet}]}}},
        "volumes": {"data": {}},
        "configs": {"app": {"content": content}},
    }


def expected(environment: Environment, replicas: int) -> set[str]:
    """The names of everything that is there when all is well, the volume of the config's version aside."""
    project = environment.project
    containers = {"store-1", *(f"web-{number}" for number in range(1, replicas + 1))}
    found = {f"container {project}-{name}" for name in containers} | {f"container {project}.ledger"}
    return found | {f"network {project}_{name}" for name in ("front", "back")} | {f"volume {project}_data"}


# The exit code of a run that did nothing, since the engine was not as in its plan any more.
_STALE = 76
# The requests that a run has under way when it is killed, at most.
_AT_ONCE = 3


class Story:
    """Runs one part of a life with a fault in it, then tells whether a plain run mends everything."""

    def __init__(self, environment: Environment, left_alone: Collection[str] = ()) -> None:
        self._environment = environment
        self._left_alone = frozenset(left_alone)
        assert environment.proxy is not None
        self._proxy = environment.proxy

    def create(self, strike: Callable[[tuple[str, ...]], bool]) -> bool:
        """A first apply, struck. Whether the fault was met."""
        self._environment.write(first(self._environment))
        met = strike(("apply", "--yes", "--json"))
        self._mend(replicas=1, versions=1)
        self._environment.destroy("--volumes", "--history")
        assert self._objects() == set()
        return met

    def update(self, strike: Callable[[tuple[str, ...]], bool]) -> bool:
        """An update of a running environment with data, struck."""
        self._environment.write(first(self._environment))
        self._environment.apply()
        self._keep_data()
        self._environment.write(second(self._environment))
        met = strike(("apply", "--yes", "--json"))
        self._mend(replicas=2, versions=2)
        self._require_data()
        return met

    def destroy(self, strike: Callable[[tuple[str, ...]], bool]) -> bool:
        """A destroy of an environment with data, struck."""
        self._environment.write(first(self._environment))
        self._environment.apply()
        self._keep_data()
        met = strike(("destroy", "--yes", "--json"))
        self._go_on("destroy")
        assert self._objects() == {f"volume {self._environment.project}_data", self._environment.ledger}
        self._proxy.clear()
        self._environment.destroy()
        assert [str(request) for request in self._proxy.mutating] == []
        self._environment.apply()
        self._require_data()
        return met

    def _mend(self, *, replicas: int, versions: int) -> None:
        """A plain run ends well, and the one after it has nothing to do."""
        environment = self._environment
        self._proxy.clear()
        self._go_on("apply")
        found = {name for name in self._objects() if ".configs." not in name}
        assert found == expected(environment, replicas), found ^ expected(environment, replicas)
        files = {name for name in self._objects() if ".configs." in name}
        # That of the version before is kept for going back.
        assert len(files) == versions, files
        before = environment.inventory()
        self._proxy.clear()
        again = environment.apply()
        assert again.summary["changed"] == 0, again
        assert [str(request) for request in self._proxy.mutating] == []
        assert environment.inventory() == before

    def _go_on(self, command: str) -> None:
        """Ends well. What the engine did meanwhile, asked for by a run that was killed right after, is told first: it
        may still have been at each of the requests that were under way.
        """
        for _ in range(_AT_ONCE):
            done = self._environment.run(command, "--yes", "--json")
            if done.code != _STALE:
                break
            assert "something changed between the plan and" in done.text, done
        assert done.code == 0, done

    def _objects(self) -> set[str]:
        return self._environment.objects() - self._left_alone

    def _keep_data(self) -> None:
        container = self._environment.container("store-1")
        assert container.exec_run(["sh", "-c", "echo canary > /data/canary"]).exit_code == 0

    def _require_data(self) -> None:
        container = self._environment.container("store-1")
        read = container.exec_run(["cat", "/data/canary"])
        assert (container.status, read.exit_code, read.output) == ("running", 0, b"canary\n")


# When a run is killed: before the engine sees a request, while it does, or after it has answered.
MOMENTS = ("before", "during", "after")
# A whole sweep takes minutes: each test of one takes every fourth request.
QUARTERS = range(1, 5)


def every_fourth(first: int) -> Iterator[int]:
    return itertools.count(first, step=len(QUARTERS))


def sweep(part: Callable[[Callable[[tuple[str, ...]], bool]], bool], strikes: Iterator[tuple[int, Any]]) -> int:
    """Run a part again and again, each time struck a little later, until the fault comes too late; how often."""
    for count in itertools.count():
        at, strike = next(strikes)
        try:
            if not part(strike):
                return count
        except AssertionError as error:
            raise AssertionError(f"struck at mutating request {at}: {error or 'see above'}") from error
    raise AssertionError("unreachable")


def killed(environment: Environment, at: int, moment: str) -> Callable[[tuple[str, ...]], bool]:
    """A run that is killed at its `at`-th mutating request: `before` the engine sees it, `during` or `after` it."""

    def strike(arguments: tuple[str, ...]) -> bool:
        assert environment.proxy is not None
        environment.proxy.clear()
        running: list[Any] = []

        def kill(request: object) -> None:
            running[0].kill()
            running[0].wait()

        if moment == "after":
            fault = environment.proxy.fail(at, after=kill)
        else:
            fault = environment.proxy.fail(at, "eof-before" if moment == "before" else "pass", before=kill)
        running.append(environment.start(*arguments))
        stdout, stderr = running[0].communicate(timeout=120)
        environment.proxy.clear()
        met: bool = fault.seen >= at
        assert running[0].returncode == (-9 if met else 0), stdout + stderr
        return met

    return strike


def failing(environment: Environment, at: int, mode: str, **variables: str) -> Callable[[tuple[str, ...]], bool]:
    """A run whose `at`-th mutating request meets with `mode`. It ends, and with the truth."""

    def strike(arguments: tuple[str, ...]) -> bool:
        assert environment.proxy is not None
        environment.proxy.clear()
        fault: Fault = environment.proxy.fail(at, mode)
        # In a process of its own: a lease that it leaves is one whose holder is gone.
        running = environment.start(*arguments, **variables)
        stdout, stderr = running.communicate(timeout=180)
        outcome = Outcome(running.returncode, stdout, stderr)
        made = len(environment.proxy.mutating)
        environment.proxy.clear()
        _require_truth(environment, arguments[0], outcome)
        assert made < 200, "it tries again without end"
        return fault.seen >= at

    return strike


def _require_truth(environment: Environment, command: str, outcome: Outcome) -> None:
    """Exit code 0 only if nothing is left to do, and a failure names what failed."""
    assert outcome.code in (0, 1, 3, 69, 75), outcome
    if outcome.code == 0 and command == "apply":
        assert environment.plan()["changes"] == [], outcome
    if outcome.code != 0:
        # A command that is no apply and no destroy tells its error where a result would not stand.
        last = outcome.lines[-1] if outcome.stdout else json.loads(outcome.stderr.splitlines()[-1])
        assert last.get("failures") or last.get("remaining") or last.get("error"), outcome
