"""What somebody sees who opens Grafana's address in a browser and clicks nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.systems.browser import visit
from tests.systems.environment import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.systems.telecom.environment import Environment

pytestmark = [pytest.mark.engine, pytest.mark.system, pytest.mark.browser]


def test_the_dashboard_shows_events_without_a_click(telecom: Environment, tmp_path: Path) -> None:
    pages: list[str] = []

    def shows_events() -> bool:
        pages.append(visit(f"{telecom.url('GRAFANA_PORT')}/", tmp_path / f"profile-{len(pages)}"))
        return re.search(r">\s*gnb-\d{3}-\d\s*<", pages[-1]) is not None

    assert eventually(shows_events, within=60), pages[-1][:4000]
    assert "Network performance" in pages[-1]
    assert "Recent events" in pages[-1]
    assert "Setup success rate by element" in pages[-1]
    assert "No data" not in pages[-1]
