"""One look at an engine: each thing once, and at once what every plan needs."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, cast

import pytest

from provisioner.engines.memory import MemoryEngine
from provisioner.errors import Unreachable
from provisioner.ledger.adoptions import one_look, with_adoptions
from provisioner.ledger.first_look import begin_look
from provisioner.reconcile.one_look import OneLook

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.model.state import Facts
    from provisioner.ports import EngineReader


class Together(MemoryEngine):
    """An engine that answers only once it has been asked five things at the same time."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self._all = threading.Barrier(5)

    def facts(self) -> Facts:
        self._ask("facts")
        return super().facts()

    def list(self, kind: str, labels: Mapping[str, str]) -> Any:
        self._ask(f"list {kind}")
        return super().list(kind, labels)

    def inspect(self, kind: str, name: str) -> Any:
        if name == "shop.ledger":
            self._ask("ledger")
        return super().inspect(kind, name)

    def _ask(self, question: str) -> None:
        self.asked.append(question)
        self._all.wait(10)


@pytest.mark.parametrize("wrapped", [with_adoptions, lambda engine: engine])
def test_what_every_plan_needs_is_asked_for_at_once(wrapped: Any) -> None:
    engine = Together()
    look = one_look(wrapped(engine), "shop")
    assert look.list("container", {"provisioner.environment": "shop"}) == []
    assert sorted(engine.asked) == ["facts", "ledger", "list container", "list network", "list volume"]


def test_a_look_that_was_begun_is_the_next_one_at_its_project_and_no_other() -> None:
    engine = MemoryEngine()
    begun = begin_look(engine, "shop")
    begun.inspect("container", "later")
    view = with_adoptions(engine, {"shop": begun})
    engine.create("container", "later", {"Image": ""})
    assert one_look(view, "other").inspect("container", "later")
    assert one_look(view, "shop").inspect("container", "later") is None
    assert one_look(view, "shop").inspect("container", "later")


def test_a_ledger_that_is_known_is_not_read() -> None:
    engine = Together()
    engine._all = threading.Barrier(4)
    look = one_look(with_adoptions(engine), "shop", ledger=False)
    look.facts()
    assert sorted(engine.asked) == ["facts", "list container", "list network", "list volume"]


class Counting:
    def __init__(self) -> None:
        self.count = 0
        self.fails = 0
        self._second = threading.Event()

    def facts(self) -> str:
        self.count += 1
        if self.fails:
            self.fails -= 1
            raise Unreachable("not now")
        self._second.wait(0.2)
        return "answer"


def test_threads_that_ask_the_same_share_one_answer() -> None:
    engine = Counting()
    look = OneLook(cast("EngineReader", engine))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: look.facts(), range(8)))
    assert (set(answers), engine.count) == ({"answer"}, 1)


def test_a_question_that_failed_is_asked_again() -> None:
    engine = Counting()
    engine.fails = 1
    look = OneLook(cast("EngineReader", engine))
    with pytest.raises(Unreachable):
        look.facts()
    assert look.facts() == "answer"
