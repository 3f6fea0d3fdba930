"""A change whose answer is lost is looked after, never made again blindly, and not without end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from docker.tls import TLSConfig

from provisioner.engines.connect import Endpoint
from provisioner.engines.docker_py import Client
from provisioner.engines.engine_http import EngineHttp, answer_error
from provisioner.errors import ClaimTaken, EngineConflict, EngineRefused, Unreachable
from provisioner.kinds.refusals import refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> EngineHttp:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    return EngineHttp(Endpoint("unix:///nowhere", "test"))


def _failing(times: int, error: Exception, made: list[str]) -> Callable[[], str]:
    def call() -> str:
        made.append("made")
        if len(made) <= times:
            raise error
        return "answer"

    return call


@pytest.mark.parametrize(
    "error",
    [
        Unreachable("lost"),
        EngineRefused("?", status=500),
        EngineConflict("?", status=409),
        EngineRefused("?", status=404),
    ],
)
def test_a_change_that_was_not_made_is_made_again(wire: EngineHttp, error: Exception) -> None:
    made: list[str] = []
    assert wire.send_then_verify(_failing(2, error, made), lambda: None) == "answer"
    assert len(made) == 3


def test_a_change_that_was_made_is_not_made_again(wire: EngineHttp) -> None:
    made: list[str] = []
    assert wire.send_then_verify(_failing(9, Unreachable("lost"), made), lambda: "found") == "found"
    assert len(made) == 1


def test_it_has_an_end(wire: EngineHttp) -> None:
    made: list[str] = []
    with pytest.raises(Unreachable):
        wire.send_then_verify(_failing(9, Unreachable("lost"), made), lambda: None)
    assert len(made) == 3


@pytest.mark.parametrize(
    "error",
    [
        EngineRefused("bad parameter", status=400),
        EngineRefused("forbidden", status=403),
        EngineRefused("port is already allocated", status=500, hint="free it"),
    ],
)
def test_a_certain_no_is_a_no(wire: EngineHttp, error: Exception) -> None:
    made: list[str] = []
    with pytest.raises(EngineRefused):
        wire.send_then_verify(_failing(9, error, made), lambda: pytest.fail("there is nothing to look for"))
    assert len(made) == 1


def test_what_the_look_finds_wrong_is_told(wire: EngineHttp) -> None:
    def another() -> None:
        raise EngineConflict("it is another's")

    with pytest.raises(EngineConflict, match="another"):
        wire.send_then_verify(_failing(9, Unreachable("lost"), []), another)


def test_the_engines_own_certificates_are_used_whatever_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    files = [tmp_path / name for name in ("ca.pem", "cert.pem", "key.pem")]
    for file in files:
        file.touch()
    authority, *pair = map(str, files)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/another/bundle")
    tls = TLSConfig(client_cert=tuple(pair), ca_cert=authority, verify=True)
    client = Client("tcp://host.test:2376", version="1.41", tls=tls)
    assert (
        client.merge_environment_settings("https://host.test:2376/_ping", {}, False, None, None)["verify"] == authority
    )


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("Address already in use", "ip_range"),
        ("failed to set up container networking: Address already in use", "ip_range"),
        ("driver failed: Bind for 127.0.0.1:80 failed: port is already allocated", "port"),
        ("driver failed: Error starting userland proxy: listen tcp4 0.0.0.0:80: bind: address already in use", "port"),
        ("failed to bind host port for 0.0.0.0:80:172.18.0.2:80/tcp: address already in use", "port"),
        ("all ports are allocated", "port"),
        ("rpc error: desc = port '80' is already in use by service 'a' (x) as an ingress port", "port"),
        ("Pool overlaps with other one on this address space", "subnet"),
    ],
)
def test_what_another_has_is_told_for_what_it_is(text: str, about: str) -> None:
    error = refused(500, text)
    assert isinstance(error, ClaimTaken)
    assert error.hint is not None
    assert about in error.hint
    assert ("port" in error.hint) == (about == "port")


def test_a_proxy_before_the_engine_is_told_from_the_engine() -> None:
    by_proxy = answer_error(403, b"<html><h1>403 Forbidden</h1></html>", "POST /containers/create")
    assert by_proxy.message == "a proxy before the engine does not let POST /containers/create through"
    assert "docs/permissions.md" in str(by_proxy.hint)
    by_engine = answer_error(403, b'{"message": "bridge is a pre-defined network"}', "DELETE /networks/bridge")
    assert by_engine.message == "bridge is a pre-defined network"
    broken = answer_error(502, b"<html>Bad gateway</html>", "GET /info")
    assert broken.message == "<html>Bad gateway</html>"
