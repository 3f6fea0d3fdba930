"""Secrets arrive byte for byte, and appear nowhere else: not when all goes well, and not when something fails."""

from __future__ import annotations

import base64
import json
import os
import shlex
import signal
import time
import urllib.parse
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.environment import interrupt, service
from tests.secrets.canaries import Canary, canary, hits, inside

if TYPE_CHECKING:
    from tests.secrets.conftest import Guarded

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

LOCAL = ("one", "large", "lines", "dollars", "unicode")


def playbook(guarded: Guarded, **more: Any) -> dict[str, Any]:
    """A service with every canary, read-only and as another user, and a second one with some of them."""
    guarded.keep(*LOCAL)
    file = guarded.keep_file("binary")
    web = service(
        read_only=True,
        user="1000:1000",
        secrets=[
            *LOCAL,
            {"source": "binary", "target": "/etc/keys/binary", "uid": "1000", "gid": "1000", "mode": "0400"},
        ],
        **more,
    )
    declared: dict[str, Any] = {name: {} for name in LOCAL} | {"binary": {"file": str(file)}, "made": {"generate": {}}}
    return {"services": {"web": web, "other": service(secrets=["dollars", "made"])}, "secrets": declared}


def remember_generated(guarded: Guarded) -> None:
    """The value that was generated is a canary too."""
    text = (guarded.folder / ".env.local").read_text()
    value = text.partition("MADE=")[2].partition("\n")[0]
    assert len(value) == 32
    guarded.canaries["made"] = Canary("made", value.encode(), value)


def test_the_search_itself_finds_what_it_should() -> None:
    secret = canary("a", "some'thing$ ", '\n"')
    needles = [secret]
    for text in (
        f"x {secret.text} y",
        json.dumps({"a": secret.text}),
        base64.b64encode(b"ab" + secret.value + b"c").decode(),
        urllib.parse.quote(secret.text),
        shlex.quote(secret.text),
        secret.value.hex(),
    ):
        assert hits(needles, "here", text), text
    assert hits(needles, "here", "nothing") == []


def test_the_search_of_the_engine_finds_what_it_should(guarded: Guarded) -> None:
    secret = guarded.canaries["dollars"]
    assert secret.mark is not None
    guarded.outputs.append(("nothing", ""))
    guarded.require_silence()
    name = f"{guarded.project}-leak"
    for number, leak in enumerate(({"labels": {"a": secret.mark}}, {"environment": {"A": secret.text}}, {
        "command": ["sh", "-c", f"echo {secret.mark}"]
    }, {"command": ["sh", "-c", f"echo {secret.mark} | rev > /tmp/file"]})):  # fmt: skip
        guarded.engine.containers.run("busybox:1.36", name=f"{name}{number}", detach=True, **leak)
        with pytest.raises(AssertionError, match=f"{name}{number}"):
            guarded.require_silence()


def test_every_kind_of_value_arrives_and_appears_nowhere_else(guarded: Guarded) -> None:
    guarded.write(playbook(guarded))
    guarded.provision("plan", "-v")
    guarded.provision("plan", "-v", "-o", "kept.plan")
    with guarded.watched() as processes:
        guarded.provision("apply", "--yes", "-v")
    assert processes.looked > 20
    assert processes.found == set()
    remember_generated(guarded)
    web = guarded.container("web-1")
    for name in LOCAL:
        content, member = inside(web, f"/run/secrets/{name}")
        assert content == guarded.canaries[name].value, name
        assert member.mode & 0o777 == 0o444
    content, member = inside(web, "/etc/keys/binary")
    assert content == guarded.canaries["binary"].value
    assert (member.uid, member.gid, member.mode & 0o777) == (1000, 1000, 0o400)
    assert inside(guarded.container("other-1"), "/run/secrets/made")[0] == guarded.canaries["made"].value

    (guarded.folder / "more").mkdir()
    for arguments in (
        ("plan", "--json", "-v"), ("apply", "--yes", "--json", "-v"), ("status", "-v"), ("status", "--json"),
        ("secrets", "list", "-v"), ("secrets", "list", "--json"), ("secrets", "check", "-v"), ("config", "-v"),
        ("config", "--format", "json"), ("config", "--explain", "dollars", "-v"), ("history", "-v"),
        ("history", "--json"), ("show", "1", "-v"), ("show", "1", "--json"), ("show", "1", "--format", "yaml"),
        ("drift", "-v"), ("drift", "--json"), ("doctor", "-v"), ("doctor", "--json"), ("verify", "-v"),
        ("secrets", "sync", "--check", "-v"),
    ):  # fmt: skip
        guarded.provision(*arguments)
    guarded.provision("apply", "kept.plan", code=64)
    guarded.require_silence()
    guarded.provision("destroy", "--yes", "--verbose")
    guarded.require_silence()


