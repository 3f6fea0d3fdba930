"""`.env.local`: reading, git, the keyring behind it, and writing."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from provisioner.errors import ProvisionError, SecretUnavailable
from provisioner.model.secret import Found, Generate, Missing, SecretRef, SecretValue
from provisioner.secrets.chain import resolve
from provisioner.secrets.env_local import EnvLocal, EnvLocalStore, store
from provisioner.secrets.fingerprint import KeyAbsent
from provisioner.secrets.generate import keep
from provisioner.secrets.os_keyring import ASKED_BY_NAME, OsKeyring
from provisioner.secrets.tier_context import TierContext
from provisioner.secrets.tiers import open_tiers
from tests.contract.secret_sources.keyring_backend import Memory
from tests.unit.secrets.test_chain import ref

if TYPE_CHECKING:
    from pathlib import Path

JWT = SecretRef("jwt", ("jwt",), "JWT_SECRET", "x", ("env_local",))


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> OsKeyring:
    monkeypatch.setattr(Memory, "items", {})
    return OsKeyring("provision/shop-prod", {ASKED_BY_NAME: f"{Memory.__module__}.Memory"})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".env.local"


def write(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o600)


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
    subprocess.run(["git", "-C", folder, *identity, *arguments], check=True, capture_output=True)


def test_every_bad_line_is_named_by_its_number_without_its_text(path: Path, keyring: OsKeyring) -> None:
    write(path, "A=1\ncanary\nB='canary\n")
    with pytest.raises(SecretUnavailable) as refusal:
        EnvLocal(path, keyring).fetch([JWT])
    assert [line.partition(": ")[0] for line in refusal.value.message.splitlines()] == [f"{path}:2", f"{path}:3"]
    assert "canary" not in refusal.value.message


def test_one_folder_serves_two_environments(tmp_path: Path) -> None:
    """What one environment generates is its own; what lies in the shared file is read by both, and changed there."""
    local, prod = (TierContext(tmp_path, f"shop-{name}", {}, environment=name) for name in ("local", "prod"))
    write(tmp_path / ".env.local", "SHARED=both\n")
    refs = [ref(name, "env_local", generate=Generate(12)) for name in ("db", "shared")]
    answers = resolve(refs, open_tiers(local), KeyAbsent(""))
    keep(refs, answers, store(local))
    assert (tmp_path / ".env.local.local").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / ".env.local").read_text() == "SHARED=both\n"
    barred = [ref("db", "docker", forbidden=("env_local",))]
    assert isinstance(resolve(barred, open_tiers(prod), KeyAbsent(""))["db"], Missing)
    with pytest.raises(SecretUnavailable, match=r"\.env\.local\.local has DB"):
        resolve(barred, open_tiers(local), KeyAbsent(""))
    store(prod).set({"SHARED": SecretValue(b"new"), "DB": SecretValue(b"of-prod")})
    assert (tmp_path / ".env.local").read_text() == "SHARED=new\n"
    assert (tmp_path / ".env.prod.local").read_text() == "DB=of-prod\n"
    assert store(local).unset(["DB"]) == ("DB",)
    assert (tmp_path / ".env.prod.local").read_text() == "DB=of-prod\n"


def test_the_environments_own_value_wins(tmp_path: Path, keyring: OsKeyring) -> None:
    own, shared = tmp_path / ".env.prod.local", tmp_path / ".env.local"
    write(shared, "JWT_SECRET=shared\n")
    write(own, "JWT_SECRET=own\n")
    answer = EnvLocal(own, keyring, shared).fetch([JWT])[JWT]
    assert isinstance(answer, Found)
    assert (answer.value.reveal(), answer.place) == (b"own", ".env.prod.local")
    places = EnvLocalStore(own, keyring, shared=shared)
    assert places.unset(["JWT_SECRET"]) == ("JWT_SECRET",)
    assert places.home_of("JWT_SECRET") == shared


def test_cautions_become_warnings_with_their_line(path: Path, keyring: OsKeyring) -> None:
    write(path, "JWT_SECRET=a$b\n")
    path.chmod(0o640)
    source = EnvLocal(path, keyring)
    source.fetch([JWT])
    mode, dollar = source.warnings()
    assert "mode 0640" in mode
    assert dollar.startswith(f"{path}:1: ")


def test_a_file_that_git_tracks_is_refused(path: Path, keyring: OsKeyring) -> None:
    write(path, "JWT_SECRET=canary\n")
    git(path.parent, "init", "-q")
    git(path.parent, "add", "-f", ".env.local")
    with pytest.raises(SecretUnavailable, match="tracked by git") as refusal:
        EnvLocal(path, keyring).fetch([JWT])
    assert "canary" not in refusal.value.message


def test_a_file_that_git_does_not_ignore_is_a_warning(path: Path, keyring: OsKeyring) -> None:
    write(path, "JWT_SECRET=x\n")
    git(path.parent, "init", "-q")
    source = EnvLocal(path, keyring)
    source.fetch([JWT])
    assert "not ignored by git" in source.warnings()[0]
    (path.parent / ".gitignore").write_text(".env.local\n")
    source = EnvLocal(path, keyring)
    source.fetch([JWT])
    assert source.warnings() == ()


def test_a_reference_to_a_keyring_item_that_is_gone_is_refused_not_missing(path: Path, keyring: OsKeyring) -> None:
    write(path, "# head\nJWT_SECRET=keyring:jwt\n")
    with pytest.raises(SecretUnavailable, match=r"\.env\.local:2 points to the OS keyring, which has no item jwt"):
        EnvLocal(path, keyring).fetch([JWT])


def test_the_keyring_is_asked_only_for_what_points_there(path: Path) -> None:
    write(path, "JWT_SECRET=x\nOTHER=keyring:other\n")
    nowhere = OsKeyring("provision/shop-prod", {ASKED_BY_NAME: "not.there"})
    answer = EnvLocal(path, nowhere).fetch([JWT])[JWT]
    assert isinstance(answer, Found)


def test_setting_writes_a_private_file_and_keeps_the_rest(path: Path, keyring: OsKeyring) -> None:
    write(path, "# ours\nA=1\nJWT_SECRET='old' # for the api\n")
    EnvLocalStore(path, keyring).set({"JWT_SECRET": SecretValue(b"n$w"), "NEW": SecretValue(b"x")})
    assert path.read_text() == "# ours\nA=1\nJWT_SECRET='n$w' # for the api\nNEW=x\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_setting_begins_the_file(path: Path, keyring: OsKeyring) -> None:
    EnvLocalStore(path, keyring).set({"JWT_SECRET": SecretValue(b"x")})
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("JWT_SECRET=x\n", 0o600)


def test_nothing_is_written_when_one_value_can_not_be(path: Path, keyring: OsKeyring) -> None:
    with pytest.raises(SecretUnavailable, match="BINARY"):
        EnvLocalStore(path, keyring).set({"A": SecretValue(b"x"), "BINARY": SecretValue(b"\xff")})
    with pytest.raises(SecretUnavailable, match="EMPTY"):
        EnvLocalStore(path, keyring).set({"A": SecretValue(b"x"), "EMPTY": SecretValue(b"")})
    assert not path.exists()


def test_a_file_with_bad_lines_is_not_written_over(path: Path, keyring: OsKeyring) -> None:
    write(path, "bad line\n")
    with pytest.raises(SecretUnavailable, match=":1: "):
        EnvLocalStore(path, keyring).set({"A": SecretValue(b"x")})
    assert path.read_text() == "bad line\n"


def test_setting_in_the_keyring_leaves_only_a_reference_in_the_file(path: Path, keyring: OsKeyring) -> None:
    EnvLocalStore(path, keyring, in_keyring=True).set({"JWT_SECRET": SecretValue(b"canary")})
    assert path.read_text() == "JWT_SECRET=keyring:JWT_SECRET\n"
    assert Memory.items == {("provision/shop-prod", "JWT_SECRET"): "canary"}


def test_setting_in_the_file_removes_the_keyring_item(path: Path, keyring: OsKeyring) -> None:
    EnvLocalStore(path, keyring, in_keyring=True).set({"JWT_SECRET": SecretValue(b"canary")})
    EnvLocalStore(path, keyring).set({"JWT_SECRET": SecretValue(b"plain")})
    assert path.read_text() == "JWT_SECRET=plain\n"
    assert Memory.items == {}


def test_unsetting_removes_line_and_item_and_says_what_was_there(path: Path, keyring: OsKeyring) -> None:
    store = EnvLocalStore(path, keyring, in_keyring=True)
    store.set({"JWT_SECRET": SecretValue(b"canary")})
    assert store.unset(["JWT_SECRET", "OTHER"]) == ("JWT_SECRET",)
    assert (path.read_text(), Memory.items) == ("", {})
    assert store.unset(["JWT_SECRET"]) == ()


def test_unsetting_without_a_file_makes_none(path: Path, keyring: OsKeyring) -> None:
    assert EnvLocalStore(path, keyring).unset(["A"]) == ()
    assert not path.exists()


def test_a_folder_that_is_not_there_is_told(tmp_path: Path, keyring: OsKeyring) -> None:
    with pytest.raises(ProvisionError, match="can not be written: No such file") as told:
        EnvLocalStore(tmp_path / "gone" / ".env.local", keyring).set({"A": SecretValue(b"x")})
    assert told.value.exit_code == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_root_leaves_the_file_to_its_owner(path: Path, keyring: OsKeyring) -> None:
    write(path, "A=1\n")
    os.chown(path, 12345, 12345)
    EnvLocalStore(path, keyring).set({"B": SecretValue(b"x")})
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 12345)
