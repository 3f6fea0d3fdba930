"""`cp`: byte for byte, with modes, times and links, by the rules of `docker cp`."""

from __future__ import annotations

import hashlib
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.verbs.conftest import Verbs

pytestmark = pytest.mark.engine


def _in(verbs: Verbs, script: str) -> str:
    [container] = verbs.containers("web")
    code, output = container.exec_run(["sh", "-c", script])
    assert code == 0, output
    return str(output.decode())


def _cp(verbs: Verbs, *words: str) -> None:
    done = verbs.environment.run("cp", *words)
    assert done.code == 0, done


def _tree(root: Path) -> None:
    (root / "sub").mkdir(parents=True)
    (root / "a").write_bytes(bytes(range(256)) * 1000)
    (root / "a").chmod(0o640)
    (root / "sub" / "b").write_text("b\n")
    (root / "sub" / "b").chmod(0o755)
    (root / "link").symlink_to("sub/b")
    os.link(root / "a", root / "hard")
    os.utime(root / "sub" / "b", (1_600_000_000, 1_600_000_000))


def test_there_and_back(standing: Verbs) -> None:
    environment = standing.environment
    folder = environment.folder
    _tree(folder / "tree")
    _cp(standing, "tree", "web:/new")
    _cp(standing, "tree/.", "web:/new2")
    _cp(standing, "tree", "web:/new2")
    assert _in(standing, "cd /new && find . | sort") == ".\n./a\n./hard\n./link\n./sub\n./sub/b\n"
    assert _in(standing, "ls /new2") == "a\nhard\nlink\nsub\ntree\n"
    said = _in(standing, "cd /new; stat -c %a.%u.%Y a sub/b; readlink link; stat -c %h a")
    owner = os.getuid()
    lines = said.splitlines()
    assert lines[0].startswith(f"640.{owner}.")
    assert lines[1] == f"755.{owner}.1600000000"
    assert lines[2:] == ["sub/b", "2"]

    _cp(standing, "web:/new", "back")
    _cp(standing, "web:/new/.", "back2/") if (folder / "back2").mkdir() is None else None
    for name in ("back", "back2"):
        back = folder / name
        assert (back / "a").read_bytes() == (folder / "tree" / "a").read_bytes()
        assert (back / "a").stat().st_mode & 0o777 == 0o640
        assert (back / "a").stat().st_ino == (back / "hard").stat().st_ino
        assert (back / "link").readlink().as_posix() == "sub/b"
        assert (back / "sub" / "b").stat().st_mtime == 1_600_000_000
    _cp(standing, "web:/new/sub/b", "renamed")
    assert (folder / "renamed").read_text() == "b\n"
    _cp(standing, "-L", "web:/new/link", "followed")
    assert (folder / "followed").read_text() == "b\n"
    _cp(standing, "web:/new/link", "kept")
    assert (folder / "kept").is_symlink()


def test_what_can_not_be_is_said(standing: Verbs) -> None:
    environment = standing.environment
    (environment.folder / "dir").mkdir()
    (environment.folder / "file").write_text("x")
    for words, code, says in (
        (["file", "web:/nowhere/at/all/x"], 1, "there is no folder"),
        (["file", "web:/tmp/new/"], 1, "there is no folder /tmp/new/"),
        (["dir", "web:/etc/passwd"], 1, "is a folder"),
        (["web:/etc/passwd", "not/there"], 1, "not here"),
        (["web:/etc/passwd", "not/"], 1, "there is no folder"),
        (["web:/etc", "not/there/etc"], 1, "not/there here"),
        (["-", "web:/nowhere"], 1, "is no folder"),
        (["web:/no/such", "."], 1, "there is no /no/such"),
        (["missing", "web:/tmp"], 64, "there is no missing here"),
        (["file", "dir"], 64, "neither of FROM and TO"),
        (["web:/a", "web:/b"], 64, "both of FROM and TO"),
        (["wep:/etc/passwd", "."], 64, "did you mean 'web'?"),
    ):
        done = environment.run("cp", *words)
        assert done.code == code, (words, done)
        assert says in done.stderr, (words, done)
    # What was typed wrongly makes no folders.
    assert not (environment.folder / "not").exists()
    unreadable = subprocess.run(
        ["sh", "-c", f"{' '.join(environment.arguments('cp', '-', 'web:/tmp'))} 0> written"], cwd=environment.folder,
        env=environment.surroundings(), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert unreadable.returncode == 1, unreadable
    assert "standard input can not be read: Bad file descriptor" in unreadable.stderr


def test_large_streams_through_standard_output_and_input(standing: Verbs) -> None:
    environment = standing.environment
    # More than any buffer on the way; `test_large_streams` has much more.
    size = 24 << 20
    _in(standing, f"dd if=/dev/urandom of=/big bs=1M count={size >> 20} 2>/dev/null")
    told = _in(standing, "sha256sum /big").split()[0]
    _cp(standing, "web:/big", "big")
    digest = hashlib.sha256((environment.folder / "big").read_bytes()).hexdigest()
    assert digest == told
    archive = subprocess.run(
        environment.arguments("cp", "web:/big", "-"), cwd=environment.folder, env=environment.surroundings(),
        capture_output=True, check=True, timeout=120,
    ).stdout  # fmt: skip
    subprocess.run(
        environment.arguments("cp", "-", "web:/tmp"), cwd=environment.folder, env=environment.surroundings(),
        input=archive, check=True, timeout=120,
    )  # fmt: skip
    assert _in(standing, "sha256sum /tmp/big").split()[0] == told


def test_an_archive_that_leads_out_of_the_folder_is_refused(standing: Verbs) -> None:
    environment = standing.environment
    outside = environment.folder / "outside"
    outside.mkdir()
    target = environment.folder / "into"
    target.mkdir()
    (target / "x").symlink_to(outside)
    _in(standing, "mkdir -p /t/x && echo bad > /t/x/file")
    done = environment.run("cp", "web:/t/.", "into")
    assert done.code == 1, done
    assert list(outside.iterdir()) == []
