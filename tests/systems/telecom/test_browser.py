"""What somebody sees who opens Grafana's address in a browser and clicks nothing."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.systems.telecom.environment import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.systems.telecom.environment import Environment

pytestmark = [pytest.mark.engine, pytest.mark.system, pytest.mark.browser]

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def test_the_dashboard_shows_events_without_a_click(telecom: Environment, tmp_path: Path) -> None:
    pages: list[str] = []

    def shows_events() -> bool:
        pages.append(_visit(f"http://127.0.0.1:{telecom.grafana_port}/", tmp_path / f"profile-{len(pages)}"))
        return re.search(r">\s*gnb-\d{3}-\d\s*<", pages[-1]) is not None

    assert eventually(shows_events, within=60), pages[-1][:4000]
    assert "Network performance" in pages[-1]
    assert "Recent events" in pages[-1]
    assert "Setup success rate by element" in pages[-1]
    assert "No data" not in pages[-1]


def _visit(url: str, profile: Path) -> str:
    """The document after the page's own scripts have run, as HTML."""
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        pytest.fail("no headless browser found: apt-get install chromium", pytrace=False)
    command = [
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        f"--user-data-dir={profile}",
        "--window-size=1600,1600",
        "--virtual-time-budget=4000",
        "--dump-dom",
        url,
    ]
    # A session of its own: when the browser hangs, its children have to end with it.
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    )
    try:
        return process.communicate(timeout=60)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.communicate()[0]
