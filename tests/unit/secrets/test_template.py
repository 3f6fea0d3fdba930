"""Secrets put together from others."""

from __future__ import annotations

import pytest

from provisioner.errors import SecretUnavailable
from provisioner.model.secret import Found, Held, Missing, Resolution, SecretRef, SecretValue
from provisioner.secrets.template import compose, ingredients


def ref(key: str, template: str | None = None) -> SecretRef:
    return SecretRef(key, (key,), key.upper(), key, (), template=template)


def found(value: bytes) -> Found:
    return Found(SecretValue(value), "", "env_local")


def composed(template: str, **parts: Resolution) -> Resolution:
    return compose([ref("url", template)], parts)["url"]


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("postgres://${secret:user}:${secret:password}@db/app", b"postgres://u:p$${x}\xff@db/app"),
        ("${secret:user}${secret:user}", b"uu"),
        ("no part, $HOME ${HOME} $$ {secret:user} ☃", "no part, $HOME ${HOME} $$ {secret:user} ☃".encode()),
        ("", b""),
    ],
)
def test_only_named_parts_are_replaced_byte_for_byte(template: str, expected: bytes) -> None:
    answer = composed(template, user=found(b"u"), password=found(b"p$${x}\xff"))
    assert answer == Found(SecretValue(expected), "", "template")


def test_a_value_that_looks_like_a_part_is_not_replaced_again() -> None:
    answer = composed("${secret:user}", user=found(b"${secret:password}"), password=found(b"canary"))
    assert answer == Found(SecretValue(b"${secret:password}"), "", "template")


def test_templates_may_be_parts_whatever_their_order() -> None:
    refs = [ref("outer", "<${secret:inner}>"), ref("inner", "[${secret:user}]")]
    assert compose(refs, {"user": found(b"u")})["outer"] == Found(SecretValue(b"<[u]>"), "", "template")


def test_a_part_that_only_the_engine_holds_is_refused_by_name() -> None:
    with pytest.raises(
        SecretUnavailable, match="secret url: its template needs the value of password, which the engine"
    ):
        composed("${secret:user}${secret:password}", user=found(b"u"), password=Held("password"))


def test_a_missing_part_makes_the_template_missing() -> None:
    assert composed("${secret:user}", user=Missing(("x",))) == Missing(("template: needs user",))


def test_parts_are_named_once_in_order() -> None:
    assert ingredients("${secret:b}${secret:a}${secret:b}") == ("b", "a")
