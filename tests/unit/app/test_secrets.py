"""`provision secrets`, `doctor` and `engine` where no engine answers: what is told, and what is kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from provisioner.app.doctor import _registry_of
from provisioner.model.secret import Found, Missing, SecretRef, SecretValue
from provisioner.secrets.chain import resolve
from provisioner.secrets.fingerprint import KeyAbsent
from provisioner.secrets.renewed import renewed
from tests.unit.cli.process import provision, write

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from provisioner.model.secret import Resolution

TEXT = """
name: shop
services:
  web: {image: "busybox:1.36", secrets: [token, url]}
  other: {image: "busybox:1.36", secrets: [made, far]}
secrets:
  token: {sources: [env_local]}
  made: {generate: {length: 12}, sources: [env_local]}
  url: {template: "x:${secret:token}"}
  far: {sources: [aws]}
"""
ENVIRONMENT = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/nonexistent", "HOME": "/nonexistent"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, "compose.yaml", TEXT)
    return tmp_path


def kept(folder: Path) -> str:
    return (folder / ".env.local").read_text()


def test_set_keeps_what_comes_through_standard_input(folder: Path) -> None:
    ended = provision("secrets", "set", "token", "-", cwd=folder, stdin="canary-value\n")
    assert ended.returncode == 0, ended.stderr
    assert kept(folder) == "TOKEN=canary-value\n"
    assert (folder / ".env.local").stat().st_mode & 0o777 == 0o600
    assert "canary-value" not in ended.stdout + ended.stderr
    assert "TOKEN (12 bytes)" in ended.stdout
    assert "web" in ended.stdout, "who uses it"


def test_exact_keeps_the_line_end(folder: Path) -> None:
    assert provision("secrets", "set", "token", "--exact", cwd=folder, stdin="a\nb\n").returncode == 0
    assert kept(folder) == "TOKEN='a\nb\n'\n"


@pytest.mark.parametrize(
    ("arguments", "stdin", "code", "says"),
    [
        (["set", "token", "hunter2hunter2"], "", 64, "a value is never an argument"),
        (["set"], "", 64, "NAME is missing"),
        (["set", "tokne"], "x", 64, "token"),
        (["set", "token"], "", 64, "standard input has no value"),
        (["set", "url"], "x", 77, "its template"),
        (["set", "far"], "x", 77, "does not come from env_local but from aws"),
        (["set", "token"], "x" * 600_000, 77, "511999 are possible"),
        (["rotate", "token"], "", 64, "--yes"),
        (["rotate", "far", "--no-apply", "-"], "x", 77, "change the value there"),
        (["rotate", "token", "--no-apply"], "", 64, "standard input has no value"),
        (["rotate", "made", "--yes"], "", 69, "no Docker Engine answers"),
        (["sync", "--to", "docker", "--yes"], "", 69, "no Docker Engine answers"),
        (["nonsense"], "", 64, "there are"),
    ],
)
def test_what_can_not_be_done_changes_nothing(
    folder: Path, arguments: list[str], stdin: str, code: int, says: str
) -> None:
    ended = provision("secrets", *arguments, cwd=folder, stdin=stdin, env=ENVIRONMENT)
    assert ended.returncode == code, ended.stderr
    assert says in ended.stderr
    assert "hunter2hunter2" not in ended.stdout + ended.stderr
    assert not (folder / ".env.local").exists()


def test_rotate_without_apply_makes_a_new_value(folder: Path) -> None:
    seen = set()
    for _ in range(2):
        ended = provision("secrets", "rotate", "made", "--no-apply", cwd=folder)
        assert ended.returncode == 0, ended.stderr
        value = kept(folder).partition("MADE=")[2].strip()
        assert len(value) == 12
        assert value not in ended.stdout + ended.stderr
        seen.add(value)
    assert len(seen) == 2


def test_unset_says_whether_it_was_there(folder: Path) -> None:
    provision("secrets", "set", "token", cwd=folder, stdin="x")
    assert "is removed from" in provision("secrets", "unset", "token", cwd=folder).stdout
    assert "was not in" in provision("secrets", "unset", "token", cwd=folder).stdout


def test_list_and_check_need_no_engine_for_what_lies_here(folder: Path) -> None:
    provision("secrets", "set", "token", cwd=folder, stdin="canary-value")
    listed = provision("secrets", "list", "--json", cwd=folder, env=ENVIRONMENT)
    rows = {one["name"]: one for one in json.loads(listed.stdout)["secrets"]}
    assert {name: row["state"] for name, row in rows.items()} == {
        "token": "found", "made": "to be generated", "url": "found", "far": "not clear",
    }  # fmt: skip
    assert rows["token"]["used_by"] == ["web"]
    assert rows["url"]["tier"] == "template"
    assert listed.returncode == 77, "AWS is named in `sources`, and can not be asked"
    checked = provision("secrets", "check", cwd=folder, env=ENVIRONMENT)
    assert checked.returncode == 77
    assert "secret far: AWS can not be asked" in checked.stderr
    assert "canary-value" not in listed.stdout + listed.stderr + checked.stdout + checked.stderr
    write(folder, "compose.yaml", TEXT.replace("  far: {sources: [aws]}\n", "").replace(", far]", "]"))
    assert provision("secrets", "check", cwd=folder, env=ENVIRONMENT).returncode == 0


def test_doctor_tells_everything_although_no_engine_answers(folder: Path) -> None:
    (folder / ".env.local").write_text("TOKEN=x\n")
    (folder / ".env.local").chmod(0o644)
    ended = provision("doctor", "--json", cwd=folder, env=ENVIRONMENT)
    assert ended.returncode == 69
    checks = {one["name"]: one for one in json.loads(ended.stdout)["checks"]}
    assert checks["playbook"]["state"] == "ok"
    assert checks["engine"]["state"] == "failed"
    assert checks["env_local"]["state"] == "warning"
    assert "chmod 600" in checks["env_local"]["message"]
    assert checks["secrets"]["state"] == "failed"
    assert "first apply makes it" in checks["fingerprint key"]["message"]
    write(folder, "compose.yaml", "services: {a: {imgae: x}}\n")
    assert "✘ playbook" in provision("doctor", cwd=folder, env=ENVIRONMENT).stdout


def test_engine_init_without_an_engine_is_69(folder: Path) -> None:
    assert provision("engine", "init", cwd=folder).returncode == 69


def test_the_registry_of_an_image() -> None:
    for image in ("busybox", "library/busybox:1", "acme/api@sha256:00"):
        assert _registry_of(image) == "https://index.docker.io/v1/"
    assert _registry_of("ghcr.io/acme/api:1") == "ghcr.io"
    assert _registry_of("localhost:5000/api") == "localhost:5000"
    assert _registry_of("localhost/api") == "localhost"


class Tier:
    remote = False

    def __init__(self, tier: str, values: Mapping[str, str]) -> None:
        self.tier = tier
        self._values = values

    def fetch(self, refs: Sequence[SecretRef]) -> Mapping[SecretRef, Resolution]:
        return {
            ref: Found(SecretValue(self._values[ref.key].encode()), "", self.tier)
            if ref.key in self._values
            else Missing((self.tier,))
            for ref in refs
        }

    def warnings(self) -> Sequence[str]:
        return ("a warning",)


def test_a_new_value_takes_the_place_of_the_local_one_everywhere() -> None:
    refs = [
        SecretRef("a", (), "A", "", ("env_local", "docker")),
        SecretRef("b", (), "B", "", ("env_local", "docker")),
        SecretRef("both", (), "", "", (), template="${secret:a}-${secret:b}"),
    ]
    tiers = [Tier("env_local", {"a": "old", "b": "same"}), Tier("docker", {"a": "other"})]
    told: list[str] = []
    answers = resolve(refs, renewed(tiers, {"a": SecretValue(b"new")}), KeyAbsent(""), tell=told.append)
    values = {key: answer.value.reveal() for key, answer in answers.items() if isinstance(answer, Found)}
    assert values == {"a": b"new", "b": b"same", "both": b"new-same"}
    assert "a warning" in told
