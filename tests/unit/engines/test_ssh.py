"""Whom an address behind ssh names, and what is made of what ssh says."""

from __future__ import annotations

import pytest

from provisioner.engines.ssh import Target, explain, parse_target
from provisioner.errors import UsageError


@pytest.mark.parametrize(
    ("url", "target", "words"),
    [
        ("ssh://prod", Target("prod"), ["--", "prod"]),
        ("ssh://Prod", Target("Prod"), ["--", "Prod"]),
        ("ssh://ann@prod:2222", Target("prod", "ann", 2222), ["-l", "ann", "-p", "2222", "--", "prod"]),
        ("ssh://ann@[::1]:2222", Target("::1", "ann", 2222), ["-l", "ann", "-p", "2222", "--", "::1"]),
        ("ssh://prod/run/user/1000/docker.sock", Target("prod", path="/run/user/1000/docker.sock"), ["--", "prod"]),
        ("ssh://prod/", Target("prod"), ["--", "prod"]),
    ],
)
def test_whom_an_address_names(url: str, target: Target, words: list[str]) -> None:
    assert parse_target(url) == target
    assert parse_target(url).words == words


@pytest.mark.parametrize(
    "url", ["ssh://", "ssh://-oProxyCommand=x", "ssh://-l@host", "ssh://h:x", "ssh://h?a", "ssh://h#a", "ssh://h:0"]
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(UsageError, match="not the address of an engine behind ssh"):
        parse_target(url)


def test_a_password_in_an_address_is_refused_and_not_shown() -> None:
    with pytest.raises(UsageError) as refused:
        parse_target("ssh://ann:hunter2@prod")
    assert "hunter2" not in str(refused.value)


CHANGED = """@@@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @@@
Offending ED25519 key in /home/ann/.ssh/known_hosts:3
  remove with:
  ssh-keygen -f "/home/ann/.ssh/known_hosts" -R "[10.0.0.9]:2222"
Host key verification failed."""


@pytest.mark.parametrize(
    ("said", "message", "hint"),
    [
        (CHANGED, "is not the one that known_hosts has", '-R "[10.0.0.9]:2222", then ssh -p 2222 ann@prod'),
        ("Host key verification failed.", "is not known here", "compare its fingerprint"),
        ("ann@prod: Permission denied (publickey).", "refuses this user's keys", "ssh-add -l"),
        (
            "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock",
            "may not use the Docker Engine's socket",
            "group docker",
        ),
        ("bash: line 1: docker: command not found", "docker is not installed on prod", "install"),
        ("Cannot connect to the Docker daemon at unix:///a.sock. Is it running?", "no Docker Engine", "start"),
        ("ssh: Could not resolve hostname prod: Name or service not known", "the name prod is not known", "address"),
        ("ssh: connect to host prod port 2222: Connection refused", "nothing answers to ssh", "port"),
        ("ssh: connect to host prod port 2222: Connection timed out", "does not answer to ssh", "way to it"),
        ("kex_exchange_identification: read: reset", "through ssh: kex_exchange_identification", "docker version"),
        ("", "it said nothing", "ssh -p 2222 ann@prod docker version"),
    ],
)  # fmt: skip
def test_what_ssh_says_is_explained(said: str, message: str, hint: str) -> None:
    found = explain(said, Target("prod", "ann", 2222))
    assert message in found[0]
    assert hint in found[1]
