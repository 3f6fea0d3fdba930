"""A campaign environment on a Swarm of one node in an engine of its own, and the AWS that may have its secrets."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.systems.campaign.environment import Environment

# Nothing but letters and digits, so that they fit into a URL; told apart from everything else that may be printed.
VALUES = {
    "postgres_password": "canary0postgres0password0e41",
    "jwt_secret": "canary0jwt0secret0b7c20000000",
    "s3_access_key": "canary0access0key",
    "s3_secret_key": "canary0secret0key0d95f0000000",
}
DATABASE_URL = f"postgres://campaign_user:{VALUES['postgres_password']}@postgres:5432/campaign_db"


def with_aws(environment: Environment, endpoint: str) -> Environment:
    """The same environment with its secrets from AWS: another playbook, and a role's credentials in the shell."""
    playbook = f"{environment.name}-aws"
    text = f"extends: prod-aws.yml\nenvironment: {environment.name}\n"
    (environment.playbooks / f"{playbook}.yml").write_text(text, encoding="utf-8")
    shell = {
        **environment.shell,
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": endpoint,
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "example",
        "AWS_REGION": "eu-west-1",
        "AWS_CONFIG_FILE": str(environment.folder / "no-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(environment.folder / "no-credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    return dataclasses.replace(environment, playbook=playbook, shell=shell)
