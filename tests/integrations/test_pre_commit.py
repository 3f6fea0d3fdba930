"""The hooks for pre-commit, run by pre-commit itself on a repository of playbooks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent
# What a clone has of which the hooks are installed.
_NEEDED = ("provisioner", "setup.cfg", "pyproject.toml", "README.md", ".pre-commit-hooks.yaml")
GOOD = """\
name: shop
services:
  web:
    image: nginx:1.27-alpine
    healthcheck:
      test: ["CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1/"]
"""


@dataclass(frozen=True)
class Repository:
    """A repository with playbooks, and the hooks in its configuration."""

    folder: Path
    hooks: Path

    def run(self) -> tuple[int, str]:
        """`pre-commit run --all-files` on all that is there: its exit code, and what it says."""
        git(self.folder, "add", "--all")
        done = subprocess.run(
            [PROGRAMS / "pre-commit", "run", "--all-files", "--color", "never"], cwd=self.folder, text=True,
            env=surroundings(self.folder.parent), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300,
            check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stdout, done.stdout
        return done.returncode, done.stdout

    def write(self, name: str, text: str) -> None:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text, encoding="utf-8")


def surroundings(folder: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PROVISION", "GIT_"))}
    author = {f"GIT_{who}_{what}": "a@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    path = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
    return {**kept, **author, "PRE_COMMIT_HOME": str(folder / "cache"), "PATH": path}


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, env=surroundings(folder.parent), check=True, capture_output=True)
    return done.stdout.decode().strip()


def repository(tmp_path: Path, **override: str) -> Repository:
    """One whose hooks are those of this checkout; `override` are keys of each hook."""
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in _NEEDED:
        source = PROJECT / name
        if source.is_dir():
            shutil.copytree(source, hooks / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, hooks / name)
    folder = tmp_path / "shop"
    folder.mkdir()
    for one in (hooks, folder):
        git(one, "init", "--quiet")
    git(hooks, "add", "--all")
    git(hooks, "commit", "--quiet", "--message", "all of it")
    listed = [{"id": name, "args": ["shop/prod"], **override} for name in ("provision-fmt", "provision-lint")]
    configuration = {"repos": [{"repo": str(hooks), "rev": git(hooks, "rev-parse", "HEAD"), "hooks": listed}]}
    (folder / ".pre-commit-config.yaml").write_text(yaml.safe_dump(configuration))
    return Repository(folder, hooks)


def test_hooks_stop_a_commit_that_lint_or_fmt_has_something_against(tmp_path: Path) -> None:
    # The command that is on the path already: how one is installed is tried below.
    shop = repository(tmp_path, language="system")
    shop.write("playbooks/shop/base.yml", GOOD)
    shop.write("playbooks/shop/prod.yml", "extends: base.yml\nenvironment: prod\n")
    code, said = shop.run()
    assert code == 0 and said.count("Passed") == 2, said

    shop.write("playbooks/shop/base.yml", GOOD.replace("      test:", "          test:"))
    code, said = shop.run()
    assert code == 1 and "files were modified by this hook" in said, said
    assert (shop.folder / "playbooks/shop/base.yml").read_text() == GOOD
    assert shop.run()[0] == 0

    shop.write("playbooks/shop/base.yml", f"{GOOD.partition('[')[0]}[CMD, 'true']\n")
    code, said = shop.run()
    assert code == 1 and "playbooks/shop/base.yml:6:" in said and "P205" in said, said
    shop.write("playbooks/shop/base.yml", "services: [\n")
    code, said = shop.run()
    assert code == 1 and "playbooks/shop/base.yml:" in said, said
    # A commit without a YAML file asks nobody.
    shop.write("playbooks/shop/base.yml", GOOD)
    git(shop.folder, "add", "--all")
    git(shop.folder, "commit", "--quiet", "--message", "playbooks", "--no-verify")
    shop.write("README", "shop\n")
    git(shop.folder, "add", "--all")
    done = subprocess.run(
        [PROGRAMS / "pre-commit", "run"], cwd=shop.folder, env=surroundings(tmp_path), check=True, capture_output=True
    )
    assert done.stdout.count(b"Skipped") == 2


# pip fetches all that provision needs: half a minute.
@pytest.mark.slow
def test_hooks_are_installed_from_a_clone(tmp_path: Path) -> None:
    shop = repository(tmp_path)
    shop.write("playbooks/shop/prod.yml", GOOD)
    code, said = shop.run()
    assert code == 0 and said.count("Passed") == 2, said
    installed = list((tmp_path / "cache").glob("*/py_env-*/bin/provision"))
    assert len(installed) == 1
