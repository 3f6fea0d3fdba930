"""What needs what, sorted."""

from __future__ import annotations

import pytest

from provisioner.errors import ProvisionError
from provisioner.reconcile.order import in_dependency_order, in_levels, needs_first

NEEDS = {"web": ["api", "cache"], "api": ["db", "elsewhere"], "db": [], "cache": [], "alone": []}


def test_levels_hold_what_needs_only_those_before_them() -> None:
    assert in_levels(NEEDS, NEEDS.__getitem__) == [["alone", "cache", "db"], ["api"], ["web"]]
    assert in_dependency_order(NEEDS, NEEDS.__getitem__) == ["alone", "cache", "db", "api", "web"]


def test_an_order_is_kept_but_for_what_others_need() -> None:
    assert needs_first(NEEDS, NEEDS.__getitem__) == ["db", "api", "cache", "web", "alone"]
    assert needs_first(reversed(NEEDS), NEEDS.__getitem__) == ["alone", "cache", "db", "api", "web"]


@pytest.mark.parametrize("sort", [in_levels, in_dependency_order, needs_first])
def test_a_circle_has_no_order(sort) -> None:
    needs = {"first": ["a"], "a": ["b"], "b": ["a"]}
    with pytest.raises(ProvisionError, match=r"need each other.*: (a → b → a|b → a → b)$"):
        sort(needs, needs.__getitem__)
