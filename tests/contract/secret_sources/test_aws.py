"""AWS Secrets Manager: versions, JSON keys and limits against moto; faults against a server that answers as told."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from provisioner.errors import ProvisionError, SecretUnavailable, Unreachable
from provisioner.model.secret import Found, Held, Missing, Resolution, SecretRef
from provisioner.secrets.aws import AwsTier, Limits
from tests.contract.secret_sources.aws_server import Answer, FaultyServer, entry, error, faulty_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Moto needs seconds for an answer on a busy machine.
PATIENT = Limits(attempts=2)
QUICK = Limits(connect=0.5, read=0.5, total=3, attempts=2)


def ref(aws: str, key: str = "jwt_secret", *, asks_aws: bool = True) -> SecretRef:
    return SecretRef(key, (key,), key.upper(), aws, ("aws",), asks_aws=asks_aws)


def ask(*refs: SecretRef, held: dict[str, Held] | None = None, limits: Limits = PATIENT) -> list[Resolution]:
    answers = AwsTier(held or {}, limits).fetch(refs)
    return [answers[item] for item in refs]


def value(answer: Resolution) -> bytes:
    assert isinstance(answer, Found)
    return answer.value.reveal()


@pytest.fixture
def serve(aws: None, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Begin a server that answers with the given function and point AWS there."""

    @contextmanager
    def begin(answers: Callable[[str, dict[str, Any]], Answer]) -> Iterator[FaultyServer]:
        with faulty_server(answers) as server:
            monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", server.url)
            yield server

    return begin


# --- what AWS gives ---------------------------------------------------------------------------------------------------


def test_a_json_key_is_one_string_of_the_secret(manager: Any) -> None:
    manager.create_secret(Name="app/db", SecretString='{"user": "u", "password": "p\\u00e4ss\\n"}')
    user, password = ask(ref("app/db#user", "a"), ref("app/db#password", "b"))
    assert (value(user), value(password)) == (b"u", "päss\n".encode())


def test_a_missing_json_key_is_missing_by_name(manager: Any) -> None:
    manager.create_secret(Name="app/db", SecretString='{"user": "canary"}')
    assert ask(ref("app/db#password")) == [Missing(("aws: app/db has no key password",))]


@pytest.mark.parametrize(
    ("stored", "why"),
    [
        ({"SecretString": '{"port": 5432, "c": "canary"}'}, "is not a JSON string"),
        ({"SecretString": '{"port": {"canary": "x"}}'}, "is not a JSON string"),
        ({"SecretString": '["canary"]'}, "not a JSON object"),
        ({"SecretString": "canary, no json"}, "not a JSON object"),
        ({"SecretBinary": b'{"port": "canary"}'}, "binary"),
    ],
)
def test_a_json_key_that_can_not_be_taken_is_refused_without_the_content(
    manager: Any, stored: dict[str, Any], why: str
) -> None:
    manager.create_secret(Name="app/db", **stored)
    with pytest.raises(SecretUnavailable, match=why) as refusal:
        ask(ref("app/db#port"))
    assert "jwt_secret" in refusal.value.message
    assert "canary" not in everything(refusal.value)


def test_an_arn_names_its_secret_and_its_region(manager: Any) -> None:
    arn = manager.create_secret(Name="app/jwt", SecretString="x")["ARN"]
    assert value(ask(ref(arn))[0]) == b"x"


def test_a_version_is_the_version_id_and_its_time(manager: Any) -> None:
    made = manager.create_secret(Name="app/db", SecretString='{"a": "x"}')
    whole, key = ask(ref("app/db", "whole"), ref("app/db#a", "key"))
    assert isinstance(whole, Found)
    assert isinstance(key, Found)
    assert (whole.version, key.version) == (made["VersionId"], f"{made['VersionId']}#a")
    assert whole.created is not None
    assert abs(whole.created - time.time()) < 60


def test_stages_and_versions_can_be_named(manager: Any) -> None:
    first = manager.create_secret(Name="app/jwt", SecretString="old")["VersionId"]
    manager.put_secret_value(SecretId="app/jwt", SecretString="new")
    pending = "0" * 32
    manager.put_secret_value(
        SecretId="app/jwt", SecretString="next", VersionStages=["AWSPENDING"], ClientRequestToken=pending
    )
    answers = ask(
        ref("app/jwt", "a"),
        ref("app/jwt?stage=AWSPREVIOUS", "b"),
        ref("app/jwt?stage=AWSPENDING", "c"),
        ref(f"app/jwt?version={first}", "d"),
        ref("app/jwt?stage=AWSCURRENT", "e"),
    )
    assert [value(answer) for answer in answers] == [b"new", b"old", b"next", b"old", b"new"]


