"""`up --abort-on-container-exit`: services run until one of them ends, and then all are stopped; as Compose does it.

Whether they are well is not waited for: the end of one of them is what is wanted, a test run's for example.
"""

from __future__ import annotations

import threading
from dataclasses import field
from typing import TYPE_CHECKING

from provisioner.app.following import Follower
from provisioner.app.losses import without_losses
from provisioner.app.owned import writers
from provisioner.app.part import carry_out_part
from provisioner.app.plan import prepare
from provisioner.app.secret_inputs import persist_new_values
from provisioner.app.start_stop import stop
from provisioner.app.up import make_ready
from provisioner.errors import Interrupted, Unsafe, UsageError
from provisioner.kinds.values import moment
from provisioner.model.dataclass import dataclass
from provisioner.model.plan import Verb

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from provisioner.app.image_wishes import ImageWishes
    from provisioner.app.owned import OwnedContainer
    from provisioner.app.platform import ServiceActs
    from provisioner.app.request import Request
    from provisioner.app.service_work import EndedRun
    from provisioner.app.up import ReadyToApply, UpOptions
    from provisioner.model.address import Address
    from provisioner.model.plan import Policy, Step
    from provisioner.ports import EngineReader, Interrupt, Listener

# Seconds between two looks at what has ended, and in which a last line may come.
_LOOK = 0.3


@dataclass(frozen=True, slots=True)
class UntilEnd:
    """`code_of` is the service whose exit code is the command's, empty for the one that ends first.

    With `only_failures` one that ends with exit code 0 ends nothing. `shown` are the services whose lines are told.
    """

    code_of: str = ""
    only_failures: bool = False
    shown: tuple[str, ...] = ()
    timestamps: bool = False


def up_until_end(
    request: Request,
    policy: Policy,
    scale: Mapping[str, int],
    options: UpOptions,
    until: UntilEnd,
    *,
    open_listener: Callable[[], AbstractContextManager[Listener]],
    write: Callable[[Address, bytes], object],
    tell: Callable[[str], object],
    interrupt: Interrupt,
) -> int:
    """Start the named services, or all, tell what they say until one of them ends, stop them; the exit code.

    Unsafe where the plan is refused, UsageError where `code_of` is no service of these, or none has a
    replica.
    """
    with open_listener() as listener:
        ready = make_ready(request, policy, scale, options, listener=listener, interrupt=interrupt)
        names = options.services or tuple(ready.playbook.services)
        if until.code_of and until.code_of not in names:
            raise UsageError(f"--exit-code-from {until.code_of}: it is none of the services that are started")
        acts = ready.platform.acts
        ends = _Ends(ready.engine, ready.playbook.project, names, acts)
        _begin(ready, options.images, listener, interrupt)
        _run_again(ready, names, ends, until.code_of)
        if not acts.service_objects(ready.engine, ready.playbook.project, names):
            # Nothing would ever end.
            raise UsageError(
                f"no replica of {', '.join(names)} is to run", hint=f"provision scale {names[0]}=1, or --scale"
            )
    watch = _Watch(ends, until, lambda: _stop_all(ready.request, names, options.grace), tell, interrupt)
    shown = until.shown or names
    follower = Follower(
        ready.engine, lambda: _writers(ready, shown), since=str(ends.moment), tail=None,
        timestamps=until.timestamps, tell=lambda text: None, over=watch.is_over, pause=_LOOK,
    )  # fmt: skip
    with interrupt.deferred():
        watch.start()
        for address, line in follower.lines():
            write(address, line)
        watch.join()
    if interrupt.is_set():
        raise Interrupted("interrupted; what was started is stopped")
    if watch.error is not None:
        raise watch.error
    return watch.code


def _begin(ready: ReadyToApply, images: ImageWishes, listener: Listener, interrupt: Interrupt) -> None:
    """Carry out the plan without the waits for what nobody else waits for."""
    prepared = prepare(ready.request, ready.playbook, ready.engine, ready.policy)
    plan = prepared.plan
    if plan.refusals:
        raise Unsafe("\n".join(str(problem) for problem in plan.refusals))
    images.require_allowed(plan.steps)
    without_losses(plan)
    if prepared.materials.needs_persisting:
        persist_new_values(ready.request, ready.playbook, prepared.materials)
        prepared = prepare(ready.request, ready.playbook, ready.engine, ready.policy)
    waited = _waited_for(prepared.plan.steps)
    carry_out_part(
        prepared, lambda step: step.verb is not Verb.WAIT or step.id in waited, ready.engine, listener, interrupt
    )


def _waited_for(steps: Sequence[Step]) -> set[int]:
    """The waits for a service that a step of another one needs."""
    return {
        number
        for step in steps
        if step.verb is not Verb.WAIT
        for number in (*step.needs, *step.after)
        if any(other.id == number and other.address.name != step.address.name for other in steps)
    }


def _run_again(ready: ReadyToApply, names: Sequence[str], ends: _Ends, code_of: str) -> None:
    """Start what ended in an earlier run and is as it was: a plan leaves alone what has done its work.

    A job that was done stays so, but for the one whose exit code is asked for.
    """
    done = {name for name in names if ready.playbook.services[name].job is not None and name != code_of}
    again = [name for name in names if name not in done]
    if again:
        ends.acts.run_again(ready.engine, ready.playbook.project, again, ends.before)


def _stop_all(request: Request, names: Sequence[str], grace: float | None) -> None:
    stop(request, names, grace=grace, listener=lambda event: None, interrupt=None)


def _writers(ready: ReadyToApply, names: Sequence[str]) -> list[OwnedContainer]:
    return writers(ready.engine, ready.playbook, names)


@dataclass(slots=True)
class _Ends:
    """What of the services has ended since this was made. `moment` is the engine's time then (Unix seconds)."""

    engine: EngineReader
    project: str
    names: Sequence[str]
    acts: ServiceActs
    before: frozenset[str] = frozenset()
    moment: float = 0.0

    def __post_init__(self) -> None:
        then = moment(self.engine.facts().read_at)
        self.moment = then.timestamp() if then is not None else 0.0
        self.before = frozenset(self._all())

    def new(self) -> dict[str, EndedRun]:
        """Each run that has ended, in no order."""
        return {key: end for key, end in self._all().items() if key not in self.before}

    def _all(self) -> dict[str, EndedRun]:
        return self.acts.ended_runs(self.engine, self.project, self.names)


@dataclass(slots=True)
class _Watch:
    """Looks for the first end in a thread of its own, and stops everything then; `code` is the command's."""

    ends: _Ends
    until: UntilEnd
    stop_all: Callable[[], None]
    tell: Callable[[str], object]
    interrupt: Interrupt
    code: int = 0
    error: Exception | None = None
    _thread: threading.Thread = field(init=False)

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def join(self) -> None:
        self._thread.join()

    def is_over(self) -> bool:
        """Whether all was stopped."""
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            first = self._first()
            self.stop_all()
            last = {address.name: code for address, code in self.ends.new().values()}
        except Exception as failure:  # whatever it is, the thread that waits for this one raises it
            self.error = failure
            return
        self.code = last.get(self.until.code_of, first) if self.until.code_of else first

    def _first(self) -> int:
        """The exit code of the first that ends; 0 where the user asks for the end before."""
        reported: set[str] = set()
        while not self.interrupt.wait(_LOOK):
            for key, (address, code) in self.ends.new().items():
                if key not in reported:
                    reported.add(key)
                    self.tell(f"{address} exited with code {code}")
                if code or not self.until.only_failures:
                    self.tell("the others are stopped")
                    return code
        return 0
