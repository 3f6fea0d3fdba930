"""script/demo knows every system under playbooks/, and README.md names each."""

from __future__ import annotations

import subprocess

import pytest

from tests.systems.environment import ROOT

SYSTEMS = sorted(folder.name for folder in (ROOT / "playbooks").iterdir() if (folder / "base.yml").exists())


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_system_can_be_brought_up_for_a_look(system: str) -> None:
    text = (ROOT / "script" / "demo").read_text(encoding="utf-8")
    functions = text[text.index("describe() {") : text.index("main() {")]
    script = f'{functions}\ndescribe "$1" && printf "%s\\n" "$target" "$places" "$try"'
    done = subprocess.run(["bash", "-eu", "-c", script, "demo", system], capture_output=True, text=True, check=True)
    target, *places = done.stdout.splitlines()
    assert (ROOT / "playbooks" / f"{target}.yml").is_file()
    assert places[0].strip().startswith("http://localhost")
    assert f"`{system}`" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_another_name_is_refused_with_the_right_ones() -> None:
    done = subprocess.run([str(ROOT / "script" / "demo"), "nothing"], capture_output=True, text=True, check=False)
    assert done.returncode == 64
    assert "script/demo --help" in done.stderr
    done = subprocess.run([str(ROOT / "script" / "demo"), "--help"], capture_output=True, text=True, check=True)
    assert all(system in done.stdout for system in SYSTEMS)