def test_a_stage_that_is_not_there_is_missing(manager: Any) -> None:
    manager.create_secret(Name="app/jwt", SecretString="x")
    assert isinstance(ask(ref("app/jwt?stage=AWSPENDING"))[0], Missing)


def test_a_rotation_that_is_half_done_gives_the_current_value(manager: Any) -> None:
    manager.create_secret(Name="app/jwt", SecretString="current")
    manager.put_secret_value(SecretId="app/jwt", SecretString="pending", VersionStages=["AWSPENDING"])
    assert value(ask(ref("app/jwt"))[0]) == b"current"


def test_a_secret_that_is_to_be_deleted_is_refused_with_the_reason(manager: Any) -> None:
    manager.create_secret(Name="app/jwt", SecretString="x")
    manager.delete_secret(SecretId="app/jwt", RecoveryWindowInDays=7)
    with pytest.raises(SecretUnavailable, match=r"jwt_secret: it is scheduled for deletion"):
        ask(ref("app/jwt"))


def test_a_name_that_looks_like_a_part_of_an_arn_is_warned_of(manager: Any) -> None:
    tier = AwsTier(limits=QUICK)
    tier.fetch([ref("app/my-secret"), ref("app/secret")])
    assert len(tier.warnings()) == 1
    assert "app/my-secret" in tier.warnings()[0]


# --- versions first ---------------------------------------------------------------------------------------------------


def test_an_unchanged_version_is_not_fetched(manager: Any, monkeypatch: pytest.MonkeyPatch, serve: Any) -> None:
    version = "a" * 32
    described = {"Name": "app/jwt", "VersionIdsToStages": {"b" * 32: ["AWSPREVIOUS"], version: ["AWSCURRENT"]}}
    with serve(lambda operation, request: Answer(described)) as server:
        held = Held("app_jwt_secret.abc", "aws", version)
        assert ask(ref("app/jwt"), held={"jwt_secret": held}) == [held]
        assert server.operations == ["DescribeSecret"]
        # Two keys of one secret: its version is asked for once.
        parts = {key: Held(f"app_{key}.abc", "aws", f"{version}#{key}") for key in ("user", "password")}
        assert ask(ref("app/jwt#user", "user"), ref("app/jwt#password", "password"), held=parts) == list(parts.values())
        assert server.operations == ["DescribeSecret"] * 2


@pytest.mark.parametrize(
    ("reference", "version", "tier"),
    [
        ("app/db", "other version", "aws"),
        ("app/db#user", None, "aws"),
        ("app/db?stage=AWSPREVIOUS", None, "aws"),
        ("app/db", None, "docker"),
        ("app/db", "", "aws"),
    ],
)
def test_anything_else_than_the_same_version_of_the_same_reference_is_fetched(
    manager: Any, reference: str, version: str | None, tier: str
) -> None:
    manager.create_secret(Name="app/db", SecretString='{"user": "old"}')
    made = manager.put_secret_value(SecretId="app/db", SecretString='{"user": "u"}')["VersionId"]
    held = Held("x", tier, made if version is None else version)
    assert isinstance(ask(ref(reference), held={"jwt_secret": held})[0], Found)


def test_a_held_secret_that_is_gone_from_aws_is_missing(manager: Any) -> None:
    assert isinstance(ask(ref("app/jwt"), held={"jwt_secret": Held("x", "aws", "v")})[0], Missing)


# --- batches ----------------------------------------------------------------------------------------------------------


def test_at_most_twenty_ids_are_asked_for_at_once(serve: Any) -> None:
    def answers(operation: str, request: dict[str, Any]) -> Answer:
        return Answer({"SecretValues": [entry(name, name) for name in request["SecretIdList"]]})

    refs = [ref(f"app/{number:02}", f"k{number}") for number in range(45)]
    with serve(answers) as server:
        assert [value(answer) for answer in ask(*refs)] == [item.aws.encode() for item in refs]
        assert [len(request["SecretIdList"]) for _, request in server.asked] == [20, 20, 5]


def test_keys_of_one_secret_are_asked_for_once(serve: Any) -> None:
    with serve(lambda operation, request: Answer({"SecretValues": [entry("db", '{"a": "1", "b": "2"}')]})) as server:
        ask(ref("db#a", "a"), ref("db#b", "b"), ref("db", "c"))
        assert [request for _, request in server.asked] == [{"SecretIdList": ["db"]}]


def test_entries_are_matched_by_name_whatever_their_order_and_number(serve: Any) -> None:
    def answers(operation: str, request: dict[str, Any]) -> Answer:
        found = [entry("stranger", "s"), entry("b", "2"), entry("a", "1"), entry("b", "2")]
        return Answer({"SecretValues": found})

    with serve(answers):
        assert [value(answer) for answer in ask(ref("a", "x"), ref("b", "y"))] == [b"1", b"2"]


