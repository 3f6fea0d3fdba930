"""Production with its secrets from AWS Secrets Manager (moto, on loopback): taken over, rotated, refused."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.ports import unused_port
from tests.systems.campaign.production import DATABASE_URL, VALUES
from tests.systems.swarm import run_in, tasks, versions

if TYPE_CHECKING:
    from tests.systems.campaign.environment import Environment

pytestmark = [pytest.mark.engine, pytest.mark.system]


def test_the_secrets_come_from_aws_and_are_docker_secrets_of_the_environment(prod_aws: Environment) -> None:
    names = {each["Spec"]["Name"] for each in prod_aws.engine.api.secrets()}
    own = {name.partition(".")[0] for name in names if name.startswith(f"{prod_aws.project}_")}
    assert own == {f"{prod_aws.project}_{key}" for key in (*VALUES, "database_url")}
    for task in tasks(prod_aws, "api"):
        assert run_in(task, "cat /run/secrets/database_url") == DATABASE_URL
        assert run_in(task, "cat /run/secrets/s3_access_key") == VALUES["s3_access_key"]


def test_nothing_changes_while_aws_has_the_same_versions(prod_aws: Environment) -> None:
    before = versions(prod_aws)
    assert " changed=0 " in prod_aws.apply().summary
    assert versions(prod_aws) == before


def test_where_a_secret_comes_from_is_told_and_its_value_is_not(prod_aws: Environment) -> None:
    outcome = prod_aws.provision("config", "--explain", "jwt_secret")
    assert outcome.code == 0, outcome.everything
    assert f"campaign/{prod_aws.name}/jwt_secret" in outcome.output
    assert VALUES["jwt_secret"] not in outcome.everything


def test_a_rotated_secret_reaches_its_service_without_a_failed_request(prod_aws: Environment, manager: Any) -> None:
    token = prod_aws.token()
    before = versions(prod_aws)
    rotated = "canary0jwt0secret0rotated00000"
    manager.put_secret_value(SecretId=f"campaign/{prod_aws.name}/jwt_secret", SecretString=rotated)

    answers: list[int | str] = []
    done = threading.Event()

    def keep_asking() -> None:
        while not done.is_set():
            try:
                answers.append(prod_aws.ask("/api/campaigns").status)
            except OSError as error:
                answers.append(str(error))
            time.sleep(0.05)

    asking = threading.Thread(target=keep_asking)
    asking.start()
    try:
        outcome = prod_aws.apply()
    finally:
        done.set()
        asking.join()

    assert set(answers) == {200}, {answer: answers.count(answer) for answer in set(answers)}
    after = versions(prod_aws)
    assert {name for name in after if after[name] != before[name]} == {"api"}
    assert {run_in(task, "cat /run/secrets/jwt_secret") for task in tasks(prod_aws, "api")} == {rotated}
    assert rotated not in outcome.everything
    # What was signed before is worth nothing any more: that is what a rotation is for.
    assert prod_aws.ask("/api/campaigns", {}, token=token).status == 401
    assert prod_aws.ask("/api/campaigns", {}, token=prod_aws.token()).status == 422


def test_a_secret_that_aws_has_not_stops_the_apply(prod_aws: Environment, manager: Any) -> None:
    before = versions(prod_aws)
    name = f"campaign/{prod_aws.name}/s3_secret_key"
    manager.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    try:
        outcome = prod_aws.provision("apply", "--yes")
    finally:
        manager.create_secret(Name=name, SecretString=VALUES["s3_secret_key"])
    assert outcome.code == 77, outcome.everything
    assert "s3_secret_key" in outcome.messages
    assert versions(prod_aws) == before


def test_an_aws_that_does_not_answer_stops_the_apply(prod_aws: Environment) -> None:
    before = versions(prod_aws)
    endpoint = prod_aws.shell["AWS_ENDPOINT_URL_SECRETS_MANAGER"]
    silent = {**prod_aws.shell, "AWS_ENDPOINT_URL_SECRETS_MANAGER": f"http://127.0.0.1:{unused_port()}"}
    assert endpoint != silent["AWS_ENDPOINT_URL_SECRETS_MANAGER"]
    outcome = prod_aws.provision("apply", "--yes", shell=silent)
    assert outcome.code == 69, outcome.everything
    assert versions(prod_aws) == before


def test_credentials_that_are_not_there_stop_the_apply(prod_aws: Environment) -> None:
    none = {**prod_aws.shell, "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    outcome = prod_aws.provision("plan", shell=none)
    assert outcome.code == 77, outcome.everything
    assert "no credentials were found" in outcome.messages


def test_destroyed_and_applied_again_production_has_its_data(prod_aws: Environment) -> None:
    token = prod_aws.token()
    campaign = prod_aws.campaign(token)
    assert prod_aws.upload(f"/api/campaigns/{campaign}/asset", b"kept", "text/plain", token).status == 204
    assert prod_aws.provision("destroy", "--yes").code == 0
    assert not versions(prod_aws)
    prod_aws.apply()
    assert prod_aws.ask(f"/api/campaigns/{campaign}").json["name"] == "Opening"
    assert prod_aws.ask(f"/api/campaigns/{campaign}/asset").body == b"kept"
