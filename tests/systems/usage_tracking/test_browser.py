"""What somebody sees who opens Grafana's address in a browser and clicks nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.systems.browser import visit
from tests.systems.environment import eventually
from tests.systems.usage_tracking.environment import APPLICATIONS, somebody, usage_event

if TYPE_CHECKING:
    from pathlib import Path

    from tests.systems.usage_tracking.environment import Environment

pytestmark = [pytest.mark.engine, pytest.mark.system, pytest.mark.browser]


def test_the_dashboard_shows_metrics_and_logs_without_a_click(system: Environment, tmp_path: Path) -> None:
    assert system.send(*[usage_event(somebody()) for _ in range(5)]).status == 202
    pages: list[str] = []

    def shows_everything() -> bool:
        pages.append(visit(f"{system.url('GRAFANA_PORT')}/", tmp_path / f"profile-{len(pages)}"))
        return "No data" not in pages[-1] and "/v1/events" in pages[-1]

    assert eventually(shows_everything, within=90), pages[-1][:4000]
    page = pages[-1]
    for title in (
        "Usage tracking",
        "Events stored",
        "Events per second",
        "Requests by replica",
        "Logs of the services",
    ):
        assert title in page
    assert all(service in page for service in APPLICATIONS)
    assert page.count('data-panel="timeseries"') == 4
