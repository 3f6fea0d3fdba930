"""Which builder a build gets, and what is said of a key that it can not do."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.document.attributes import rows
from provisioner.kinds.builders import DEMANDS, asks, choose, needs_buildkit
from provisioner.model.builder import CLASSIC, Builder, BuilderKind, Builders
from provisioner.model.state import Facts

BUILDX = Builder(BuilderKind.BUILDX, "/usr/bin/docker", "0.29.1")
CLIENT = Builder(BuilderKind.CLIENT, "/usr/bin/docker", "20.10.24")
EVERYTHING = Builders((BUILDX, CLIENT, CLASSIC))
NOTHING = Builders(lacking="Docker's client is not installed")
CURRENT = Facts(api_version=(1, 51), engine_version="28.5.2")
STORE = Facts(api_version=(1, 51), engine_version="28.5.2", containerd_store=True)
OLD = Facts(api_version=(1, 41), engine_version="20.10.24")

CONTEXTS = {"additional_contexts": {"base": "docker-image://busybox"}}


def test_demands_are_of_keys_that_are() -> None:
    paths = {row.path for row in rows()}
    assert [demand.key for demand in DEMANDS if f"services.*.build.{demand.key}" not in paths] == []


@pytest.mark.parametrize(
    ("build", "facts", "kind"),
    [
        ({}, CURRENT, BuilderKind.BUILDX),
        ({"secrets": [{"source": "a"}]}, OLD, BuilderKind.BUILDX),
        (CONTEXTS, CURRENT, BuilderKind.BUILDX),
        # What only the classic builder does, or does on that engine.
        ({"network": "own"}, CURRENT, BuilderKind.CLASSIC),
        ({"network": "host"}, CURRENT, BuilderKind.BUILDX),
        ({"shm_size": "1024"}, OLD, BuilderKind.CLASSIC),
        ({"shm_size": "1024"}, CURRENT, BuilderKind.BUILDX),
        ({"platforms": ["linux/amd64", "linux/arm64"]}, STORE, BuilderKind.BUILDX),
        ({"platforms": ["linux/arm64"]}, OLD, BuilderKind.BUILDX),
        ({"context": "ssh://git@host.test/a.git"}, OLD, BuilderKind.BUILDX),
    ],
)
def test_chosen(build: dict[str, Any], facts: Facts, kind: BuilderKind) -> None:
    choice = choose(build, "", EVERYTHING, facts)
    assert (choice.builder.kind, choice.refused, choice.lost) == (kind, (), ())


@pytest.mark.parametrize(
    ("build", "builders", "facts", "text"),
    [
        ({"secrets": [{"source": "a"}]}, NOTHING, CURRENT, "needs BuildKit, and Docker's client is not installed"),
        ({"ssh": ["default"]}, NOTHING, CURRENT, "needs BuildKit, and"),
        ({"context": "ssh://git@host.test/a.git"}, NOTHING, CURRENT, "needs BuildKit, and"),
        (
            {"context": "https://host.test/a.git", "dockerfile_inline": "FROM scratch"},
            NOTHING,
            CURRENT,
            "a Dockerfile that is not in the remote context needs BuildKit through docker buildx",
        ),
        (CONTEXTS, Builders((CLIENT, CLASSIC)), CURRENT, "needs BuildKit through docker buildx"),
        (CONTEXTS, EVERYTHING, OLD, "needs Docker Engine 23.0, and this engine is 20.10.24"),
        ({"privileged": True}, NOTHING, CURRENT, "needs BuildKit through docker buildx"),
        ({"entitlements": ["network.host"]}, NOTHING, CURRENT, "needs BuildKit through docker buildx"),
        ({"platforms": ["linux/amd64", "linux/arm64"]}, EVERYTHING, CURRENT, "needs the containerd image store"),
        ({"network": "own", "secrets": [{"source": "a"}]}, EVERYTHING, CURRENT, "needs the engine's classic builder"),
    ],
)
def test_refused(build: dict[str, Any], builders: Builders, facts: Facts, text: str) -> None:
    (lack,) = choose(build, "", builders, facts).refused
    assert lack.key in build
    assert text in lack.text
    assert lack.hint


@pytest.mark.parametrize("key", ["cache_to", "no_cache_filter", "provenance", "sbom", "ulimits", "cache_from"])
def test_lost(key: str) -> None:
    values: dict[str, Any] = {"provenance": "mode=max", "sbom": True, "ulimits": {"nofile": 1}}
    build = {key: values.get(key, ["type=local,dest=x"])}
    choice = choose(build, "", NOTHING, STORE)
    assert (choice.builder, choice.refused, [lack.key for lack in choice.lost]) == (CLASSIC, (), [key])
    assert choose(build, "", EVERYTHING, STORE).lost == ()


def test_what_asks_for_no_builder_looks_for_none() -> None:
    assert not asks({"context": "https://host.test/a.git#main"}, "")
    plain = {"context": "/app", "args": {"A": "1"}, "target": "t", "provenance": False, "network": "host", "ssh": []}
    assert not asks(plain, "FROM scratch\n")
    assert asks(plain, "FROM scratch\nRUN --mount=type=cache,target=/c true\n")
    assert asks({**plain, "provenance": True}, "")


@pytest.mark.parametrize(
    ("dockerfile", "line"),
    [
        ("FROM a\nrun --mount=type=cache,target=/c true", "run --mount=type=cache,target=/c true"),
        ("FROM a\nCOPY --from=b --link x y", "COPY --from=b --link x y"),
        ("FROM a\nRUN <<EOF\necho\nEOF\n", "RUN <<EOF"),
        ("FROM a\nCOPY <<-'END' /x\nsome\nEND\n", "COPY <<-'END' /x"),
        ("# syntax=docker/dockerfile:1\nFROM a\nCOPY --from=b --chown=1 x y\n", ""),
        ("FROM a\nRUN echo $((1 << two)) <<<word\n", ""),
        ("FROM a\nRUN cat <<EOF\n", ""),
    ],
)
def test_dockerfiles_that_need_buildkit(dockerfile: str, line: str) -> None:
    assert needs_buildkit(dockerfile) == line
