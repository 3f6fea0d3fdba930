"""Targets of configs and secrets that can not be had, each told at its place."""

from __future__ import annotations

import itertools

import pytest

from provisioner.kinds.container_files import parse, path_in_volume
from provisioner.kinds.context import ParseContext
from provisioner.model.state import ImageFacts
from provisioner.playbook.file_targets import folders_of_images
from provisioner.playbook.file_targets import problems as target_problems

DECLARED = {"configs": {"c": {"content": "x"}}, "secrets": {"x": {"file": "x"}, "y": {"file": "y"}}}


def service(*secrets, **more):
    return {"services": {"a": {"image": "a:1", "secrets": list(secrets), **more}}, **DECLARED}


def found(bound, *secrets, **more):
    return [problem.message for problem in target_problems(bound(**service(*secrets, **more)))]


@pytest.mark.parametrize("target", ["/", "/etc", "/etc/", "/run/secrets", ".", "/usr/bin/..", "conf/", "/tmp/./"])
def test_a_folder_is_no_target(bound, target):
    (message,) = found(bound, {"source": "x", "target": target})
    assert message == f"'{target}' is a folder"


@pytest.mark.parametrize("target", ["/etc/passwd", "/etc/./hosts", "/usr/bin/env", "/lib/x86_64-linux-gnu/libc.so.6"])
def test_a_system_file_is_covered_only_where_that_is_said(bound, target):
    (message,) = found(bound, {"source": "x", "target": target})
    assert "would cover a file of the system" in message
    assert found(bound, {"source": "x", "target": target, "override": True}) == []


@pytest.mark.parametrize("target", ["/proc/1/environ", "/sys/x", "/dev/null"])
def test_the_kernels_files_are_never_covered(bound, target):
    assert found(bound, {"source": "x", "target": target, "override": True})


@pytest.mark.parametrize("target", ["x" * 256, "ä" * 128, f"/a/{'x' * 256}/b", "/x" * 2100])
def test_a_name_that_no_file_system_has(bound, target):
    (message,) = found(bound, {"source": "x", "target": target})
    assert "is too long: a name has at most 255 bytes" in message


@pytest.mark.parametrize("target", ["x" * 255, "ä" * 127, "/x" * 2000])
def test_the_longest_names(bound, target):
    assert found(bound, {"source": "x", "target": target}) == []


def test_files_of_programs_are_free(bound):
    targets = ("/etc/nginx/nginx.conf", "tls/key", "/usr/share/app/x", "/app", "/usr/local/bin/start", "/var/run/x/y")
    assert found(bound, *({"source": "x", "target": target} for target in targets)) == []


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [
        ("/etc/app/a", "/etc/app//a", "is where secret 'x' stands already"),
        ("z/../tls", "tls", "is where secret 'x' stands already"),
        ("tls", "tls/key", "'/run/secrets/tls' can not be a file and the folder of '/run/secrets/tls/key'"),
        ("tls/key", "tls", "'/run/secrets/tls' can not be a file and the folder of '/run/secrets/tls/key'"),
        (".provisioner/etc/x", "/etc/x", "is a place that provision needs itself"),
    ],
)
def test_two_files_need_two_places(bound, first, second, text):
    messages = found(bound, {"source": "x", "target": first}, {"source": "y", "target": second})
    assert len(messages) == 1
    assert text in messages[0]


def test_configs_and_secrets_and_mounts_share_one_tree(bound):
    messages = found(bound, {"source": "x", "target": "/etc/app/a"}, configs=[{"source": "c", "target": "/etc/app/a"}])
    assert len(messages) == 1
    assert "is where config 'c' stands already" in messages[0]
    messages = found(
        bound, {"source": "x", "target": "/data/a"}, volumes=[{"type": "bind", "source": "/srv", "target": "/data/a/"}]
    )
    assert "is the target of a mount, too" in messages[0]


def test_a_mount_within_the_folder_of_the_files_covers_what_is_below_it(bound):
    mounts = [{"type": "bind", "source": "/srv", "target": place} for place in ("/run/secrets/tls", "/etc/app")]
    files = [{"source": "x", "target": target} for target in ("tls/key", "tlsx", "/etc/app/a")]
    messages = found(bound, *files, volumes=mounts)
    assert len(messages) == 1
    assert "'/run/secrets/tls/key' is below the mount at '/run/secrets/tls', which covers it" in messages[0]


def test_folders_that_the_image_tells_of(bound):
    playbook = bound(**service({"source": "x", "target": "/srv/app"}, {"source": "y", "target": "/data"}, "x"))
    image = ImageFacts("sha256:1", working_dir="/srv/app/work", volumes=("/data/",))
    assert [problem.message for problem in folders_of_images(playbook, {"a:1": image})] == [
        "'/srv/app' is a folder in the image a:1",
        "'/data' is a folder in the image a:1",
    ]
    assert list(folders_of_images(playbook, {})) == []


def test_each_target_has_a_path_of_its_own_in_the_volume():
    """Whatever targets there are, no two of them share one, and none is within another's file."""
    parts = ("a", "b", "a__b", "etc", ".provisionerx", "%2F", "a b")
    targets = [f"/{one}/{two}" for one, two in itertools.product(parts, parts)]
    targets += [f"/run/secrets/{one}" for one in parts] + [f"/run/secrets/sub/{one}" for one in parts]
    body = {"secrets": [{"source": f"s{index}", "target": target} for index, target in enumerate(targets)]}
    files = parse("secrets", body, ParseContext())
    paths = [path_in_volume(target, entry) for target, entry in files.items()]
    assert len(set(paths)) == len(targets)
    assert not [(one, two) for one in paths for two in paths if two.startswith(f"{one}/")]