def test_pages_are_followed_to_the_end_also_empty_ones(serve: Any) -> None:
    pages = {None: ([], "1"), "1": ([entry("a", "1")], "2"), "2": ([], "3"), "3": ([entry("b", "2")], None)}

    def answers(operation: str, request: dict[str, Any]) -> Answer:
        found, token = pages[request.get("NextToken")]
        return Answer({"SecretValues": found, **({"NextToken": token} if token else {})})

    with serve(answers):
        assert [value(answer) for answer in ask(ref("a", "x"), ref("b", "y"))] == [b"1", b"2"]


def test_pages_that_never_end_are_ended(serve: Any) -> None:
    with (
        serve(lambda operation, request: Answer({"SecretValues": [], "NextToken": "again"})) as server,
        pytest.raises(Unreachable, match="jwt_secret"),
    ):
        ask(ref("a"), limits=Limits(total=10))
    assert len(server.asked) <= 40


def test_an_id_that_is_not_answered_is_not_taken_for_missing(serve: Any) -> None:
    with (
        serve(lambda operation, request: Answer({"SecretValues": [entry("a", "1")]})),
        pytest.raises(Unreachable, match="secret y:"),
    ):
        ask(ref("a", "x"), ref("b", "y"))


def test_a_partial_error_is_an_error_for_the_secrets_it_names(serve: Any) -> None:
    def answers(operation: str, request: dict[str, Any]) -> Answer:
        errors = [
            {"SecretId": "gone", "ErrorCode": "ResourceNotFoundException", "Message": "not found"},
            {"SecretId": "closed", "ErrorCode": "AccessDeniedException", "Message": "no secretsmanager:GetSecretValue"},
            {"SecretId": "busy", "ErrorCode": "InternalServiceError", "Message": "try later"},
        ]
        return Answer({"SecretValues": [entry("a", "canary")], "Errors": errors})

    with serve(answers), pytest.raises(SecretUnavailable) as refusal:
        ask(ref("a", "x"), ref("gone", "y"), ref("closed", "z"), ref("busy", "w"))
    lines = refusal.value.message.splitlines()
    assert lines[0].startswith("secret z: AWS denied it: no secretsmanager:GetSecretValue")
    assert lines[1].startswith("secret w: ")
    assert len(lines) == 2
    assert "canary" not in everything(refusal.value)


def test_a_partial_not_found_is_missing_and_the_others_are_found(serve: Any) -> None:
    def answers(operation: str, request: dict[str, Any]) -> Answer:
        errors = [{"SecretId": "gone", "ErrorCode": "ResourceNotFoundException", "Message": ""}]
        return Answer({"SecretValues": [entry("a", b"\0\xff")], "Errors": errors})

    with serve(answers):
        found, gone = ask(ref("a", "x"), ref("gone", "y"))
    assert value(found) == b"\0\xff"
    assert gone == Missing(("aws: no secret gone",))


# --- refusals and faults ----------------------------------------------------------------------------------------------

DENIED = "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: secretsmanager:BatchGetSecretValue"


@pytest.mark.parametrize(
    ("answer", "kind", "why"),
    [
        (error("AccessDeniedException", DENIED), SecretUnavailable, "secretsmanager:BatchGetSecretValue"),
        (error("DecryptionFailure", "canary"), SecretUnavailable, "kms:Decrypt"),
        (error("ExpiredTokenException", "canary"), SecretUnavailable, "expired"),
        (error("UnrecognizedClientException", "canary"), SecretUnavailable, "does not accept the credentials"),
        (error("InvalidRequestException", "It was marked for deletion."), SecretUnavailable, "scheduled for deletion"),
        (error("InvalidParameterException", "canary"), SecretUnavailable, "refused the request"),
        (error("ThrottlingException", "canary"), Unreachable, "throttled"),
        (error("InternalServiceError", "canary", 500), Unreachable, "InternalServiceError"),
        (Answer(b"<html>canary</html>", 503), Unreachable, "503"),
        (Answer(b"<html>canary</html>", 403), Unreachable, "403"),
        (Answer(b"<html>canary</html>", 200), Unreachable, "not AWS Secrets Manager"),
        (
            Answer(b'{"SecretValues": [{"Name": "a", "SecretString": "canary', 200),
            Unreachable,
            "not AWS Secrets Manager",
        ),
        (Answer({"SecretValues": "canary"}), Unreachable, "jwt_secret"),
        (Answer({"SecretValues": [{"Name": "a", "SecretString": "canary"}]}), Unreachable, "not AWS Secrets Manager"),
        (Answer({"SecretValues": [{"Name": "a", "VersionId": "v" * 32}]}), Unreachable, "not AWS Secrets Manager"),
        (Answer({"SecretValues": [None, 5]}), Unreachable, "jwt_secret"),
        (Answer([]), Unreachable, "jwt_secret"),
        (Answer(b"null"), Unreachable, "jwt_secret"),
        (Answer({}, cut=True), Unreachable, "jwt_secret"),
        (Answer({}, seconds=60), Unreachable, "in time"),
        (Answer({"SecretValues": [entry("a", "canary" * 50)]}, drip=0.2), Unreachable, "within 3 s"),
    ],
)
def test_a_fault_is_a_typed_error_with_the_secrets_name_and_the_reason(
    serve: Any, answer: Answer, kind: type[ProvisionError], why: str
) -> None:
    started = time.monotonic()
    # Only what never ends is to use up the whole time.
    limits = QUICK if answer.drip else replace(QUICK, total=25)
    with serve(lambda operation, request: answer), pytest.raises(kind) as refusal:
        ask(ref("a"), limits=limits)
    assert time.monotonic() - started < 30
    assert "jwt_secret" in refusal.value.message
    assert why in refusal.value.message
    assert "canary" not in everything(refusal.value)
    assert refusal.value.exit_code == (77 if kind is SecretUnavailable else 69)


