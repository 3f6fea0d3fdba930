"""Logs are followed through restarts of containers and of the engine, and each line is told once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from provisioner.app.following import Follower
from provisioner.app.owned import OwnedContainer
from provisioner.errors import EngineRefused, Unreachable
from provisioner.model.address import Address

if TYPE_CHECKING:
    from collections.abc import Iterator

WEB = Address("service", "web", 1)


def stamp(second: int) -> bytes:
    return f"2025-01-31T12:00:{second:02}.000000000Z".encode()


class Engine:
    """`streams` are what each call for a container's log gives: lines, or an error at the end."""

    def __init__(self, **streams: list[list[Any]]) -> None:
        self.streams = streams
        self.asked: list[tuple[str, Any, Any]] = []

    def logs(self, identity: str, *, tail: Any, since: Any, **more: Any) -> Iterator[bytes]:
        self.asked.append((identity, tail, since))
        for one in self.streams[identity].pop(0) if self.streams[identity] else []:
            if isinstance(one, Exception):
                raise one
            yield one


def container(identity: str, status: str = "running") -> OwnedContainer:
    return OwnedContainer(WEB, identity, {"State": {"Status": status}})


def followed(engine: Engine, looks: list[Any], said: list[str] | None = None, **more: Any) -> list[bytes]:
    """What is told; `looks` are what the engine is found to run, one after the other, the last one for ever."""

    def look() -> list[OwnedContainer]:
        found = looks.pop(0) if len(looks) > 1 else looks[0]
        if isinstance(found, Exception):
            raise found
        return list(found)

    follower = Follower(
        engine, look, since=None, tail=5, tell=(said if said is not None else []).append,  # type: ignore[arg-type]
        pause=0.02, patience=2, **{"timestamps": False, **more},
    )  # fmt: skip
    return [text for _, text in follower.lines()]


def test_it_ends_when_nothing_may_write_any_more() -> None:
    engine = Engine(a=[[stamp(1) + b" one\n", stamp(2) + b" two\n"]])
    assert followed(engine, [[container("a")], [container("a", "exited")]]) == [b"one\n", b"two\n"]
    assert engine.asked == [("a", 5, None)]


def test_one_that_restarts_is_followed_again_and_no_line_is_told_twice() -> None:
    engine = Engine(a=[[stamp(1) + b" one\n"], [stamp(1) + b" one\n", stamp(2) + b" two\n"]])
    said: list[str] = []
    looks = [[container("a")], [container("a", "restarting")], [container("a")], [container("a", "exited")]]
    assert followed(engine, looks, said) == [b"one\n", b"two\n"]
    assert said == ["service.web[1] runs again"]
    assert engine.asked[1][:2] == ("a", None), "all that came meanwhile, not only the last lines"


def test_what_takes_its_place_is_followed() -> None:
    engine = Engine(a=[[stamp(1) + b" old\n"]], b=[[stamp(2) + b" new\n"]])
    said: list[str] = []
    looks = [[container("a")], [], [container("b")], [container("b", "exited")]]
    assert followed(engine, looks, said) == [b"old\n", b"new\n"]
    assert said == ["service.web[1] is followed now"]


def test_an_engine_that_restarts_is_waited_for() -> None:
    engine = Engine(a=[[stamp(1) + b" one\n", Unreachable("the engine is gone")], [stamp(2) + b" two\n"]])
    said: list[str] = []
    looks = [[container("a")], Unreachable("gone"), Unreachable("gone"), [container("a")], [container("a")],
             [container("a", "exited")]]  # fmt: skip
    assert followed(engine, looks, said) == [b"one\n", b"two\n"]
    assert said[0] == "the engine is gone; following goes on when the engine answers"
    assert said[1].startswith("the engine answers again, after ")


def test_one_that_is_removed_meanwhile_is_no_error_anything_else_is() -> None:
    gone = Engine(a=[[stamp(1) + b" one\n", EngineRefused("no such container", status=404)]])
    assert followed(gone, [[container("a")], []]) == [b"one\n"]
    with pytest.raises(EngineRefused, match="does not support reading"):
        followed(Engine(a=[[EngineRefused("the driver does not support reading", status=501)]]), [[container("a")]])


def test_times_are_shown_where_they_are_asked_for() -> None:
    engine = Engine(a=[[stamp(1) + b" one\n"]])
    assert followed(engine, [[container("a")], []], timestamps=True) == [stamp(1) + b" one\n"]


def test_a_stream_that_an_engine_keeps_open_holds_up_nobody_once_all_is_over() -> None:
    class KeptOpen(Engine):
        def logs(self, identity: str, **more: Any) -> Iterator[bytes]:
            yield stamp(1) + b" one\n"
            threading.Event().wait()

    assert followed(KeptOpen(), [[container("a")]], over=lambda: True) == [b"one\n"]


def test_what_comes_later_and_has_ended_by_then_is_told_until_all_is_over() -> None:
    engine = Engine(late=[[stamp(1) + b" said\n"]])
    looks = [[], [], [container("late", "exited")]]
    assert followed(engine, looks, over=lambda: bool(engine.asked)) == [b"said\n"]


def test_what_starts_by_itself_later_is_waited_for() -> None:
    """A Swarm starts the next task of a container that is removed after a pause of its own."""
    engine = Engine(a=[[stamp(1) + b" old\n"]], b=[[stamp(2) + b" new\n"]])
    looks: list[Any] = [[container("a")], [], [], [], [], [], [container("b")], [container("b", "exited")]]
    assert followed(engine, looks, to_come=lambda: len(looks) > 1) == [b"old\n", b"new\n"]


def test_what_came_and_went_between_two_looks_is_told() -> None:
    engine = Engine(
        a=[[stamp(1) + b" old\n"]], b=[[stamp(2) + b" new\n"]], c=[[stamp(3) + b" never\n"]],
        d=[[stamp(4) + b" again\n"]],
    )  # fmt: skip
    ended, created = container("b", "exited"), container("c", "created")
    looks = [[container("a")], [ended, created, container("d", "restarting")], [ended, created]]
    assert sorted(followed(engine, looks)) == [b"again\n", b"new\n", b"old\n"]


def test_where_nothing_runs_and_nothing_is_to_come_it_ends() -> None:
    assert followed(Engine(), [[]]) == []


def test_one_that_says_much_keeps_nobody_from_another_that_comes() -> None:
    class Busy(Engine):
        def logs(self, identity: str, **more: Any) -> Iterator[bytes]:
            number = 0
            while identity == "a" and not self.asked:
                number += 1
                yield b"2025-01-31T12:00:00.%09dZ busy\n" % number
                threading.Event().wait(0.001)
            if identity == "b":
                self.asked.append((identity, None, None))
                yield stamp(1) + b" new\n"

    looks = [[container("a")], [container("a"), container("b")], [container("a", "exited")]]
    assert b"new\n" in followed(Busy(), looks)
