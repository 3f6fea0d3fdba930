"""Every error becomes a message and an exit code."""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
import time
from typing import TYPE_CHECKING

import pytest

from provisioner import errors
from provisioner.cli.cmd_plan import plan_exit_code
from provisioner.cli.exit import ErrorFormat, guarded
from provisioner.cli.interrupt import interruptible
from tests.unit.cli.process import ROOT, run_python
from tests.unit.render.examples import FULL, NOTHING, REFUSED

if TYPE_CHECKING:
    from pathlib import Path

CODES = {
    errors.ProvisionError: 1,
    errors.UsageError: 64,
    errors.PlaybookInvalid: 65,
    errors.Unreachable: 69,
    errors.LeaseHeld: 75,
    errors.PlanStale: 76,
    errors.SecretUnavailable: 77,
    errors.Unsafe: 1,
    errors.EngineRefused: 1,
    errors.EngineConflict: 1,
    errors.ClaimTaken: 1,
    errors.StepFailed: 1,
    errors.NotConverged: 3,
    errors.Interrupted: 130,
}


def raising(error: BaseException) -> int:
    def call(error_format: ErrorFormat) -> int:
        raise error

    return guarded(call, ErrorFormat())


def test_the_table_names_every_error() -> None:
    found = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)}
    assert found == set(CODES)


@pytest.mark.parametrize("kind", sorted(CODES, key=lambda kind: kind.__name__))
def test_an_error_ends_with_its_code(kind: type[errors.ProvisionError], capsys: pytest.CaptureFixture[str]) -> None:
    error = errors.PlaybookInvalid([]) if kind is errors.PlaybookInvalid else kind("something")
    assert raising(error) == CODES[kind]
    assert capsys.readouterr().err


def test_ctrl_c_is_130(capsys: pytest.CaptureFixture[str]) -> None:
    assert raising(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == "Error: interrupted\n"


def test_a_defect_leaves_a_report_and_shows_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert raising(ZeroDivisionError("by nothing")) == 1
    said = capsys.readouterr().err
    (report,) = tmp_path.iterdir()
    assert str(report) in said
    assert "Traceback" not in said
    assert "ZeroDivisionError: by nothing" in report.read_text()
    assert report.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("number", [errno.ENAMETOOLONG, errno.EACCES, errno.EROFS])
def test_a_path_that_can_not_be_used_is_no_defect(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    path = f"shop/{'x' * 300}"
    code = raising(OSError(number, os.strerror(number), path))
    told = " ".join(capsys.readouterr().err.split())
    assert code == 1
    assert os.strerror(number) in told and "defect" not in told
    assert "Next: name another file or folder" in told
    assert path not in told and "shop/xxx" in told


def test_a_defect_with_v_shows_its_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def call(error_format: ErrorFormat) -> int:
        error_format.verbose = True
        raise ZeroDivisionError

    assert guarded(call, ErrorFormat()) == 1
    assert "Traceback" in capsys.readouterr().err


def test_json_errors_go_where_the_command_says(capsys: pytest.CaptureFixture[str]) -> None:
    def call(error_format: ErrorFormat) -> int:
        error_format.json = "stdout"
        raise errors.LeaseHeld("held")

    assert guarded(call, ErrorFormat()) == 75
    assert json.loads(capsys.readouterr().out)["error"]["kind"] == "LeaseHeld"


@pytest.mark.parametrize(
    ("plan", "detailed", "code"),
    [
        (FULL, True, 2),
        (FULL, False, 0),
        (NOTHING, True, 0),
        (NOTHING, False, 0),
        (REFUSED, False, 1),
        (REFUSED, True, 1),
    ],
)
def test_the_code_of_a_plan(plan: object, detailed: bool, code: int) -> None:
    assert plan_exit_code(plan, detailed=detailed) == code  # type: ignore[arg-type]


def send(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)
    time.sleep(0.05)


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_while_changes_are_made_the_first_signal_asks_and_the_second_interrupts(first: signal.Signals) -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), interruptible() as asked, asked.deferred():
        assert not asked.is_set()
        send(first)
        assert asked.is_set()
        send(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_before_anything_is_changed_the_first_signal_interrupts(number: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt), interruptible():
        send(number)


def test_a_signal_that_was_lost_lets_no_change_begin() -> None:
    """Python drops what is raised in a destructor, where a signal may come as well as anywhere."""

    class Ended:
        def __del__(self) -> None:
            send(signal.SIGINT)

    begun = False
    with pytest.raises(KeyboardInterrupt), interruptible() as asked:
        hook, sys.unraisablehook = sys.unraisablehook, lambda unraisable: None
        try:
            Ended()
        finally:
            sys.unraisablehook = hook
        assert asked.is_set()
        with asked.deferred():
            begun = True
    assert not begun


def test_an_interrupt_while_the_program_is_loaded_shows_no_traceback(tmp_path: Path) -> None:
    """The signal comes in the first import of the command's modules."""
    (tmp_path / "click.py").write_text("import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(10)\n")
    ended = run_python("-m", "provisioner", "plan", cwd=tmp_path, env={"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"})
    assert (ended.returncode, ended.stdout, ended.stderr) == (-signal.SIGINT, "", "")


def test_a_terminal_that_goes_away_twice_has_gone_once() -> None:
    with interruptible() as asked, asked.deferred():
        send(signal.SIGHUP)
        send(signal.SIGHUP)
        assert asked.is_set()


def test_a_signal_that_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruptible() as asked:
            send(signal.SIGHUP)
            assert not asked.is_set()
    finally:
        signal.signal(signal.SIGHUP, before)