def test_throttling_is_tried_again_a_bounded_number_of_times(serve: Any) -> None:
    with serve(lambda operation, request: error("ThrottlingException")) as server, pytest.raises(Unreachable):
        ask(ref("a"), limits=Limits(total=10, attempts=3))
    assert len(server.asked) == 3


def test_throttling_that_ends_is_no_error(serve: Any) -> None:
    def answers(operation: str, request: dict[str, Any]) -> Answer:
        return error("ThrottlingException") if len(server.asked) < 2 else Answer({"SecretValues": [entry("a", "1")]})

    with serve(answers) as server:
        assert value(ask(ref("a"))[0]) == b"1"


def test_denial_is_not_tried_again(serve: Any) -> None:
    with (
        serve(lambda operation, request: error("AccessDeniedException", DENIED)) as server,
        pytest.raises(SecretUnavailable),
    ):
        ask(ref("a"))
    assert len(server.asked) == 1


def test_the_deadline_is_for_all_requests_together(serve: Any) -> None:
    def answers(operation: str, request: dict[str, Any]) -> Answer:
        return Answer({"SecretValues": [entry(name, "x") for name in request["SecretIdList"]]}, seconds=2)

    refs = [ref(f"app/{number:03}", f"k{number}") for number in range(200)]
    started = time.monotonic()
    with serve(answers), pytest.raises(Unreachable, match="k199"):
        ask(*refs, limits=Limits(connect=5, read=5, total=1, attempts=1))
    # All ten requests would need twenty seconds.
    assert time.monotonic() - started < 15


def test_nobody_listening_is_unreachable(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:1")
    with pytest.raises(Unreachable, match="jwt_secret: AWS Secrets Manager can not be reached"):
        ask(ref("a"))


# --- an AWS that is not set up ----------------------------------------------------------------------------------------


def test_without_credentials_a_secret_that_names_aws_is_refused(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(SecretUnavailable, match="jwt_secret: AWS can not be asked: no credentials"):
        ask(ref("a"), ref("b", "other", asks_aws=False))


def test_without_a_region_a_secret_that_names_aws_is_refused(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(SecretUnavailable, match="no region"):
        ask(ref("a"))


def test_where_aws_is_not_set_up_a_secret_that_does_not_name_it_is_missing(
    aws: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert ask(ref("a", asks_aws=False)) == [Missing(("aws: not set up here (no credentials were found)",))]


def test_a_profile_that_does_not_exist_is_refused_for_everybody(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(SecretUnavailable, match="profile does not exist"):
        ask(ref("a", asks_aws=False))


def test_half_a_credential_is_refused(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(SecretUnavailable, match="incomplete"):
        ask(ref("a", asks_aws=False))


def test_debug_logging_of_everything_shows_no_value(serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("boto3", "botocore", "urllib3"):
        logging.getLogger(name).setLevel(logging.NOTSET)
    caplog.set_level(logging.DEBUG)
    with serve(lambda operation, request: Answer({"SecretValues": [entry("a", "canary-3a1f")]})):
        ask(ref("a"))
    assert "canary-3a1f" not in caplog.text


def everything(error: BaseException | None) -> str:
    """All that a report of this error could show: of it and of what it came from."""
    texts = []
    while error is not None:
        texts += [repr(error), str(error), repr(vars(error))]
        error = error.__cause__ or error.__context__
    return "\n".join(texts)
