"""What all tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

pytest_plugins = ["tests.engine_fixtures"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--sample", type=int, default=1, metavar="N", help="run only every Nth test that is marked slow")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A sweep of hundreds of cases is sampled evenly, so that a short run still sees its beginning and its end."""
    step = config.getoption("--sample")
    if step < 2:
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    left_out = set(slow) - set(slow[::step])
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = [item for item in items if item not in left_out]
