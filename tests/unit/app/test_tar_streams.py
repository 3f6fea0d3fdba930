"""Archives piece by piece, and what they may not do."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import pytest

from provisioner.app.tar_names import Arrival
from provisioner.app.tar_streams import pack, unpack
from provisioner.errors import ProvisionError

if TYPE_CHECKING:
    from pathlib import Path


def archive(*members: tuple[str, bytes | None, str]) -> bytes:
    """Members by name: content, or a folder, or what a link leads to."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as made:
        for name, content, link in members:
            member = tarfile.TarInfo(name)
            if link:
                member.type, member.linkname = tarfile.SYMTYPE, link
            elif content is None:
                member.type, member.mode = tarfile.DIRTYPE, 0o755
            else:
                member.size = len(content)
            made.addfile(member, io.BytesIO(content or b""))
    return buffer.getvalue()


def pieces(data: bytes, size: int = 100):
    return iter([data[start : start + size] for start in range(0, len(data), size)])


def test_what_is_packed_is_unpacked_the_same(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "sub").mkdir(parents=True)
    (source / "sub" / "file").write_bytes(bytes(range(256)) * 5000)
    (source / "sub" / "file").chmod(0o751)
    (source / "link").symlink_to("/somewhere/else")
    (source / "sub").chmod(0o555)
    target = tmp_path / "target"
    target.mkdir()
    place = Arrival(str(target), "source", "new")
    unpack(pack(str(source), "source", place.name), Arrival(str(target)))
    assert (target / "new" / "sub" / "file").read_bytes() == (source / "sub" / "file").read_bytes()
    assert (target / "new" / "sub" / "file").stat().st_mode & 0o777 == 0o751
    assert (target / "new" / "sub").stat().st_mode & 0o777 == 0o555
    assert (target / "new" / "link").readlink().as_posix() == "/somewhere/else"


@pytest.mark.parametrize(
    "members",
    [
        [("../x", b"bad", "")],
        [("a/../../x", b"bad", "")],
        [("/x", b"bad", "")],
        [("d", None, "/OUTSIDE"), ("d/x", b"bad", "")],
    ],
)
def test_nothing_leaves_the_folder(tmp_path: Path, members: list[tuple[str, bytes | None, str]]) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    told = [(name, content, link.replace("/OUTSIDE", str(outside))) for name, content, link in members]
    with pytest.raises(ProvisionError, match="outside of"):
        unpack(pieces(archive(*told)), Arrival(str(inside)))
    assert sorted(path.name for path in tmp_path.rglob("x")) == []


def test_a_file_takes_the_place_of_a_link_and_not_of_what_it_leads_to(tmp_path: Path) -> None:
    other, inside = tmp_path / "other", tmp_path / "inside"
    other.write_text("stays")
    inside.mkdir()
    (inside / "x").symlink_to(other)
    unpack(pieces(archive(("x", b"new", ""))), Arrival(str(inside)))
    assert other.read_text() == "stays"
    assert (inside / "x").read_text() == "new"
    assert not (inside / "x").is_symlink()


def test_what_can_not_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(ProvisionError, match="can not be copied"):
        list(pack(str(tmp_path / "missing"), "missing", lambda name: name))


def test_what_breaks_off_leaves_what_was_there_before(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("before")
    whole = archive(("x", b"new" * 4000, ""))
    with pytest.raises(ProvisionError, match="can not be written"):
        unpack(pieces(whole[:6000]), Arrival(str(tmp_path)))
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("x", "before")]
    unpack(pieces(whole), Arrival(str(tmp_path)))
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("x", "new" * 4000)]
