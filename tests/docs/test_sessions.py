"""The sessions that the pages show are carried out on a real engine and print what the pages say."""

from __future__ import annotations

import re
import socket
import sys
from contextlib import ExitStack

import pytest

from tests.docs.pages import PAGES, PROJECT, name_of
from tests.docs.session import Command, Session, follow, normal, pattern, steps, surroundings

WITH_SESSIONS = [page for page in PAGES if any(isinstance(step, Command) for step in steps(page))]
# Plays what a Compose asked of an engine: the tests need none.
COMPOSE = f"PYTHONPATH={PROJECT} {sys.executable} -m tests.compose_recording"
# The ports that the pages publish.
PORTS = ("8080", "8081")


@pytest.mark.engine
@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", WITH_SESSIONS, ids=name_of)
def test_a_page_says_what_happens(page, tmp_path, engine_url, project):
    names = {"shop": project, "docker compose": COMPOSE, **free_ports()}
    session = Session(tmp_path, names, surroundings(engine_url))
    wrong = follow(page, session)
    assert not wrong, "\n\n".join(wrong)


def free_ports() -> dict[str, str]:
    """A free port of loopback for each port of the pages."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in PORTS]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return {port: str(each.getsockname()[1]) for port, each in zip(PORTS, sockets, strict=True)}


@pytest.mark.parametrize(
    ("page", "printed"),
    [
        ("a\nb", "a\nb"),
        ("a   b", "a b"),
        ("ready in 1.2s", "ready in 0.4s"),
        ("in 8s", "in 1m"),
        ("first\n…\nlast", "first\nlast"),
        ("first\n…\nlast", "first\none\ntwo\nlast"),
        ("…\nlast", "last"),
        ("1:M … ready", "1:M 21 Nov * ready"),
        ("shop → myhost (engine 28.5.2)\n", "shop → other (engine 20.10.24+dfsg1)\n"),
    ],
)
def test_what_may_differ(page, printed):
    assert fits(page, printed)


@pytest.mark.parametrize(
    ("page", "printed"),
    [
        ("", "something"),
        ("a", "a\nb"),
        ("a\nb", "b\na"),
        ("changed=0", "changed=1"),
        ("exit code 0", "exit code 2"),
        ("first\n…\nlast", "first\nlast\nmore"),
        ("a … b", "a\nb"),
        ("a.b", "axb"),
    ],
)
def test_what_may_not(page, printed):
    assert not fits(page, printed)


def fits(page, printed):
    return re.fullmatch(pattern(page), normal(printed) + "\n") is not None