def test_rotation_replaces_the_value_and_shows_neither(guarded: Guarded) -> None:
    guarded.write(playbook(guarded))
    guarded.provision("apply", "--yes", "-v")
    remember_generated(guarded)
    guarded.canaries["older"] = guarded.canaries["made"]
    new = canary("dollars", "new '$ ", "\n")
    guarded.canaries["newer"] = new
    with guarded.watched() as processes:
        guarded.provision("secrets", "rotate", "dollars", "-", "--yes", "--exact", "-v", stdin=new.value)
        guarded.provision("secrets", "rotate", "made", "--yes", "-v")
        guarded.provision("secrets", "set", "unicode", "-", "-v", stdin=canary("x").value)
    assert processes.found == set()
    remember_generated(guarded)
    assert guarded.canaries["older"].value != guarded.canaries["made"].value
    for container in ("web-1", "other-1"):
        assert inside(guarded.container(container), "/run/secrets/dollars")[0] == new.value
    assert inside(guarded.container("other-1"), "/run/secrets/made")[0] == guarded.canaries["made"].value
    guarded.provision("history", "-v")
    guarded.provision("show", "2", "-v")
    guarded.require_silence()
    volumes = [one for one in guarded.objects() if one.startswith("volume")]
    assert len([one for one in volumes if ".secrets." in one]) == 4, "those of now and before"


def test_what_fails_gives_nothing_away(guarded: Guarded) -> None:
    failing = {"test": ["CMD", "false"], "interval": "0.1s", "retries": 1}
    guarded.write(playbook(guarded, healthcheck=failing))
    guarded.provision("apply", "--yes", "-v", "--wait-timeout", "5", code=1)
    guarded.provision("apply", "--yes", "--json", "-v", "--wait-timeout", "5", code=1)
    for arguments in (
        ("why", "web", "-v"), ("why", "web", "--json"), ("history", "-v"), ("history", "--json"), ("status", "-v"),
    ):  # fmt: skip
        guarded.provision(*arguments)
    guarded.write(playbook(guarded, image="busybox:0.0.0-none"))
    guarded.provision("apply", "--yes", "-v", code=1)
    guarded.write(playbook(guarded, command=["/no/such/program"]))
    guarded.provision("apply", "--yes", "-v", code=1)
    # A declaration that is wrong, and a file that is: told by position, never by what stands there.
    guarded.write({**playbook(guarded), "secrets": {"one": {"generate": {"length": 2}}}})
    guarded.provision("apply", "--yes", "-v", code=65)
    guarded.write(playbook(guarded))
    bad = guarded.folder / ".env.local"
    bad.write_text(bad.read_text() + f"oops {guarded.canaries['dollars'].mark} oops\n")
    guarded.provision("apply", "--yes", "-v", code=77)
    guarded.require_silence()


@pytest.mark.parametrize("how", ["SIGINT", "SIGKILL"])
def test_an_interruption_gives_nothing_away(guarded: Guarded, how: str) -> None:
    waits = {"test": ["CMD", "true"], "interval": "0.1s", "start_period": "0s"}
    guarded.write(playbook(guarded, healthcheck=waits, command=["sleep", "30"]))
    assert guarded.proxy is not None
    with guarded.watched() as processes:
        process = guarded.start("apply", "--yes", "-v")
        deadline = time.monotonic() + 60
        while not any("/archive" in str(request) for request in guarded.proxy.mutating):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        if how == "SIGINT":
            interrupt(process)
        else:
            os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate(timeout=60)
    assert processes.found == set()
    guarded.outputs.append(("interrupted apply", out + err))
    assert process.returncode in (130, 0) if how == "SIGINT" else process.returncode == -signal.SIGKILL
    guarded.require_silence()
    guarded.provision("apply", "--yes", "-v")
    remember_generated(guarded)
    for name in LOCAL:
        assert inside(guarded.container("web-1"), f"/run/secrets/{name}")[0] == guarded.canaries[name].value
    guarded.require_silence()
