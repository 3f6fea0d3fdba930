"""Tasks of our Ansible module, run by ansible-playbook on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.engine.environment import Environment

COLLECTION = Path(__file__).parents[2] / "integrations" / "ansible"
PROGRAMS = Path(sys.executable).parent


def surroundings(environment: Environment, **variables: str) -> dict[str, str]:
    """What ansible-playbook is run with: our collection as it is, nothing of this user's."""
    found = environment.folder / "collections" / "ansible_collections" / "provisioner"
    found.mkdir(parents=True, exist_ok=True)
    if not (found / "docker").exists():
        (found / "docker").symlink_to(COLLECTION)
    path = f"{PROGRAMS}{os.pathsep}{variables.pop('PATH', os.environ['PATH'])}"
    return environment.surroundings(
        ANSIBLE_COLLECTIONS_PATH=str(environment.folder / "collections"),
        ANSIBLE_LOCALHOST_WARNING="False",
        ANSIBLE_HOME=str(environment.folder / "ansible"),
        ANSIBLE_LOCAL_TEMP=str(environment.folder / "ansible"),
        ANSIBLE_DEPRECATION_WARNINGS="False",
        PATH=path,
        **variables,
    )


def play(
    environment: Environment, *tasks: dict[str, Any], options: tuple[str, ...] = (), **variables: str
) -> tuple[int, str, list[Any]]:
    """Run tasks of our module, each registered and going on when it fails; the results, and all that was printed."""
    results = environment.folder / "results.json"
    results.unlink(missing_ok=True)
    steps: list[dict[str, Any]] = [
        {
            "provisioner.docker.provision": {"directory": str(environment.folder), **files_of(task), **task},
            "register": f"result{number}",
            "ignore_errors": True,
        }
        for number, task in enumerate(tasks)
    ]
    written = "{{ [" + ", ".join(f"result{number}" for number in range(len(tasks))) + "] | to_json }}"
    copy = {"content": written, "dest": str(results)}
    steps.append({"ansible.builtin.copy": copy, "check_mode": False, "diff": False})
    playbook = [{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": steps}]
    (environment.folder / "site.json").write_text(json.dumps(playbook))
    done = subprocess.run(
        [PROGRAMS / "ansible-playbook", "-i", "localhost,", "-e", f"ansible_python_interpreter={sys.executable}",
         *options, "site.json"],
        cwd=environment.folder, env=surroundings(environment, **variables), capture_output=True, text=True,
        timeout=170, check=False,
    )  # fmt: skip
    assert results.exists(), done.stdout + done.stderr
    return done.returncode, done.stdout, json.loads(results.read_text())


def files_of(task: dict[str, Any]) -> dict[str, Any]:
    """The playbook where a task names none."""
    return {} if {"target", "files"} & task.keys() else {"files": ["compose.yaml"]}
