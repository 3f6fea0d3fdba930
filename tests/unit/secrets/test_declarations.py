"""The playbook's secrets as values, and what may be wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from provisioner.document import Sources, read
from provisioner.errors import PlaybookInvalid
from provisioner.model.secret import Generate, SecretRef
from provisioner.secrets.declarations import declarations
from provisioner.secrets.uses import needed_as_value, users

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from provisioner.model.playbook import Playbook

    Read = Callable[..., Playbook]


def one(playbook: Playbook) -> SecretRef:
    (ref,) = declarations(playbook)
    return ref


def problems(playbook: Playbook) -> list[str]:
    with pytest.raises(PlaybookInvalid) as refusal:
        declarations(playbook)
    return [str(problem) for problem in refusal.value.problems]


def test_a_secret_that_says_nothing_comes_from_every_tier_in_order(playbook: Read) -> None:
    ref = one(playbook("secrets: {jwt-secret.v1: }"))
    assert ref.sources == ("env_local", "docker", "aws")
    assert ref.forbidden == ()
    assert ref.env == "JWT_SECRET_V1"
    assert ref.aws == "shop/prod/jwt-secret.v1"
    assert ref.names == ("shop-prod_jwt-secret.v1", "jwt-secret.v1")
    assert not ref.asks_aws
    assert not ref.allow_env


def test_without_an_environment_the_default_id_has_none(playbook: Read) -> None:
    assert one(playbook("secrets: {jwt: {}}", None)).aws == "shop/jwt"


def test_what_the_playbook_says_holds(playbook: Read) -> None:
    ref = one(
        playbook(
            "secrets: {db: {env: POSTGRES_PASSWORD, aws: 'campaign/prod/db#password', sources: [docker, aws],"
            " generate: {length: 20, charset: hex}, allow_env: true}}"
        )
    )
    assert (ref.env, ref.aws) == ("POSTGRES_PASSWORD", "campaign/prod/db#password")
    assert (ref.sources, ref.forbidden) == (("docker", "aws"), ("env_local",))
    assert ref.generate == Generate(20, "hex")
    assert ref.allow_env
    assert ref.asks_aws


def test_a_tier_that_is_listed_must_answer(playbook: Read) -> None:
    assert one(playbook("secrets: {a: {sources: [env_local, aws]}}")).asks_aws
    assert one(playbook("secrets: {a: {aws: x}}")).asks_aws


def test_a_value_that_is_made_here_needs_no_aws_unless_it_is_named(playbook: Read) -> None:
    assert one(playbook("secrets: {a: {generate: {}}}")).sources == ("env_local", "docker")
    assert one(playbook("secrets: {a: {generate: {}, aws: x}}")).sources == ("env_local", "docker", "aws")
    assert one(playbook("secrets: {a: {generate: {}}}")).generate == Generate(32, "alphanumeric")


@pytest.mark.parametrize(
    ("body", "sources"),
    [
        ("{file: /x}", ("file",)),
        ("{environment: X}", ("environment",)),
        ("{template: x}", ()),
        ("{external: true, name: theirs}", ("docker",)),
        ("{external: true, sources: [aws]}", ("aws",)),
    ],
)
def test_composes_own_forms_are_their_own_tiers(playbook: Read, body: str, sources: tuple[str, ...]) -> None:
    assert one(playbook(f"secrets: {{a: {body}}}")).sources == sources


def test_an_external_secret_has_exactly_its_name(playbook: Read) -> None:
    assert one(playbook("secrets: {a: {external: true, name: theirs}}")).names == ("theirs",)


def test_declarations_are_hashable_and_in_file_order(playbook: Read) -> None:
    refs = declarations(playbook("secrets: {b: , a: , c: }"))
    assert [ref.key for ref in refs] == ["b", "a", "c"]
    assert len(set(refs)) == 3


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("{sources: [aws, aws]}", "secrets.a.sources.1: 'aws' is already in the list"),
        ("{file: /x, sources: [aws]}", "'file' and 'sources' exclude each other"),
        ("{aws: 'a b'}", "secrets.a.aws: is not an id or ARN"),
        ("{aws: 'a?stage=x?'}", "secrets.a.aws: is not an id or ARN"),
        ("{aws: 'arn:aws:s3:::bucket'}", "secrets.a.aws: is not an id or ARN"),
        ("{env: 'A B'}", "secrets.a.env: a name of letters"),
        ("{template: '${secret:a}'}", "templates need each other: a → a"),
    ],
)
def test_a_wrong_declaration_is_a_problem_with_its_place(playbook: Read, body: str, problem: str) -> None:
    (found,) = problems(playbook(f"secrets:\n  a: {body}\n"))
    assert problem in found
    assert found.startswith("playbook.yml:2:")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (
            "{sources: [env_lokal]}",
            "secrets.a.sources.0: expected one of env_local, docker, aws (did you mean 'env_local'?)",
        ),
        ("{sources: [vault]}", "secrets.a.sources.0: expected one of env_local, docker, aws"),
        ("{sources: aws}", "secrets.a.sources: expected a list"),
        ("{generate: 5}", "secrets.a.generate: expected a mapping"),
        ("{generate: {length: 4}}", "secrets.a.generate.length: expected a whole number from 8 to 1024"),
        ("{generate: {length: 2000}}", "secrets.a.generate.length: expected a whole number from 8 to 1024"),
        ("{generate: {charset: octal}}", "secrets.a.generate.charset: expected one of alphanumeric, hex, base64url"),
        ("{generate: {lenght: 9}}", "did you mean 'length'?"),
        ("{template: '${secret:b}'}", "secrets.a.template: no secret 'b' is declared"),
    ],
)
def test_the_form_of_a_declaration_is_told_with_its_place(tmp_path: Path, body: str, problem: str) -> None:
    file = tmp_path / "playbook.yml"
    file.write_text(f"secrets:\n  a: {body}\nservices:\n  web: {{image: a, secrets: [a]}}\n")
    with pytest.raises(PlaybookInvalid) as refusal:
        read(Sources((str(file),), str(tmp_path)))
    (found,) = refusal.value.problems
    assert problem in str(found)
    assert found.span is not None
    assert found.span.line == 2


def test_all_problems_come_at_once(playbook: Read) -> None:
    assert len(problems(playbook("secrets: {a: {env: '-', aws: ' '}, b: {sources: [aws, aws], file: /x}}"))) == 4


def test_templates_that_need_each_other_are_a_problem(playbook: Read) -> None:
    text = "secrets: {a: {template: '${secret:b}'}, b: {template: '${secret:c}'}, c: {template: 'x${secret:a}'}}"
    assert "a → b → c → a" in problems(playbook(text))[0]


def test_templates_that_share_parts_are_fine(playbook: Read) -> None:
    text = "secrets: {p: , a: {template: '${secret:p}'}, b: {template: '${secret:a}${secret:p}${secret:a}'}}"
    assert len(declarations(playbook(text))) == 3


SERVICES = """
services:
  api: {secrets: [{source: jwt, target: /run/secrets/jwt}], environment: {URL: {secret: url}, PLAIN: x}}
  web: {secrets: [{source: jwt}], build: {secrets: [{source: npm}]}, environment: {NOTHING: }}
