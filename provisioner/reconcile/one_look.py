"""An engine that is asked each thing once: what one plan is made of is one look at the world."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from provisioner.errors import ProvisionError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence

    from provisioner.model.builder import Builders, Choice
    from provisioner.model.edges import BuildRecipe, EngineJson
    from provisioner.model.state import Facts
    from provisioner.ports import EngineReader

Answer = TypeVar("Answer")


class OneLook:
    """An `EngineReader` that keeps every answer of another one but logs, for as long as a plan is made.

    Several threads may ask; who asks what another is asking already waits for that answer.
    """

    def __init__(self, engine: EngineReader) -> None:
        self._engine = engine
        self._answers: dict[Hashable, Future[Any]] = {}
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        """What an engine offers beyond reading."""
        return getattr(self._engine, name)

    def _once(self, question: Hashable, ask: Callable[[], Answer]) -> Answer:
        with self._lock:
            known = self._answers.get(question)
            future: Future[Answer] = known or self._answers.setdefault(question, Future())
        if known is None:
            try:
                future.set_result(ask())
            except BaseException as error:
                # It may be asked again.
                del self._answers[question]
                future.set_exception(error)
        return future.result()

    def facts(self) -> Facts:
        return self._once("facts", self._engine.facts)

    def list(self, kind: str, labels: Mapping[str, str]) -> Sequence[EngineJson]:
        listed = self._once(("list", kind, *sorted(labels.items())), lambda: self._engine.list(kind, labels))
        # Of all kinds only containers are listed with all that an inspection tells.
        for raw in listed if kind == "container" else ():
            self._once(("inspect", kind, str(raw["Id"])), lambda raw=raw: raw)  # type: ignore[misc]
        return listed

    def containers(self) -> Sequence[EngineJson]:
        return self._once("containers", self._engine.containers)

    def bound_ports(self) -> Collection[tuple[str, int, str]] | None:
        return self._once("bound_ports", self._engine.bound_ports)

    def inspect(self, kind: str, name: str) -> EngineJson | None:
        return self._once(("inspect", kind, name), lambda: self._engine.inspect(kind, name))

    def logs(
        self,
        container_id: str,
        *,
        tail: int | None,
        since: str | None = None,
        until: str | None = None,
        follow: bool = False,
        timestamps: bool = False,
        kind: str = "container",
    ) -> Iterator[bytes]:
        return self._engine.logs(
            container_id, tail=tail, since=since, until=until, follow=follow, timestamps=timestamps, kind=kind
        )

    def tasks(self, service_id: str, *, current: bool = False) -> Sequence[EngineJson]:
        return self._once(("tasks", service_id, current), lambda: self._engine.tasks(service_id, current=current))

    def read_files(self, container_id: str, path: str) -> Mapping[str, bytes]:
        return self._once(("read_files", container_id, path), lambda: self._engine.read_files(container_id, path))

    def is_folder(self, container_id: str, path: str) -> bool:
        return self._once(("is_folder", container_id, path), lambda: self._engine.is_folder(container_id, path))

    def distribution(self, reference: str) -> str | None:
        return self._once(("distribution", reference), lambda: self._engine.distribution(reference))

    def builders(self) -> Builders:
        return self._engine.builders()

    def builder_for(self, build: BuildRecipe) -> Choice | None:
        return self._engine.builder_for(build)


def ask_ahead(*questions: Callable[[], object]) -> None:
    """Ask what will be asked soon, all at once and without waiting, so that one look has the answers by then.

    What can not be answered is asked again by whoever needs it, and fails there.
    """
    pool = ThreadPoolExecutor(len(questions))
    for ask in questions:
        pool.submit(_unless_it_fails, ask)
    pool.shutdown(wait=False)


def _unless_it_fails(ask: Callable[[], object]) -> None:
    with suppress(ProvisionError):
        ask()
