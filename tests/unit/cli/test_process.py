"""The command line as a process: exit codes, streams, help, imports."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from provisioner.cli.main import program
from tests.unit.cli.process import ROOT, provision, run_python, write

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = ("docker", "boto3", "botocore", "jsonschema", "keyring", "yaml", "requests")
COMMANDS = sorted(file.stem.removeprefix("cmd_") for file in (ROOT / "provisioner/cli").glob("cmd_*.py"))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--nonsense"], "no such option"),
        (["plan", "--nonsense"], "no such option"),
        (["plna"], "did you mean 'plan'?"),
        (["plan", "a", "b"], "unexpected extra argument"),
        (["plan", "--scale", "x"], "SERVICE=N"),
        (["plan", "--target", "api."], "KIND.NAME"),
        (["plan"], "no playbook here"),
        (["plan", "-C", "/nonexistent/folder"], "/nonexistent/folder"),
        (["plan", "--host", "a", "--context", "b"], "--host"),
        (["exec", "a"], "COMMAND missing"),
        (["logs", "-n", "many"], "--tail"),
        (["apply", "--parallel", "0"], "--parallel"),
    ],
)
def test_wrong_usage_is_64_and_says_what_is_wrong(arguments: list[str], says: str, tmp_path: Path) -> None:
    ended = provision(*arguments, cwd=tmp_path)
    assert ended.returncode == 64, ended.stderr
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""


def test_a_file_that_is_not_there_is_an_invalid_playbook(tmp_path: Path) -> None:
    done = provision("plan", "-f", "nowhere.yml", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (65, "")
    assert done.stderr.startswith("nowhere.yml: there is no such file")


def test_without_a_command_the_help_is_told_and_the_code_is_64(tmp_path: Path) -> None:
    ended = provision(cwd=tmp_path)
    assert ended.returncode == 64
    assert "First steps" in ended.stderr


def test_help_lists_every_command_in_a_group(tmp_path: Path) -> None:
    ended = provision("--help", cwd=tmp_path)
    assert ended.returncode == 0
    listed = {line.split()[0] for line in ended.stdout.splitlines() if line.startswith("  ") and line.split()}
    assert {name.replace("_", "-") for name in COMMANDS} <= listed


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, tmp_path: Path) -> None:
    main = program()
    with main.make_context("provision", ["--help"], resilient_parsing=True) as context:
        command = main.get_command(context, name.replace("_", "-"))
        assert command is not None
        assert command.short_help
        text = command.get_help(context)
    assert "Global options" in text


def modules_after(arguments: list[str], folder: Path) -> set[str]:
    """The modules that a command line has imported when it ends."""
    code = (
        "import sys; from provisioner.cli.main import execute; execute(sys.argv[1:]); "
        "print('MODULES', *sys.modules, file=sys.stderr)"
    )
    ended = run_python("-c", code, *arguments, cwd=folder)
    return set(ended.stderr.rpartition("MODULES ")[2].split())


@pytest.mark.parametrize("arguments", [["--help"], ["plan", "--help"], ["plna"], ["plan", "--nonsense"], ["plan"]])
def test_help_and_wrong_usage_import_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    imported = {name.partition(".")[0] for name in modules_after(arguments, tmp_path)}
    assert "click" in imported
    assert imported.isdisjoint(HEAVY)


def test_only_the_command_that_is_called_is_imported(tmp_path: Path) -> None:
    imported = {name for name in modules_after(["version"], tmp_path) if ".cmd_" in name}
    assert imported == {"provisioner.cli.cmd_version"}


def test_the_version(tmp_path: Path) -> None:
    from provisioner import __version__

    assert provision("--version", cwd=tmp_path).stdout == f"provision {__version__}\n"
    assert json.loads(provision("version", "--json", cwd=tmp_path).stdout)["version"] == __version__


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell: str, tmp_path: Path) -> None:
    ended = provision("completion", shell, cwd=tmp_path)
    assert ended.returncode == 0
    assert "_PROVISION_COMPLETE" in ended.stdout


def test_changes_without_a_terminal_need_yes(tmp_path: Path) -> None:
    write(tmp_path, "compose.yaml")
    for command in ("apply", "destroy"):
        ended = provision(command, cwd=tmp_path)
        assert ended.returncode == 64
        assert "--yes" in ended.stderr
        assert "PROVISION_YES" in ended.stderr


def test_yes_may_come_from_the_environment(tmp_path: Path) -> None:
    write(tmp_path, "compose.yaml")
    assert provision("apply", cwd=tmp_path, env={"PROVISION_YES": "1"}).returncode == 69


@pytest.mark.parametrize(
    "command", [["plan"], ["apply", "--yes"], ["apply", "--check"], ["destroy", "--yes"], ["status"]]
)
def test_no_engine_is_69_and_says_what_to_do(command: list[str], tmp_path: Path) -> None:
    write(tmp_path, "compose.yaml")
    ended = provision(*command, cwd=tmp_path)
    assert ended.returncode == 69
    assert "/nonexistent/docker.sock" in ended.stderr
    assert "Next:" in ended.stderr


def test_an_invalid_playbook_is_65_with_every_position(tmp_path: Path) -> None:
    write(tmp_path, "compose.yaml", "services:\n  a:\n    imge: x\n  b:\n    image: x\n    bild: .\n")
    ended = provision("plan", cwd=tmp_path)
    assert ended.returncode == 65
    assert "compose.yaml:3:5" in ended.stderr
    assert "compose.yaml:6:5" in ended.stderr
    assert "did you mean" in ended.stderr


def test_an_error_with_json_is_one_object_on_stderr(tmp_path: Path) -> None:
    write(tmp_path, "compose.yaml", "services: {a: {imge: x}}\n")
    ended = provision("plan", "--json", cwd=tmp_path)
    assert ended.stdout == ""
    error = json.loads(ended.stderr)["error"]
    assert (error["exit_code"], error["kind"], error["problems"][0]["line"]) == (65, "PlaybookInvalid", 1)


def test_an_error_of_apply_with_json_ends_the_stream_on_stdout(tmp_path: Path) -> None:
    write(tmp_path, "compose.yaml", "services: {a: {imge: x}}\n")
    ended = provision("apply", "--json", "--yes", cwd=tmp_path)
    assert ended.returncode == 65
    assert json.loads(ended.stdout.splitlines()[-1])["error"]["exit_code"] == 65


def test_config_needs_no_engine(tmp_path: Path) -> None:
    write(tmp_path, "compose.yaml")
    ended = provision("config", "--format", "json", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["services"]["a"]["image"] == "busybox:1.36"
    assert provision("config", "--services", cwd=tmp_path).stdout == "a\n"
    assert provision("config", "--images", cwd=tmp_path).stdout == "busybox:1.36\n"


def test_the_folder_of_the_call_is_chosen_with_c(tmp_path: Path) -> None:
    write(tmp_path, "here/compose.yaml")
    for arguments in (["-C", "here", "config", "--services"], ["config", "--services", "-C", "here"]):
        assert provision(*arguments, cwd=tmp_path).stdout == "a\n"


def test_an_environment_is_named_after_its_file_only_under_playbooks(tmp_path: Path) -> None:
    write(tmp_path, "playbooks/x/dev.yml", "name: x\nservices: {a: {image: 'busybox:1.36'}}\n")
    named = provision("config", "x/dev", "--format", "json", cwd=tmp_path)
    assert json.loads(named.stdout)["networks"]["default"]["name"] == "x-dev_default"
    given = provision("config", "-f", "playbooks/x/dev.yml", "--format", "json", cwd=tmp_path)
    assert json.loads(given.stdout)["networks"]["default"]["name"] == "x_default"


def test_a_target_and_files_together_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "compose.yaml")
    assert provision("plan", "-f", "compose.yaml", "compose.yaml", cwd=tmp_path).returncode == 64


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    import subprocess
    import sys

    write(tmp_path, "compose.yaml")
    command = f"{sys.executable} -m provisioner config; echo code=$? >&2"
    ended = subprocess.run(
        ["bash", "-c", f"({command}) | true"], cwd=tmp_path, env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.stderr == "code=0\n"


_INVALID = "services:\n  a:\n    imge: x\n  b:\n    image: x\n    bild: .\n"


@pytest.mark.parametrize("options", [["--format", "json"], ["--json"], ["--format", "sarif"], ["--format", "github"]])
def test_lint_tells_what_is_invalid_in_the_form_that_is_asked(options: list[str], tmp_path: Path) -> None:
    write(tmp_path, "compose.yaml", _INVALID)
    ended = provision("lint", *options, cwd=tmp_path)
    assert ended.returncode == 65
    if "github" in options:
        first, second = ended.stdout.splitlines()
        assert first.startswith("::error file=compose.yaml,line=3,col=5,title=invalid::services.a: unknown key 'imge'")
        assert second.startswith("::error file=compose.yaml,line=6,col=5")
        return
    found = json.loads(ended.stdout)
    if "sarif" in options:
        places = [one["locations"][0]["physicalLocation"]["region"]["startLine"] for one in found["runs"][0]["results"]]
        assert [rule["id"] for rule in found["runs"][0]["tool"]["driver"]["rules"]] == ["invalid"]
    else:
        assert found["summary"]["error"] == 2
        places = [one["line"] for one in found["findings"]]
    assert places == [3, 6]


def test_lint_of_services_that_exclude_each_other_finds_the_rest_too(tmp_path: Path) -> None:
    service = "image: 'busybox', ports: ['1.2.3.4:80:80']"
    write(tmp_path, "compose.yaml", f"services: {{a: {{{service}}}, b: {{{service}}}}}\n")
    ended = provision("lint", "--json", cwd=tmp_path)
    assert ended.returncode == 1
    assert {"P801", "P001"} <= {one["rule"] for one in json.loads(ended.stdout)["findings"]}
    assert provision("plan", cwd=tmp_path).returncode == 65
    assert provision("plan", "--target", "a", cwd=tmp_path).returncode == 69
    assert provision("config", "-q", cwd=tmp_path).returncode == 0
