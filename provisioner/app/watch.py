"""`watch`: while somebody works on the sources, running services follow. Does what `develop.watch` says, and tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.app.apply_request import apply
from provisioner.app.load import load_playbook
from provisioner.app.owned import owned_containers, require_services
from provisioner.app.watched_files import Difference, archive, compare, inside, look, rules
from provisioner.app.wiring import open_engine
from provisioner.backup.previous_data import require_settled
from provisioner.errors import ProvisionError, UsageError
from provisioner.model.address import Address
from provisioner.model.plan import Policy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from provisioner.app.owned import OwnedContainer
    from provisioner.app.request import Request
    from provisioner.app.watched_files import Rule, Snapshot
    from provisioner.engines.docker_api import DockerEngine
    from provisioner.ports import Interrupt, Listener

    OpenListener = Callable[[], AbstractContextManager[Listener]]

_SHOWN = 3


class Watch:
    """The rules of one environment and what was last seen of their files.

    `report` is told in one line what is done; `open_listener` gives each rebuild a listener. UsageError where there is
    nothing to watch.
    """

    def __init__(
        self, request: Request, services: Sequence[str], *, report: Callable[[str], None], open_listener: OpenListener
    ) -> None:
        self._request = request
        self._playbook = load_playbook(request)
        require_services(self._playbook, services)
        self._rules = rules(self._playbook, services)
        if not self._rules:
            where = f"of {', '.join(services)}" if services else "of this playbook"
            raise UsageError(f"no service {where} says what to watch", hint="give one `develop: {watch: [...]}`")
        self._report = report
        self._open_listener = open_listener
        self._engine: DockerEngine = open_engine(request, self._playbook.engine)
        # What is seen now is what containers are taken to have; rules with initial_sync catch up first.
        self._seen: list[Snapshot] = [{} if rule.syncs and rule.initial_sync else look(rule) for rule in self._rules]

    def run(self, interrupt: Interrupt, *, interval: float) -> None:
        """Look every `interval` seconds, and do what the rules say, until interrupted. A failure is told and is no end.

        What changes while it is being written is taken once it is quiet for one interval.
        """
        for rule in self._rules:
            self._report(f"watching {rule.path} for {rule.service}: {rule.action}")
        self.once(interrupt, quiet=interval)
        while not interrupt.wait(interval):
            self.once(interrupt, quiet=interval)

    def once(self, interrupt: Interrupt, *, quiet: float = 0.0) -> None:
        """One look at everything, and what follows from it."""
        snapshots = [look(rule) for rule in self._rules]
        while quiet and any(snapshots[index] != seen for index, seen in enumerate(self._seen)):
            if interrupt.wait(quiet):
                return
            again = [look(rule) for rule in self._rules]
            if again == snapshots:
                break
            snapshots = again
        rebuilt: set[str] = set()
        differences = [compare(seen, now) for seen, now in zip(self._seen, snapshots, strict=True)]
        self._seen = snapshots
        # An image that is built anew has every file, so nothing is copied into what it replaces.
        for rule, difference in zip(self._rules, differences, strict=True):
            if difference and rule.action == "rebuild" and rule.service not in rebuilt:
                rebuilt.add(rule.service)
                self._guarded(rule, difference, interrupt)
        for rule, difference in zip(self._rules, differences, strict=True):
            if difference and rule.action != "rebuild" and rule.service not in rebuilt and not interrupt.is_set():
                self._guarded(rule, difference, interrupt)

    def _guarded(self, rule: Rule, difference: Difference, interrupt: Interrupt) -> None:
        try:
            self._act(rule, difference, interrupt)
        except ProvisionError as error:
            self._report(f"{rule.service}: {rule.action} failed: {error.message}")

    def _act(self, rule: Rule, difference: Difference, interrupt: Interrupt) -> None:
        if rule.action == "rebuild":
            self._report(f"{rule.service}: {_named(difference)} changed, building it anew")
            self._rebuild(rule.service, interrupt)
            return
        running = [
            container
            for container in owned_containers(self._engine, self._playbook.project, [rule.service])
            if container.running
        ]
        if not running:
            raise ProvisionError("it does not run: provision apply")
        for container in running:
            if rule.syncs:
                self._sync(rule, difference, container)
            if rule.action.endswith("restart"):
                require_settled(self._engine, self._playbook.project)
                self._engine.restart(container.id)
                self._report(f"{container.address}: {_named(difference)} changed, restarted")
            if rule.action == "sync+exec":
                self._execute(rule, container)

    def _sync(self, rule: Rule, difference: Difference, container: OwnedContainer) -> None:
        if difference.changed:
            self._engine.put_archive(container.id, "/", archive(rule, difference.changed))
        if difference.removed:
            paths = [inside(rule, path) for path in difference.removed]
            code, _, errors = self._engine.execute(container.id, ["rm", "-rf", "--", *paths], user="0")
            if code != 0:
                raise ProvisionError(f"{', '.join(paths)} can not be removed: {_tail(errors)}")
        self._report(f"{container.address}: {_named(difference)} to {rule.target}")

    def _execute(self, rule: Rule, container: OwnedContainer) -> None:
        code, output, errors = self._engine.execute(container.id, rule.command, **rule.options)
        line = " ".join(rule.command)
        if code != 0:
            raise ProvisionError(f"'{line}' ended with {code}: {_tail(errors or output)}")
        self._report(f"{container.address}: ran '{line}'")

    def _rebuild(self, service: str, interrupt: Interrupt) -> None:
        with self._open_listener() as listener:
            result = apply(
                self._request,
                Policy(targets=(Address("service", service),)),
                {},
                approve=lambda _: True,
                listener=listener,
                verify=False,
                interrupt=interrupt,
            )
        if result.exit_code:
            failures = result.report.failures if result.report is not None else ()
            reasons = [str(failure.error) for failure in failures] or [str(refusal) for refusal in result.plan.refusals]
            raise ProvisionError("; ".join(reasons) or f"apply ended with {result.exit_code}")
        self._report(f"{service}: {'up to date' if result.report is None else 'replaced'}")


def _named(difference: Difference) -> str:
    """The first few of the files, and how many more there are."""
    names = [*(path or "the file" for path in difference.changed), *(f"-{path}" for path in difference.removed)]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _tail(output: bytes) -> str:
    lines = output.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "no output"
