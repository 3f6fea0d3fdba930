"""What Docker's client is told for a build, what it must not be told, and what a build is compared by."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from docker.tls import TLSConfig

from provisioner.engines.build_clients import find_builders
from provisioner.engines.build_context import build_digest, open_context, without_secret_files
from provisioner.engines.buildkit import client_environment, command
from provisioner.engines.connect import Endpoint
from provisioner.model.builder import Builder, BuilderKind

if TYPE_CHECKING:
    from collections.abc import Callable

BUILDX = Builder(BuilderKind.BUILDX, "docker", "0.29.1")
CLIENT = Builder(BuilderKind.CLIENT, "docker", "20.10.24")
EVERYTHING = {
    "context": "/app", "dockerfile": "sub/Dockerfile", "args": {"A": "value", "HOME": "/root", "UNSET": None},
    "ssh": ["default"], "labels": {"b": "2"}, "cache_from": ["one"], "cache_to": ["type=inline"], "no_cache": True,
    "no_cache_filter": ["x", "y"], "additional_contexts": {"more": "/more"}, "network": "host",
    "provenance": "mode=max", "sbom": True, "pull": True, "target": "stage", "shm_size": "1024",
    "extra_hosts": ["six=::1", "four:10.0.0.1"],
    "privileged": True, "entitlements": ["network.host"], "platforms": ["linux/amd64", "linux/arm64"],
    "ulimits": {"nproc": 5, "nofile": {"soft": 1, "hard": 2}},
}  # fmt: skip
BOTH = [
    "--progress=plain", "--tag=name", "--file=/app/sub/Dockerfile", "--build-arg=A", "--build-arg=HOME=/root",
    "--label=a=1", "--label=b=2", "--secret=id=x,env=V", "--ssh=default", "--cache-from=one", "--add-host=six:::1",
    "--add-host=four:10.0.0.1", "--network=host", "--target=stage", "--no-cache", "--pull",
    "--platform=linux/amd64,linux/arm64",
]  # fmt: skip


def words(builder: Builder, build: dict[str, Any]) -> list[str]:
    environment = {"A": "value", "HOME": "/somebody"}
    return command(builder, "name", build, {"a": "1"}, environment=environment, secrets=("id=x,env=V",))


def test_the_words_of_a_client_with_buildkit_built_in() -> None:
    assert words(CLIENT, EVERYTHING) == ["docker", "build", *BOTH, "/app"]


def test_the_words_of_buildx() -> None:
    assert words(BUILDX, EVERYTHING) == [
        "docker", "buildx", "build", "--builder", "default", *BOTH, "--build-context=more=/more",
        "--allow=network.host", "--allow=security.insecure", "--cache-to=type=inline", "--no-cache-filter=x,y",
        "--provenance=mode=max", "--sbom=true", "--shm-size=1024", "--ulimit=nproc=5", "--ulimit=nofile=1:2", "/app",
    ]  # fmt: skip


def test_remote_contexts_and_dockerfiles_in_the_playbook() -> None:
    remote = words(BUILDX, {"context": "https://host.test/a.git#main:sub", "dockerfile": "other"})
    assert "--file=other" in remote
    assert remote[-1] == "https://host.test/a.git#main:sub"
    assert "--file=-" in words(BUILDX, {"context": "/app", "dockerfile_inline": "FROM scratch"})


def test_the_client_talks_to_the_same_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DOCKER_CONTEXT", "BUILDX_BUILDER", "DOCKER_TLS_VERIFY", "DOCKER_HOST"):
        monkeypatch.setenv(name, "another")
    local = client_environment(Endpoint("unix:///run/one.sock", "test"))
    assert local["DOCKER_HOST"] == "unix:///run/one.sock"
    assert not {"DOCKER_CONTEXT", "BUILDX_BUILDER", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"} & local.keys()


def test_the_client_gets_the_certificates(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("ca.pem", "cert.pem", "key.pem")]
    for file in files:
        file.touch()
    ca, *pair = map(str, files)
    tls = TLSConfig(client_cert=tuple(pair), ca_cert=ca, verify=True)
    found = client_environment(Endpoint("tcp://host:2376", "test", tls))
    assert (found["DOCKER_TLS_VERIFY"], found["DOCKER_CERT_PATH"]) == ("1", str(tmp_path))


@pytest.mark.parametrize(
    ("client", "found", "lacking"),
    [
        ("case $1 in buildx) echo github.com/docker/buildx v0.13.1 1;; *) echo Docker version 28.2.2, build 1;; esac",
         [("buildx", "0.13.1"), ("classic", "")], ""),
        ("[ $1 = buildx ] && exit 1; echo Docker version 20.10.24+dfsg1, build 1", [("client", "20.10.24"),
         ("classic", "")], "has no plugin buildx"),
        ("[ $1 = buildx ] && exit 1; echo Docker version 28.2.2, build 1", [("classic", "")], "has no plugin buildx"),
        ("[ $1 = buildx ] && echo buildah 1.33; echo podman version 4.9.3", [("classic", "")], "has no plugin buildx"),
        ("echo github.com/docker/buildx v0.7.1 1", [("classic", "")], "has no plugin buildx"),
        ("exit 1", [("classic", "")], "has no plugin buildx"),
    ],
)  # fmt: skip
def test_clients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, client: str, found: Any, lacking: str) -> None:
    (tmp_path / "docker").write_text(f"#!/bin/sh\n{client}\n")
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("DOCKER_BUILDKIT", raising=False)
    builders = find_builders(url="unix:///run/one.sock", platform="linux", builder_version="2")
    assert [(str(one.kind), one.version) for one in builders.available] == found
    assert lacking in builders.lacking


@pytest.mark.parametrize(
    ("variable", "url", "platform", "version"),
    [
        ("0", "unix:///x", "linux", "2"), ("", "unix:///x", "windows", ""), ("", "unix:///x", "linux", "1"),
        ("", "https://host", "linux", "2"),
    ],
)  # fmt: skip
def test_no_client_is_started_where_none_can_be_used(
    monkeypatch: pytest.MonkeyPatch, variable: str, url: str, platform: str, version: str
) -> None:
    monkeypatch.setenv("DOCKER_BUILDKIT", variable)
    builders = find_builders(url=url, platform=platform, builder_version=version)
    assert [one.kind for one in builders.available] == [BuilderKind.CLASSIC]
    assert builders.lacking


class TestDigest:
    @pytest.fixture
    def build(self, tmp_path: Path) -> Callable[[str], dict[str, Any]]:
        """Makes the folders of a build below a folder of this name."""

        def make(name: str) -> dict[str, Any]:
            for folder, file in (("app", "Dockerfile"), ("more", "file")):
                (tmp_path / name / folder).mkdir(parents=True)
                (tmp_path / name / folder / file).write_text("FROM scratch\n")
            return {
                "context": str(tmp_path / name / "app"), "ssh": [f"key={tmp_path / name}/key"],
                "additional_contexts": {"more": str(tmp_path / name / "more"), "base": "service:base"},
            }  # fmt: skip

        return make

    def test_the_place_does_not_count(self, build: Any) -> None:
        assert build_digest(build("one"), {"base": "1"}) == build_digest(build("two"), {"base": "1"})

    def test_everything_else_does(self, build: Any, tmp_path: Path) -> None:
        made = build("one")
        digests = {build_digest(made, {"base": "1"}), build_digest(made, {"base": "2"})}
        contexts = made["additional_contexts"]
        other = {**made, "additional_contexts": {"other": contexts["more"], "base": "service:base"}}
        digests.add(build_digest(other, {"base": "1"}))
        image = {**made, "additional_contexts": {**contexts, "base": "docker-image://busybox:1.36"}}
        digests.add(build_digest(image))
        digests.add(build_digest({**made, "ssh": ["default"]}, {"base": "1"}))
        (tmp_path / "one" / "more" / "file").write_text("another")
        digests.add(build_digest(made, {"base": "1"}))
        assert len(digests) == 6

    def test_what_a_further_context_ignores_does_not_count(self, build: Any, tmp_path: Path) -> None:
        made = build("one")
        (tmp_path / "one" / "more" / ".dockerignore").write_text("ignored\n")
        before = build_digest(made)
        (tmp_path / "one" / "more" / "ignored").write_text(os.devnull)
        assert build_digest(made) == before


class TestSecretFiles:
    """The files in which provision keeps secrets are in no build, whatever .dockerignore says."""

    SECRET = (
        ".env.local",
        ".env.prod.local",
        "deep/down/.env.local",
        ".provision/shop.key",
        ".env.local.tmp",
        "linked",
    )
    PLAIN = ("Dockerfile", ".env.local.example", "deep/local", "src/provision", "also [x]")

    @pytest.fixture
    def build(self, tmp_path: Path) -> dict[str, Any]:
        root, playbook = tmp_path / "app", tmp_path / "playbook"
        for name in (*self.SECRET[:-1], *self.PLAIN):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(name)
        playbook.mkdir()
        (playbook / ".env.local").write_text("A=b")
        (root / "linked").hardlink_to(playbook / ".env.local")
        (root / ".dockerignore").write_text("deep/down\n!**\n!.env.local\n!linked\n")
        return {"context": str(root), "playbook_folder": str(playbook)}

    def test_neither_in_the_digest_nor_in_the_archive(self, build: dict[str, Any], tmp_path: Path) -> None:
        before = build_digest(build)
        for name in (".env.local", ".provision/shop.key", ".env.new.local"):
            (tmp_path / "app" / name).write_text("another")
        assert build_digest(build) == before
        with open_context(build) as context, tarfile.open(fileobj=context.archive) as archive:
            names = set(archive.getnames())
        assert {".env.local.example", "deep/local", "src/provision", "also [x]"} <= names
        assert not names & {*self.SECRET, ".provision"}

    def test_a_client_that_reads_the_folder_gets_a_longer_ignore_file(self, build: dict[str, Any]) -> None:
        with without_secret_files(build) as changed:
            file = Path(changed["dockerfile"])
            assert (file.read_text(), changed["context"]) == ("Dockerfile", build["context"])
            lines = Path(f"{file}.dockerignore").read_text().splitlines()
            assert lines[:4] == ["deep/down", "!**", "!.env.local", "!linked"]
            assert {"**/.env.local", "**/.env.*.local", "**/.provision", "/linked"} <= set(lines[4:])
        assert not file.exists()

    def test_a_further_context_is_copied_without_them(self, build: dict[str, Any], tmp_path: Path) -> None:
        (tmp_path / "clean").mkdir()
        (tmp_path / "clean" / "Dockerfile").write_text("FROM scratch")
        further = {"all": build["context"], "image": "docker-image://busybox:1.36"}
        clean = {**build, "context": str(tmp_path / "clean"), "additional_contexts": further}
        with without_secret_files(clean) as changed:
            copy = Path(changed["additional_contexts"]["all"])
            found = {str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_file()}
            assert found >= {*self.PLAIN}
            assert not found & {*self.SECRET}
            assert changed["additional_contexts"]["image"] == "docker-image://busybox:1.36"

    def test_a_build_without_them_is_as_it_is(self, tmp_path: Path) -> None:
        (tmp_path / "Dockerfile").write_text("FROM scratch")
        build = {"context": str(tmp_path), "dockerfile": "Dockerfile"}
        with without_secret_files(build) as changed:
            assert changed is build
