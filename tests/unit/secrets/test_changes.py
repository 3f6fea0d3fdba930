"""Setting, unsetting and rotating one secret."""

from __future__ import annotations

import string

import pytest

from provisioner.errors import SecretUnavailable
from provisioner.model.secret import LARGEST_SECRET, Generate, SecretValue
from provisioner.secrets.changes import rotate, set_value, unset_value
from provisioner.secrets.generate import generated
from tests.unit.secrets.test_chain import Store, ref


def test_a_value_is_kept_under_its_name_in_the_file() -> None:
    store = Store()
    set_value(ref("jwt"), SecretValue(b"x"), store)
    assert store.kept == {"JWT": SecretValue(b"x")}
    assert unset_value(ref("jwt"), store)
    assert not unset_value(ref("jwt"), store)


@pytest.mark.parametrize("sources", [("docker", "aws"), ("file",), ("environment",)])
def test_a_secret_that_does_not_come_from_env_local_can_not_be_set(sources: tuple[str, ...]) -> None:
    store = Store()
    for change in (
        lambda: set_value(ref("jwt", *sources), SecretValue(b"x"), store),
        lambda: rotate(ref("jwt", *sources), store),
    ):
        with pytest.raises(SecretUnavailable, match=f"secret jwt does not come from env_local but from {sources[0]}"):
            change()
    assert store.writes == 0


def test_a_forgotten_value_can_be_removed() -> None:
    store = Store({"JWT": SecretValue(b"x")})
    assert unset_value(ref("jwt", "aws", forbidden=("env_local",)), store)


@pytest.mark.parametrize("size", [0, LARGEST_SECRET + 1])
def test_an_impossible_size_is_refused(size: int) -> None:
    with pytest.raises(SecretUnavailable, match=f"secret jwt: {size} bytes"):
        set_value(ref("jwt"), SecretValue(b"x" * size), Store())


def test_rotating_makes_a_new_value_or_takes_one() -> None:
    store = Store({"JWT": SecretValue(b"old")})
    rotate(ref("jwt", generate=Generate(16)), store)
    assert store.kept["JWT"].size == 16
    rotate(ref("jwt"), store, SecretValue(b"given"))
    assert store.kept["JWT"] == SecretValue(b"given")
    with pytest.raises(SecretUnavailable, match="secret jwt is not generated"):
        rotate(ref("jwt"), store)


@pytest.mark.parametrize(
    ("charset", "alphabet"),
    [
        ("alphanumeric", string.ascii_letters + string.digits),
        ("hex", "0123456789abcdef"),
        ("base64url", string.ascii_letters + string.digits + "-_"),
    ],
)
def test_generated_values_have_their_length_and_use_their_whole_alphabet(charset: str, alphabet: str) -> None:
    value = generated(Generate(1024, charset)).reveal().decode()  # type: ignore[arg-type]
    assert len(value) == 1024
    assert len(set(value)) > len(alphabet) // 2
    assert set(value) <= set(alphabet)
    assert generated(Generate()) != generated(Generate())
