"""The rules that all services share, without an engine: where settings come from, and when a worker is alive."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.systems.modules import load_module
from tests.systems.usage_tracking.environment import PLAYBOOKS

if TYPE_CHECKING:
    from pathlib import Path

COMMON = PLAYBOOKS / "services" / "common"

settings = load_module(COMMON / "settings.py")


def test_a_secret_is_read_from_its_file_before_its_variable(tmp_path: Path) -> None:
    file = tmp_path / "address"
    file.write_text("postgresql://of-the-file\n", encoding="utf-8")
    environ = {"DATABASE_URL": "postgresql://of-the-variable"}
    assert settings.secret(environ, "DATABASE_URL") == "postgresql://of-the-variable"
    assert settings.secret({**environ, "DATABASE_URL_FILE": str(file)}, "DATABASE_URL") == "postgresql://of-the-file"


def test_a_secret_that_can_not_be_had_is_named_and_not_replaced(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    both = {"DATABASE_URL": "x", "DATABASE_URL_FILE": str(tmp_path / "nothing")}
    for environ, reason in (
        ({}, "DATABASE_URL is not set"),
        (both, "No such file"),
        ({"DATABASE_URL_FILE": str(empty)}, "is empty"),
    ):
        with pytest.raises(settings.SettingsError, match=reason):
            settings.secret(environ, "DATABASE_URL")


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", "²"])
def test_a_number_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(settings.SettingsError, match="QUEUE_LIMIT is"):
        settings.whole_number({"QUEUE_LIMIT": text}, "QUEUE_LIMIT", 5)


def test_unset_and_empty_mean_the_default() -> None:
    assert settings.whole_number({"QUEUE_LIMIT": ""}, "QUEUE_LIMIT", 5) == 5
    assert settings.text({}, "API_HOST", "0.0.0.0") == "0.0.0.0"


def test_a_worker_is_alive_while_its_loop_turns(tmp_path: Path) -> None:
    heartbeat = tmp_path / "heartbeat"

    def alive() -> bool:
        line = [sys.executable, str(COMMON / "health.py"), "30"]
        environ = {**os.environ, "HEARTBEAT_FILE": str(heartbeat)}
        return subprocess.run(line, env=environ, capture_output=True, check=False).returncode == 0

    assert not alive()
    heartbeat.touch()
    assert alive()
    os.utime(heartbeat, (time.time() - 60, time.time() - 60))
    assert not alive()


@pytest.mark.parametrize(("level", "written"), [("DEBUG", 3), ("info", 2), ("WARNING", 1)])
def test_the_log_has_what_its_level_asks_for_one_json_object_a_line(level: str, written: int) -> None:
    program = (
        f"import logs, logging; logs.configure('gateway', '{level}')\n"
        "for kind in ('debug', 'info', 'warning'): getattr(logging.getLogger(), kind)('said %s', kind)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=COMMON, capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["message"] for line in lines] == ["said debug", "said info", "said warning"][-written:]
    assert {line["service"] for line in lines} == {"gateway"}
