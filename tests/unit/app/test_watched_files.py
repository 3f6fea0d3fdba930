"""Which files `develop.watch` means, and what is told to have changed among them."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from provisioner.app.watched_files import Difference, Rule, archive, compare, inside, look, matches, rules
from provisioner.document import Sources, read
from provisioner.playbook.bind import bind


@pytest.mark.parametrize(
    ("patterns", "path", "found"),
    [
        (["*.pyc"], "a.pyc", True),
        (["*.pyc"], "pkg/a.pyc", False),
        (["**/*.pyc"], "pkg/deep/a.pyc", True),
        (["**/*.pyc"], "a.pyc", True),
        (["node_modules/"], "node_modules/x/y.js", True),
        (["node_modules/"], "web/node_modules/x", False),
        (["./dist"], "dist/a", True),
        (["/dist"], "dist", True),
        (["dist"], "distant", False),
        (["a?c"], "abc", True),
        (["a?c"], "a/c", False),
        (["[ab].txt"], "b.txt", True),
        (["docs", "!docs/index.md"], "docs/index.md", False),
        (["docs", "!docs/index.md"], "docs/other.md", True),
        ([], "a", False),
    ],
)
def test_patterns_are_those_of_dockerignore(patterns: list[str], path: str, found: bool) -> None:
    assert matches(patterns, path) is found


def write(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)


def test_ignored_and_not_included_files_are_not_seen(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "b.txt", "pkg/c.py", "vendor/d.py", "pkg/e.py")
    rule = Rule("api", str(tmp_path), "sync", "/app", ignore=("vendor",), include=("**/*.py",))
    assert sorted(look(rule)) == ["a.py", "pkg/c.py", "pkg/e.py"]


def test_what_changed_and_what_is_gone(tmp_path: Path) -> None:
    write(tmp_path, "same", "other", "gone", "d/e")
    rule = Rule("api", str(tmp_path), "sync", "/app")
    before = look(rule)
    write(tmp_path, "new")
    (tmp_path / "gone").unlink()
    (tmp_path / "other").write_text("longer than before")
    os.utime(tmp_path / "d/e", ns=(1, 1))
    assert compare(before, look(rule)) == Difference(("d/e", "new", "other"), ("gone",))
    assert not compare(before, before)


def test_a_single_file_is_its_target_itself(tmp_path: Path) -> None:
    write(tmp_path, "nginx.conf")
    rule = Rule("web", str(tmp_path / "nginx.conf"), "sync", "/etc/nginx.conf")
    assert list(look(rule)) == [""]
    assert inside(rule, "") == "/etc/nginx.conf"
    assert look(Rule("web", str(tmp_path / "none"), "sync", "/x")) == {}


def test_an_archive_has_modes_and_links_but_nobodys_name(tmp_path: Path) -> None:
    write(tmp_path, "run.sh", "pkg/a.py")
    (tmp_path / "run.sh").chmod(0o755)
    (tmp_path / "link").symlink_to("run.sh")
    (tmp_path / "second").hardlink_to(tmp_path / "run.sh")
    rule = Rule("api", str(tmp_path), "sync", "/app/")
    packed = archive(rule, ["link", "pkg/a.py", "run.sh", "second", "vanished"])
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        found = {info.name: info for info in tar.getmembers()}
        assert sorted(found) == ["app/link", "app/pkg/a.py", "app/run.sh", "app/second"]
        assert found["app/run.sh"].mode & 0o777 == 0o755
        assert found["app/link"].linkname == "run.sh"
        assert found["app/second"].isreg()
        assert {info.uid for info in found.values()} == {0}
        assert tar.extractfile("app/pkg/a.py").read() == b"pkg/a.py"  # type: ignore[union-attr]


def test_rules_come_from_the_playbook_and_know_what_no_image_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "web/src/a.js", "web/src/secret.env", "web/node_modules/x.js")
    Path("web/.dockerignore").write_text("# not these\nnode_modules\nsrc/*.env\n**/*.log\n")
    Path("compose.yaml").write_text(
        "services:\n"
        "  web:\n"
        "    build: ./web\n"
        "    develop:\n"
        "      watch:\n"
        "        - {path: ./web/src, action: sync, target: /app/src, initial_sync: true}\n"
        "        - {path: ./web, action: rebuild, include: '*.json'}\n"
        "        - path: ./web/src\n"
        "          action: sync+exec\n"
        "          target: /x\n"
        "          exec: {command: reload it, user: '1', working_dir: /w, environment: [A=b]}\n"
        "  other: {image: 'x:1', develop: {watch: [{path: ., action: restart}]}}\n"
    )
    playbook = bind(read(Sources(("compose.yaml",))))
    first, second, third, _ = rules(playbook)
    assert (first.path, first.target, first.initial_sync, first.syncs) == (
        f"{tmp_path}/web/src",
        "/app/src",
        True,
        True,
    )
    assert sorted(look(first)) == ["a.js"]
    assert (second.include, second.syncs) == (("*.json",), False)
    assert third.command == ("reload", "it")
    assert third.options == {"user": "1", "environment": {"A": "b"}, "workdir": "/w", "privileged": False}
    assert [rule.service for rule in rules(playbook, ["other"])] == ["other"]
