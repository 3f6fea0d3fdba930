"""Classes made in our way behave as those that Python's own `dataclass` makes of the same declaration."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from dataclasses import field, fields, replace
from typing import Any

import pytest

from provisioner.model.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Fixed:
    name: str
    number: int = 1
    found: list[str] = field(default_factory=list)
    note: str = field(default="", compare=False, repr=False)


@dataclass(slots=True)
class Changing:
    name: str
    seen: set[str] = field(default_factory=set)
    tier: str = field(default="file", init=False)
    tried: list[int] = field(default_factory=list, init=False)
    later: str = field(init=False)

    def __post_init__(self) -> None:
        self.later = f"{self.name} later"


@dataclasses.dataclass(frozen=True, slots=True)
class PythonsFixed:
    name: str
    number: int = 1
    found: list[str] = field(default_factory=list)
    note: str = field(default="", compare=False, repr=False)


@dataclasses.dataclass(slots=True)
class PythonsChanging:
    name: str
    seen: set[str] = field(default_factory=set)
    tier: str = field(default="file", init=False)
    tried: list[int] = field(default_factory=list, init=False)
    later: str = field(init=False)

    def __post_init__(self) -> None:
        self.later = f"{self.name} later"


PAIRS = [(Fixed, PythonsFixed), (Changing, PythonsChanging)]


@pytest.mark.parametrize(("ours", "pythons"), PAIRS)
def test_an_instance_has_the_same_values(ours: Any, pythons: Any) -> None:
    mine, other = ours("a"), pythons("a")
    assert [one.name for one in fields(mine)] == [one.name for one in fields(other)]
    assert dataclasses.asdict(mine) == dataclasses.asdict(other)
    assert repr(mine) == repr(other).removeprefix("Pythons")
    assert ours.__match_args__ == pythons.__match_args__
    assert replace(mine, name="b").name == "b"
    assert mine == ours("a") != ours("b")
    assert mine != other
    assert not hasattr(mine, "__dict__")


@pytest.mark.parametrize(("ours", "pythons"), PAIRS)
def test_values_of_one_instance_are_not_those_of_another(ours: Any, pythons: Any) -> None:
    first, second = ours("a"), ours("a")
    for one in fields(first):
        value = getattr(first, one.name)
        assert not isinstance(value, list | set) or value is not getattr(second, one.name)


def test_what_can_change_changes_and_has_no_hash() -> None:
    changing = Changing("a")
    changing.name, changing.tier = "b", "aws"
    assert (changing.name, changing.tier, changing.later) == ("b", "aws", "a later")
    assert changing != Changing("b")
    del changing.later
    with pytest.raises(TypeError, match="unhashable"):
        hash(changing)
    with pytest.raises(TypeError, match="tier"):
        Changing("a", tier="aws")  # type: ignore[call-arg]


def test_what_is_frozen_stays_and_has_a_hash() -> None:
    fixed = Fixed("a", found=[])
    with pytest.raises(dataclasses.FrozenInstanceError):
        fixed.name = "b"  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        del fixed.name
    assert hash(Fixed("a", found=(), note="x")) == hash(Fixed("a", found=()))  # type: ignore[arg-type]


@pytest.mark.parametrize("instance", [Fixed("a", 2), Changing("a")])
def test_a_copy_is_equal(instance: Any) -> None:
    assert copy.deepcopy(instance) == instance
    assert pickle.loads(pickle.dumps(instance)) == instance
