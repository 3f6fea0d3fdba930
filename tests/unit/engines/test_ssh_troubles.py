"""What ssh says is told with what to do, whatever else it is that it says."""

from __future__ import annotations

import pytest

from provisioner.engines.ssh import Target, explain


@pytest.mark.parametrize(
    ("said", "message", "hint"),
    [
        ("No user exists for uid 4321", "a user with a name", "--volume /etc/passwd:/etc/passwd:ro"),
        ("Host key verification failed.", "the key of box is not known here", "ssh -p 2222 ann@box"),
        ("ssh: Could not resolve hostname box: Name or service not known", "the name box is not known", "address"),
        ("something else", "box can not be reached through ssh: something else", "ssh -p 2222 ann@box docker version"),
    ],
)
def test_what_ssh_says_is_told_with_what_to_do(said: str, message: str, hint: str) -> None:
    told = explain(said, Target("box", "ann", 2222))
    assert message in told[0]
    assert hint in told[1]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (
            "ssh: connect to host 10.0.0.1 port 22: Connection refused",
            "nothing answers to ssh on a host on the way to box",
        ),
        ("ann@jump: Permission denied (publickey).", "a host on the way to box refuses this user's keys"),
        ("Host key verification failed.", "the key of a host on the way to box is not known here"),
        ("sh: exec: nc: not found", "box can not be reached through ssh: sh: exec: nc: not found"),
        ("", "box can not be reached through ssh: kex_exchange_identification: closed"),
    ],
)
def test_what_is_said_on_the_way_is_no_word_of_the_host(said: str, message: str) -> None:
    lines = f"{said}\nkex_exchange_identification: closed\nConnection closed by UNKNOWN port 65535"
    assert message in explain(lines, Target("box", "ann", 2222), on_the_way=True)[0]
