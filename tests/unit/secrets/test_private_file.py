"""Files with secrets: who may have written them, and what is left after a failure."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from provisioner.errors import SecretUnavailable
from provisioner.secrets import private_file

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_bytes(b"canary")
    file.chmod(0o600)
    return file


def test_a_private_file_is_read_as_it_is(path: Path) -> None:
    file = private_file.read(path)
    assert file is not None
    assert (file.content, file.owner, file.cautions) == (b"canary", (os.geteuid(), os.getegid()), ())
    assert "canary" not in repr(file)


def test_no_file_is_none(tmp_path: Path) -> None:
    assert private_file.read(tmp_path / "nothing") is None
    assert private_file.read(tmp_path / "no-folder" / "nothing") is None


@pytest.mark.parametrize("mode", [0o640, 0o644, 0o604])
def test_a_file_that_others_read_is_a_caution_or_refused(path: Path, mode: int) -> None:
    path.chmod(mode)
    file = private_file.read(path)
    assert file is not None
    assert f"mode {mode:04o}" in file.cautions[0]
    with pytest.raises(SecretUnavailable, match="can be read by others"):
        private_file.read(path, only_owner=True)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o660, 0o666, 0o777])
def test_a_file_that_others_write_is_refused(path: Path, mode: int) -> None:
    path.chmod(mode)
    with pytest.raises(SecretUnavailable, match=f"written by others \\(mode {mode:04o}\\)") as refusal:
        private_file.read(path)
    assert refusal.value.hint == f"chmod 600 {path}"


def test_a_link_is_refused(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(path)
    with pytest.raises(SecretUnavailable, match="symbolic link"):
        private_file.read(link)


def test_a_folder_and_a_pipe_are_refused_without_waiting(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir(mode=0o700)
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name in ("folder", "pipe"):
        with pytest.raises(SecretUnavailable, match="is not a regular file"):
            private_file.read(tmp_path / name)


def test_a_folder_that_everyone_writes_is_refused_unless_it_is_sticky(path: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(SecretUnavailable, match="folder that everyone can write"):
        private_file.read(path)
    tmp_path.chmod(0o1777)
    assert private_file.read(path) is not None


def test_a_file_above_the_limit_is_refused(path: Path) -> None:
    path.write_bytes(b"x" * private_file.LARGEST_FILE)
    assert private_file.read(path) is not None
    path.write_bytes(b"x" * (private_file.LARGEST_FILE + 1))
    with pytest.raises(SecretUnavailable, match="larger than"):
        private_file.read(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_root_is_told_of_an_owner_who_can_change_the_file(path: Path) -> None:
    os.chown(path, 12345, 12345)
    file = private_file.read(path)
    assert file is not None
    assert "uid 12345" in file.cautions[0]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_another_users_file_is_refused(path: Path, tmp_path: Path) -> None:
    os.chown(path, 12345, 12345)
    path.chmod(0o604)
    for folder in (tmp_path, *tmp_path.parents):
        folder.chmod(folder.stat().st_mode | 0o011)
    child = os.fork()
    if child == 0:
        os.setuid(12346)
        try:
            private_file.read(path)
        except SecretUnavailable as refusal:
            os._exit(0 if "another user (uid 12345)" in refusal.message else 2)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_replacing_gives_the_new_content_with_mode_0600_and_leaves_nothing(path: Path) -> None:
    path.chmod(0o644)
    with private_file.locked(path.parent):
        private_file.replace(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [item.name for item in path.parent.iterdir()] == ["secret"]


def test_what_a_killed_run_left_is_cleared_away(path: Path) -> None:
    (path.parent / "secret.tmp").write_bytes(b"half")
    with private_file.locked(path.parent):
        private_file.replace(path, b"new")
    assert path.read_bytes() == b"new"
    assert not (path.parent / "secret.tmp").exists()


def test_a_failed_write_keeps_the_old_content_and_leaves_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"), private_file.locked(path.parent):
        private_file.replace(path, b"new")
    assert path.read_bytes() == b"canary"
    assert [item.name for item in path.parent.iterdir()] == ["secret"]


def test_creating_never_replaces(path: Path, tmp_path: Path) -> None:
    with private_file.locked(tmp_path):
        assert not private_file.create(path, b"new")
        assert private_file.create(tmp_path / "other", b"first")
    assert path.read_bytes() == b"canary"
    assert (tmp_path / "other").read_bytes() == b"first"
    assert (tmp_path / "other").stat().st_mode & 0o777 == 0o600
    assert sorted(item.name for item in tmp_path.iterdir()) == ["other", "secret"]


def test_two_runs_do_not_hold_the_folder_at_once(tmp_path: Path) -> None:
    held = threading.Event()

    def second_run() -> None:
        with private_file.locked(tmp_path):
            held.set()

    thread = threading.Thread(target=second_run, daemon=True)
    with private_file.locked(tmp_path):
        thread.start()
        assert not held.wait(0.2)
    assert held.wait(5)
    thread.join(5)