secrets: {jwt: , npm: , url: {template: '${secret:db}', allow_env: true}, db: , unused: }
"""


def test_users_are_the_services_that_mount_build_with_or_export_it(playbook: Read) -> None:
    assert users(playbook(SERVICES)) == {
        "jwt": ("api", "web"),
        "npm": ("web",),
        "url": ("api",),
        "db": (),
        "unused": (),
    }


def test_values_are_needed_for_environments_templates_and_builds(playbook: Read) -> None:
    assert needed_as_value(playbook(SERVICES)) == {"url", "db", "npm"}


def test_a_value_in_an_environment_needs_allow_env(playbook: Read) -> None:
    text = "services:\n  api:\n    environment:\n      JWT: {secret: jwt}\nsecrets: {jwt: }\n"
    (found,) = problems(playbook(text))
    assert found.startswith("playbook.yml:4:")
    assert "services.api.environment.JWT" in found
    assert "JWT_FILE: /run/secrets/jwt" in found
    assert "allow_env: true" in found


def test_an_undeclared_secret_in_an_environment_is_a_problem(tmp_path: Path) -> None:
    file = tmp_path / "playbook.yml"
    services = "services: {api: {image: a, environment: {JWT: {secret: jwt_secert}}}}"
    file.write_text(f"{services}\nsecrets: {{jwt_secret: {{allow_env: true}}}}\n")
    with pytest.raises(PlaybookInvalid, match="did you mean 'jwt_secret'"):
        read(Sources((str(file),), str(tmp_path)))


def test_a_secret_with_readers_is_for_them_only(playbook: Read) -> None:
    text = """
services: {api: {secrets: [{source: root}]}, web: {secrets: [{source: root}]}}
secrets: {root: {readers: [api]}}
"""
    (found,) = problems(playbook(text))
    assert "services.web: secret 'root' is not for this service" in found
