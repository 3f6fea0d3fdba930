"""Resolving through the tiers: order, batches, what stops and what is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from provisioner.errors import SecretUnavailable, Unreachable
from provisioner.model.secret import (
    LARGEST_SECRET,
    Found,
    Generate,
    Held,
    Missing,
    Resolution,
    SecretRef,
    SecretValue,
)
from provisioner.secrets import generate
from provisioner.secrets.chain import require, resolve
from provisioner.secrets.fingerprint import FingerprintKey, KeyAbsent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KEY = FingerprintKey("0123abcd", "shop-prod", SecretValue(bytes(32)))


@dataclass
class Answers:
    """A source that gives what it is told to, and remembers what it was asked."""

    tier: str
    values: dict[str, Resolution | Exception] = field(default_factory=dict)
    remote: bool = False
    told: tuple[str, ...] = ()
    asked: list[list[str]] = field(default_factory=list)

    def fetch(self, refs: Sequence[SecretRef]) -> Mapping[SecretRef, Resolution]:
        self.asked.append([ref.key for ref in refs])
        found = {}
        for ref in refs:
            answer = self.values.get(ref.key, Missing((f"{self.tier}: no {ref.key}",)))
            if isinstance(answer, Exception):
                raise answer
            found[ref] = answer
        return found

    def warnings(self) -> Sequence[str]:
        return self.told


@dataclass
class Store:
    kept: dict[str, SecretValue] = field(default_factory=dict)
    writes: int = 0

    def set(self, values: Mapping[str, SecretValue], *, replace: bool = True) -> None:
        self.kept = {**self.kept, **values} if replace else {**values, **self.kept}
        self.writes += 1

    def unset(self, names: Sequence[str]) -> Sequence[str]:
        return [name for name in names if self.kept.pop(name, None)]


def ref(key: str, *sources: str, forbidden: tuple[str, ...] = (), **more: object) -> SecretRef:
    tiers = sources or ("env_local", "docker", "aws")
    return SecretRef(key, (key,), key.upper(), key, tiers, forbidden, **more)  # type: ignore[arg-type]


def found(value: bytes | str, tier: str = "env_local") -> Found:
    return Found(SecretValue(value.encode() if isinstance(value, str) else value), "", tier)


def world(**tiers: dict[str, Resolution | Exception]) -> list[Answers]:
    return [Answers(tier, tiers.get(tier, {}), remote=tier == "aws") for tier in ("env_local", "docker", "aws")]


def values(resolutions: Mapping[str, Resolution]) -> dict[str, bytes]:
    return {key: answer.value.reveal() for key, answer in resolutions.items() if isinstance(answer, Found)}


def test_the_first_tier_that_has_it_wins() -> None:
    sources = world(env_local={"a": found("1")}, docker={"a": Held("a"), "b": Held("b")}, aws={"c": found("3", "aws")})
    answers = resolve([ref("a"), ref("b"), ref("c")], sources, KEY)
    assert values(answers) == {"a": b"1", "c": b"3"}
    assert answers["b"] == Held("b")
    assert list(answers) == ["a", "b", "c"]


def test_each_tier_is_asked_once_for_all_that_the_earlier_ones_do_not_have() -> None:
    sources = world(env_local={"a": found("1")}, docker={"b": Held("b")}, aws={"c": found("3", "aws")})
    resolve([ref("a"), ref("b"), ref("c")], sources, KEY)
    assert sources[0].asked == [["a", "b", "c"]]
    assert sources[1].asked[0] == ["b", "c"]
    assert sources[2].asked == [["c"]]


def test_a_secrets_own_order_holds() -> None:
    sources = world(env_local={"a": found("1")}, aws={"a": found("3", "aws")})
    assert values(resolve([ref("a", "aws", "env_local")], sources, KEY)) == {"a": b"3"}


def test_what_no_tier_has_is_missing_with_all_that_was_tried() -> None:
    answers = resolve([ref("a")], world(), KEY)
    assert answers == {"a": Missing(("env_local: no a", "docker: no a", "aws: no a"))}
    with pytest.raises(SecretUnavailable) as refusal:
        require(answers)
    assert refusal.value.message == "secret a is missing\n  env_local: no a\n  docker: no a\n  aws: no a"
    assert refusal.value.exit_code == 77


def test_what_is_there_is_not_required_again() -> None:
    require({"a": found("1"), "b": Held("b")})


@pytest.mark.parametrize("error", [Unreachable("throttled"), SecretUnavailable("denied")])
def test_a_tier_that_can_not_tell_stops_everything(error: Exception) -> None:
    sources = world(docker={"a": error}, aws={"a": found("3", "aws")})
    with pytest.raises(type(error), match=str(error)):
        resolve([ref("a")], sources, KEY)
    assert sources[2].asked == []


# --- forbidden tiers --------------------------------------------------------------------------------------------------


def test_a_forgotten_value_in_env_local_stops_even_where_another_tier_has_it() -> None:
    sources = world(env_local={"a": found("canary"), "b": found("canary")}, aws={"a": found("3", "aws")})
    barred = [ref("a", "docker", "aws", forbidden=("env_local",)), ref("b", "aws", forbidden=("env_local", "docker"))]
    with pytest.raises(SecretUnavailable) as refusal:
        resolve([*barred, ref("c")], sources, KEY)
    first, second = refusal.value.message.splitlines()
    assert first == "secret a: .env.local has A, and its `sources` (docker, aws) do not allow it"
    assert second.startswith("secret b: .env.local has B")
    assert "canary" not in refusal.value.message
    assert refusal.value.exit_code == 77


def test_an_env_local_that_may_hold_a_forgotten_value_stops_too() -> None:
    sources = world(env_local={"a": Unreachable("no OS keyring works here")}, aws={"a": found("3", "aws")})
    with pytest.raises(SecretUnavailable, match="may have a forgotten value: no OS keyring works here"):
        resolve([ref("a", "aws", forbidden=("env_local",))], sources, KEY)


def test_a_forbidden_tier_without_a_value_is_fine() -> None:
    sources = world(env_local={"other": found("1")}, aws={"a": found("3", "aws")})
    assert values(resolve([ref("a", "aws", forbidden=("env_local", "docker"))], sources, KEY)) == {"a": b"3"}
    assert sources[1].asked == []


def test_composes_own_forms_do_not_look_at_env_local() -> None:
    sources = [*world(env_local={"a": found("1")}), Answers("file", {"a": found("f", "file")})]
    assert values(resolve([ref("a", "file")], sources, KEY)) == {"a": b"f"}
    assert sources[0].asked == []


# --- what is told -----------------------------------------------------------------------------------------------------


def test_a_shadowed_value_is_told_without_asking_services_outside() -> None:
    told: list[str] = []
    sources = world(env_local={"a": found("1"), "b": found("2")}, docker={"a": Held("a")}, aws={"a": found("3", "aws")})
    resolve([ref("a"), ref("b")], sources, KEY, tell=told.append)
    assert told == ["secret a comes from env_local and shadows the one in docker"]
    assert sources[2].asked == []


def test_a_lower_tier_that_can_not_be_seen_is_told_and_stops_nothing() -> None:
    told: list[str] = []
    sources = world(env_local={"a": found("1")}, docker={"a": Unreachable("no engine")})
    assert values(resolve([ref("a")], sources, KEY, tell=told.append)) == {"a": b"1"}
    assert told == ["can not see whether docker has other values: no engine"]


def test_warnings_of_the_tiers_are_told() -> None:
    told: list[str] = []
    resolve(
        [ref("a", "env_local")], [Answers("env_local", {"a": found("1")}, told=("mode 0644",))], KEY, tell=told.append
    )
    assert told == ["mode 0644"]


# --- generated, composed, refused, sealed -----------------------------------------------------------------------------


def test_a_value_is_made_when_no_tier_has_it_and_kept_only_when_told_to() -> None:
    refs = [ref("a", "env_local", "docker", generate=Generate(20, "hex")), ref("b", generate=Generate())]
    answers = resolve(refs, world(env_local={"b": found("there")}), KEY)
    made = answers["a"]
    assert isinstance(made, Found)
    assert (made.tier, made.value.size) == ("generate", 20)
    assert set(made.value.reveal()) <= set(b"0123456789abcdef")
    store = Store()
    assert generate.keep(refs, answers, store) == ("a",)
    assert (store.kept, store.writes) == ({"A": made.value}, 1)


def test_nothing_is_written_when_nothing_was_made() -> None:
    refs = [ref("a", generate=Generate()), ref("b")]
    store = Store()
    answers = resolve(refs, world(env_local={"a": found("1")}), KEY)
    assert generate.keep(refs, answers, store) == ()
    assert store.writes == 0


def test_nothing_is_made_where_env_local_is_not_allowed() -> None:
    answers = resolve([ref("a", "docker", generate=Generate(), forbidden=("env_local",))], world(), KEY)
    assert answers == {"a": Missing(("docker: no a", "generate: not without env_local among its sources"))}


def test_a_tier_that_can_not_tell_keeps_a_value_from_being_made() -> None:
    with pytest.raises(Unreachable):
        resolve([ref("a", generate=Generate())], world(aws={"a": Unreachable("throttled")}), KEY)


def test_templates_are_composed_of_all_that_was_found() -> None:
    refs = [ref("url", template="u:${secret:a}@${secret:b}"), ref("a"), ref("b", generate=Generate(8))]
    answers = resolve(refs, world(env_local={"a": found("1")}), KEY)
    assert values(answers)["url"] == b"u:1@" + values(answers)["b"]
    assert list(answers) == ["url", "a", "b"]


def test_values_that_no_engine_takes_are_all_refused_by_name_and_size() -> None:
    tier = {
        "empty": found(b""),
        "least": found(b"x"),
        "most": found(b"x" * LARGEST_SECRET),
        "large": found(b"x" * (LARGEST_SECRET + 1)),
    }
    with pytest.raises(SecretUnavailable) as refusal:
        resolve([ref(key) for key in tier], world(env_local=dict(tier)), KEY)
    assert refusal.value.message.splitlines() == [
        "secret empty is empty in env_local",
        "secret large has 512000 bytes in env_local; at most 511999 are possible",
    ]


def test_a_template_that_grows_too_large_is_refused() -> None:
    refs = [ref("a"), ref("t", template="${secret:a}${secret:a}")]
    with pytest.raises(SecretUnavailable, match="secret t has 600000 bytes in template"):
        resolve(refs, world(env_local={"a": found(b"x" * 300_000)}), KEY)


def test_found_values_are_sealed_with_the_key_and_their_name() -> None:
    answers = resolve([ref("a"), ref("b")], world(env_local={"a": found("1"), "b": found("1")}), KEY)
    prints = [answer.fingerprint for answer in answers.values() if isinstance(answer, Found)]
    assert prints == [KEY.fingerprint("a", SecretValue(b"1")), KEY.fingerprint("b", SecretValue(b"1"))]


def test_without_a_key_fingerprints_stay_empty() -> None:
    answer = resolve([ref("a")], world(env_local={"a": found("1")}), KeyAbsent("no file"))["a"]
    assert isinstance(answer, Found)
    assert answer.fingerprint == ""


def test_resolving_the_same_twice_gives_the_same() -> None:
    sources = world(env_local={"a": found("1")}, docker={"b": Held("b")})
    refs = [ref("a"), ref("b"), ref("t", template="${secret:a}")]
    assert resolve(refs, sources, KEY) == resolve(refs, sources, KEY)


def test_what_an_earlier_tier_was_asked_is_told_with_the_error_of_a_later_one() -> None:
    """Who keeps secrets on the Swarm is told of those first, and how to put one there."""
    docker = Answers("docker")
    aws = Answers("aws", {"a": SecretUnavailable("secrets a, b: AWS can not be asked", hint="set up AWS")})
    with pytest.raises(SecretUnavailable) as refused:
        resolve([ref("a", "docker", "aws"), ref("b", "docker", "aws")], [docker, aws], KEY)
    assert refused.value.message.splitlines() == [
        "secrets a, b: AWS can not be asked",
        "secret a was looked for before that",
        "  docker: no a",
        "secret b was looked for before that",
        "  docker: no b",
    ]
    assert refused.value.hint == "docker secret create a - < FILE, or set up AWS"


def test_a_missing_secret_is_put_where_it_was_looked_for() -> None:
    answers = resolve([ref("a", "docker")], [Answers("docker")], KEY)
    with pytest.raises(SecretUnavailable) as refused:
        require(answers)
    assert refused.value.hint == "docker secret create a - < FILE"
