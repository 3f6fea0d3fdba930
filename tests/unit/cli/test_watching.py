"""What is shown again and again goes on without an engine, keeps to the screen, and ends when it is asked to."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from provisioner.cli.settings import Settings
from provisioner.cli.streams import Stream
from provisioner.cli.watching import Picture, again_and_again
from provisioner.errors import PlaybookInvalid, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable


def watched(*looks: Callable[[Settings], int] | BaseException) -> int:
    """The exit code when the looks are used up, by then Ctrl-C is pressed."""
    left = list(looks)

    def once(settings: Settings) -> int:
        if not left:
            raise KeyboardInterrupt
        look = left.pop(0)
        if isinstance(look, BaseException):
            raise look
        return look(settings)

    return again_and_again(Settings(), once, clears=True, interval=0.01)


def says(text: str, code: int = 0) -> Callable[[Settings], int]:
    def look(settings: Settings) -> int:
        settings.out().write(text)
        return code

    return look


def test_an_engine_that_does_not_answer_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    gone = Unreachable("the engine does not answer")
    assert watched(says("one\n"), gone, gone, says("two\n", 3)) == 130
    captured = capsys.readouterr()
    assert captured.out == "one\ntwo\n"
    assert captured.err.count("the engine does not answer") == 1
    assert "Trying again until it answers." in captured.err
    assert "The engine answers again" in captured.err


def test_any_other_error_ends_it() -> None:
    with pytest.raises(PlaybookInvalid):
        watched(says("one\n"), PlaybookInvalid([]))


def test_a_picture_is_no_longer_than_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    # pytest itself asks for it too, in its own way.
    monkeypatch.setattr(shutil, "get_terminal_size", lambda fallback=(80, 24): os.terminal_size((80, 10)))
    picture = Picture(Stream(sys.stdout, no_color=True, environment={}))
    picture.write("".join(f"line {number}\n" for number in range(30)))
    lines = picture.text().splitlines()
    assert len(lines) == 9
    assert lines[-1] == "… 22 more lines"
    short = Picture(Stream(sys.stdout, no_color=True, environment={}))
    short.write("a\n")
    assert short.text() == "a\n"


def test_a_resized_terminal_is_drawn_at_once_and_the_handler_is_given_back() -> None:
    before = signal.getsignal(signal.SIGWINCH)

    def resized(settings: Settings) -> int:
        os.kill(os.getpid(), signal.SIGWINCH)
        return 0

    left = [resized, resized]

    def once(settings: Settings) -> int:
        if not left:
            raise KeyboardInterrupt
        return left.pop(0)(settings)

    # With an interval of an hour only the signals can have led on.
    assert again_and_again(Settings(), once, clears=True, interval=3600) == 130
    assert signal.getsignal(signal.SIGWINCH) is before
