"""What a user meets when a secret can not be had: nothing is changed, and the secret and the reason are named."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.secret_sources.aws_server import Answer, entry, error, faulty_server
from tests.engine.environment import service
from tests.secrets.canaries import inside

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.secrets.conftest import Guarded

pytestmark = [pytest.mark.engine, pytest.mark.timeout(180)]

SETTINGS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example", "AWS_DEFAULT_REGION": "eu-west-1"}
COMMANDS = (("plan", "-v"), ("apply", "--yes", "-v"), ("apply", "--yes", "--json"), ("secrets", "check"))


def playbook(**secrets: Any) -> dict[str, Any]:
    return {"services": {"web": service(secrets=list(secrets))}, "secrets": secrets}


def require_refused(guarded: Guarded, code: int, *says: str, commands: Any = COMMANDS, **variables: str) -> None:
    """Every command ends with the code and says what is wrong; the engine was asked to change nothing."""
    assert guarded.proxy is not None
    guarded.proxy.clear()
    before = guarded.inventory()
    for arguments in commands:
        ended = guarded.provision(*arguments, code=code, **variables)
        for text in says:
            assert text in ended.stdout + ended.stderr, (arguments, ended)
    assert [str(request) for request in guarded.proxy.mutating] == []
    assert guarded.inventory() == before


def test_a_forgotten_local_value_stops_production(guarded: Guarded) -> None:
    guarded.keep("dollars")
    guarded.write(playbook(dollars={"sources": ["docker", "aws"]}))
    require_refused(guarded, 77, "dollars", ".env.local has DOLLARS", "docker, aws")
    guarded.require_silence()


def test_a_missing_secret_is_named_with_every_place_that_was_looked_at(guarded: Guarded) -> None:
    guarded.keep("one")
    guarded.write(playbook(one={}, absent={}, gone={}))
    require_refused(guarded, 77, "absent", "gone", "no ABSENT in", "docker: no secret", "aws: not set up here")
    listed = json.loads(guarded.provision("secrets", "list", "--json").stdout)["secrets"]
    assert [(one["name"], one["state"]) for one in listed] == [
        ("one", "found"),
        ("absent", "missing"),
        ("gone", "missing"),
    ]
    assert len(listed[1]["looked_in"]) == 3


def test_an_unsafe_file_stops_everything(guarded: Guarded) -> None:
    guarded.keep("one")
    (guarded.folder / ".env.local").chmod(0o666)
    guarded.write(playbook(one={}))
    require_refused(guarded, 77, ".env.local can be written by others", "chmod 600")


FAULTS: dict[str, tuple[Callable[[str, dict[str, Any]], Answer], int, str]] = {
    "denied": (lambda operation, request: error("AccessDeniedException", "User: me is not authorized"), 77, "denied"),
    "throttled": (lambda operation, request: error("ThrottlingException", "Rate exceeded"), 69, "throttled"),
    "failing": (lambda operation, request: error("InternalServiceError", "", 500), 69, "failed"),
    "half": (
        lambda operation, request: Answer({
            "SecretValues": [entry("shop/one", "value-of-one")],
            "Errors": [{"SecretId": "shop/two", "ErrorCode": "AccessDeniedException", "Message": "not authorized"}],
        }),
        77, "two",
    ),
    "silent about one": (
        lambda operation, request: Answer({"SecretValues": [entry("shop/one", "value-of-one")], "Errors": []}),
        69, "two",
    ),
    "cut": (lambda operation, request: Answer({"SecretValues": []}, cut=True), 69, "AWS Secrets Manager"),
    "no AWS": (lambda operation, request: Answer(b"<html>login</html>"), 69, "AWS"),
    "expired": (lambda operation, request: error("ExpiredTokenException", "expired"), 77, "expired"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_aws_that_fails_changes_nothing_of_what_runs(guarded: Guarded, fault: str) -> None:
    answers, code, says = FAULTS[fault]
    guarded.keep("dollars")
    guarded.write(playbook(dollars={}))
    guarded.provision("apply", "--yes", "-q")
    asks = {"sources": ["aws"]}
    guarded.write(playbook(dollars={}, one={"aws": "shop/one", **asks}, two={"aws": "shop/two", **asks}))
    with faulty_server(answers) as server:
        variables = {**SETTINGS, "AWS_ENDPOINT_URL_SECRETS_MANAGER": server.url}
        require_refused(guarded, code, says, "secret", commands=(("apply", "--yes", "-v"),), **variables)
        assert server.asked
        if fault == "half":
            listed = guarded.provision("secrets", "list", code=code, **variables)
            assert "not clear" in listed.stdout
            assert "found" in listed.stdout, "the others are still told"
    assert inside(guarded.container("web-1"), "/run/secrets/dollars")[0] == guarded.canaries["dollars"].value
    assert "value-of-one" not in "".join(text for _, text in guarded.outputs)
    guarded.require_silence()


@pytest.mark.slow
def test_aws_that_never_answers_is_given_up(guarded: Guarded) -> None:
    guarded.write(playbook(one={"aws": "shop/one"}))
    with faulty_server(lambda operation, request: Answer({}, seconds=100)) as server:
        variables = {**SETTINGS, "AWS_ENDPOINT_URL_SECRETS_MANAGER": server.url}
        require_refused(guarded, 69, "secret one", "did not answer", commands=(("plan",),), **variables)


def test_aws_that_can_not_be_reached_is_69(guarded: Guarded) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        guarded.write(playbook(one={"aws": "shop/one"}))
        variables = {**SETTINGS, "AWS_ENDPOINT_URL_SECRETS_MANAGER": url}
        require_refused(guarded, 69, "secret one", "AWS", commands=(("plan",),), **variables)


def test_aws_without_credentials_is_77_once_the_playbook_names_it(guarded: Guarded) -> None:
    guarded.write(playbook(one={"aws": "shop/one"}))
    require_refused(guarded, 77, "secret one", "no credentials were found", commands=(("plan",), ("secrets", "check")))
