"""Under which name a copy arrives: the table of `docker cp`."""

from __future__ import annotations

import pytest

from provisioner.app.tar_names import Source, Target, arrival, split
from provisioner.errors import ProvisionError


@pytest.mark.parametrize(
    ("path", "parts"),
    [("/a/b", ("/a", "b")), ("/a/b/", ("/a", "b")), ("/a/b/.", ("/a/b", ".")), (".", (".", ".")), ("a", ("", "a"))],
)
def test_a_path_is_a_folder_and_a_name(path: str, parts: tuple[str, str]) -> None:
    assert split(path) == parts


@pytest.mark.parametrize(
    ("source", "target", "folder", "names"),
    [
        # A file to a new name, to a file that is there, into a folder.
        (Source("/f", False), Target("/d/new", False, False), "/d", {"f": "new"}),
        (Source("/f", False), Target("/d/old", True, False), "/d", {"f": "old"}),
        (Source("/f", False), Target("/d", True, True), "/d", {"f": "f"}),
        # A folder to a new name, into a folder; what is in it to a new name, into a folder.
        (Source("/s", True), Target("/d/new", False, False), "/d", {"s": "new", "s/x": "new/x"}),
        (Source("/s", True), Target("/d", True, True), "/d", {"s": "s", "s/x": "s/x"}),
        (Source("/s/.", True), Target("/d/new", False, False), "/d", {".": "new", "./x": "new/x"}),
        (Source("/s/.", True), Target("/d", True, True), "/d", {".": ".", "./x": "./x"}),
        # A link that was followed keeps its name.
        (Source("/real", False, "link"), Target("/d", True, True), "/d", {"real": "link"}),
        (Source("/real", False, "link"), Target("/d/new", False, False), "/d", {"real": "new"}),
    ],
)
def test_where_and_under_which_names(source: Source, target: Target, folder: str, names: dict[str, str]) -> None:
    found = arrival(source, target)
    assert found.folder == folder
    assert {name: found.name(name) for name in names} == names


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (Source("/s", True), Target("/d/file", True, False)),
        (Source("/f", False), Target("/d/new/", False, False)),
    ],
)
def test_what_can_not_take_that_place(source: Source, target: Target) -> None:
    with pytest.raises(ProvisionError) as raised:
        arrival(source, target)
    # It depends on what stands there, and not on how it was typed.
    assert raised.value.exit_code == 1
