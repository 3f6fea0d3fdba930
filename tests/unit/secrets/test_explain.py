"""Where a secret comes from, told without its value."""

from __future__ import annotations

from provisioner.errors import Unreachable
from provisioner.model.secret import Found, Generate, Held, Missing, SecretRef, SecretValue
from provisioner.model.span import Span
from provisioner.secrets.explain import Row, explain, inventory
from tests.unit.secrets.test_chain import Answers, found, ref, world


def test_every_tier_has_its_line_and_one_is_used() -> None:
    sources = world(
        env_local={"jwt": found("canary")},
        docker={"jwt": Held("jwt", version="id1", created=1700000000.0)},
    )
    declared = SecretRef("jwt", ("jwt",), "JWT", "app/jwt", ("env_local", "docker", "aws"), span=Span("p.yml", 3, 1))
    assert explain("jwt", [declared], sources) == (
        "secret jwt (p.yml:3:1)",
        "  env_local: found JWT (used)",
        "  docker: held by the engine as jwt, version id1, of 2023-11-14 22:13 UTC (shadowed by env_local)",
        "  aws: no jwt",
    )


def test_an_error_is_a_line_and_ends_the_search() -> None:
    sources = world(docker={"jwt": Unreachable("the engine\ndoes not answer")}, aws={"jwt": found("canary", "aws")})
    assert explain("jwt", [ref("jwt")], sources) == (
        "secret jwt",
        "  env_local: no jwt",
        "  docker: the engine does not answer; the search stops here",
        "  aws: found jwt (not reached)",
    )


def test_a_forbidden_tier_is_shown_and_what_it_would_stop() -> None:
    barred = ref("jwt", "aws", forbidden=("env_local", "docker"))
    assert explain("jwt", [barred], world())[1] == "  env_local: not allowed here"
    lines = explain("jwt", [barred], world(env_local={"jwt": found("canary")}))
    assert lines[1] == "  env_local: not allowed here, but .env.local has JWT: plan and apply stop"
    broken = explain("jwt", [barred], world(env_local={"jwt": Unreachable("no keyring")}))
    assert broken[1] == "  env_local: not allowed here, and can not be read: no keyring"


def test_a_value_that_would_be_made_says_so() -> None:
    rule = Generate(24)
    assert explain("a", [ref("a", "env_local", generate=rule)], world())[-1] == (
        "  generate: would be made (24 characters) and kept beside the playbook"
    )
    assert "not without env_local" in explain("a", [ref("a", "docker", generate=rule)], world())[-1]
    assert len(explain("a", [ref("a", "env_local", generate=rule)], world(env_local={"a": found("x")}))) == 2


def test_a_template_shows_its_parts() -> None:
    refs = [ref("url", template="u:${secret:a}"), ref("a", "env_local")]
    assert explain("url", refs, world(env_local={"a": found("canary")})) == (
        "secret url",
        "  template: made of a",
        "  secret a",
        "    env_local: found A (used)",
    )


def test_an_unknown_name_has_no_lines() -> None:
    assert explain("b", [ref("a")], world()) == ()


def test_the_inventory_has_a_row_for_each_secret() -> None:
    refs = [ref("a"), ref("b"), ref("c"), ref("d")]
    resolutions = {
        "a": Found(SecretValue(b"canary"), "", "aws", "v1", 5.0),
        "b": Held("b", version="id"),
        "c": Missing(("docker: no c",)),
        "d": Found(SecretValue(b"canary"), "", "generate"),
    }
    rows = inventory(refs, resolutions, {"a": ("api", "web")})
    assert rows == (
        Row("a", "found", "aws", "v1", 5.0, ("api", "web")),
        Row("b", "held", "docker", "id", None, ()),
        Row("c", "missing", "", "", None, (), ("docker: no c",)),
        Row("d", "to be generated", "generate", "", None, ()),
    )
    assert "canary" not in repr(rows)


def test_every_allowed_tier_is_asked_also_those_outside() -> None:
    sources = world(env_local={"a": found("1")}, aws={"a": found("3", "aws")})
    lines = explain("a", [ref("a")], sources)
    assert lines[-1] == "  aws: found a (shadowed by env_local)"
    assert isinstance(sources[2], Answers)
    assert sources[2].asked == [["a"]]
