from __future__ import annotations

import pytest

from provisioner.lint.dockerfile import missing_stage, parse

STAGES = """# escape=`
ARG VERSION=3.12
FROM --platform=linux/amd64 python:${VERSION} AS base
RUN apt-get install `
    # a comment in between
    curl
USER app
HEALTHCHECK --interval=5s CMD curl -f http://localhost/

FROM node:22 AS assets
RUN <<SCRIPT
USER nobody
FROM nothing
SCRIPT

FROM base AS production
COPY --from=assets /dist /dist

FROM base AS development
USER root
HEALTHCHECK NONE
"""


def test_the_last_stage_is_built():
    found = parse(STAGES, "Dockerfile")
    assert (found.user, found.health) == ("root", False)
    assert found.bases == (("python:${VERSION}", 3),)


def test_a_target_inherits_from_the_stages_it_stands_on():
    found = parse(STAGES, "Dockerfile", "production")
    assert (found.user, found.health) == ("app", True)
    assert found.bases == (("python:${VERSION}", 3), ("node:22", 10))
    assert "curl" in found.runs


def test_a_heredoc_is_no_instruction():
    assert parse(STAGES, "Dockerfile", "assets").user == ""


def test_nothing_to_build():
    assert parse("", "Dockerfile") is None
    assert parse("FROM a:1 AS one", "Dockerfile", "two") is None


def test_a_stage_stands_on_an_earlier_one_or_on_an_image():
    """A later stage, or the stage itself, is none that it could stand on."""
    assert parse("FROM two AS one\nFROM one AS two", "Dockerfile").bases == (("two", 1),)
    assert parse("FROM alpine AS alpine", "Dockerfile").bases == (("alpine", 1),)


def test_a_circle_of_stages_ends():
    text = "FROM a:1 AS one\nCOPY --from=two / /\nFROM one AS two\nCOPY --from=one / /"
    assert parse(text, "Dockerfile").bases == (("a:1", 1),)


@pytest.mark.parametrize(
    ("text", "arguments", "base"),
    [
        ("ARG BASE=a:1\nFROM $BASE", {}, "a:1"),
        ("ARG BASE=a:1\nFROM $BASE", {"BASE": "b:2"}, "b:2"),
        ("ARG BASE\nFROM ${BASE:-a:1}", {}, "a:1"),
        ("ARG BASE\nFROM ${BASE:-a:1}", {"BASE": ""}, "a:1"),
        ("ARG BASE\nFROM x${BASE-a:1}", {"BASE": ""}, "x"),
        ("FROM ${BASE:-a:1}", {"BASE": "not declared"}, "a:1"),
        ("ARG DEBUG\nFROM a:1${DEBUG:+-debug}", {"DEBUG": "1"}, "a:1-debug"),
        ("ARG DEBUG\nFROM a:1${DEBUG:+-debug}", {}, "a:1"),
        ('ARG V=3 IMAGE="a:${V}"\nFROM ${IMAGE}', {"V": "4"}, "a:4"),
        ("ARG A\nARG B=b:2\nFROM ${A:-${B:-c:3}}", {}, "b:2"),
        ('ARG NAME=\'a\' V="1"\nFROM "$NAME":"$V"', {}, "a:1"),
        ("ARG V=1\nFROM --platform=$BUILDPLATFORM a:$V AS x", {}, "a:1"),
        ("FROM a:$TARGETARCH", {}, "a:arm64"),
        ("ARG V=1.2\nFROM one:1 AS image-1\nARG V=9\nFROM two:$V", {}, "two:1.2"),
        # What is not known here, and what no builder would take, stays as it is written.
        ("ARG V=1.2\nFROM a:${V%.*}", {}, "a:${V%.*}"),
        ("ARG V\nFROM a:${V:?which}", {}, "a:${V:?which}"),
        ("FROM ${V", {}, "${V"),
    ],
)
def test_arguments_are_put_into_the_names_of_images(text: str, arguments: dict[str, str], base: str):
    found = parse(text, "Dockerfile", "", arguments, {"TARGETARCH": "arm64"})
    assert [name for name, _ in found.bases] == [base]


def test_an_argument_chooses_the_stage_that_is_built_upon():
    text = "ARG KIND=slim\nFROM a:1 AS base-slim\nFROM b:1 AS base-full\nFROM base-${KIND}"
    assert parse(text, "Dockerfile", "", {}).bases == (("a:1", 2),)
    assert parse(text, "Dockerfile", "", {"KIND": "full"}).bases == (("b:1", 3),)


@pytest.mark.parametrize(
    ("instruction", "copied"),
    [
        ("COPY --from=tools:1 /a /b", ("tools:1",)),
        ("COPY --chown=1:1 --from=tools:1 --link /a /b", ("tools:1",)),
        ("RUN --mount=type=bind,from=tools:1,target=/t cp /t/a /b", ("tools:1",)),
        ('RUN --mount="from=tools:1,target=/t" --mount=from=more:1,target=/m true', ("tools:1", "more:1")),
        ("COPY --from=stage /a /b", ()),
        ("COPY --from=0 /a /b", ()),
        # An option of the command is none of the instruction.
        ("RUN fetch --from=mirror --mount=from=x", ()),
        ("COPY /a /--from=x", ()),
    ],
)
def test_images_of_which_files_are_taken(instruction: str, copied: tuple[str, ...]):
    assert parse(f"FROM a:1 AS stage\nFROM b:1\n{instruction}", "Dockerfile").copied == copied


def test_images_of_which_an_unused_stage_takes_files_do_not_count():
    text = "FROM a:1 AS other\nCOPY --from=tools:1 / /\nFROM b:1"
    assert parse(text, "Dockerfile").copied == ()


@pytest.mark.parametrize(
    ("text", "target", "why"),
    [
        (STAGES, "", ""),
        (STAGES, "Production", ""),
        (STAGES, "1", ""),
        (STAGES, "9", "it has no stage '9', only base, assets, production, development"),
        (STAGES, "prod", "it has no stage 'prod'"),
        ("FROM a\n", "x", "it has no stage 'x', and none of its stages a name"),
        ("RUN true\n", "", "it has no FROM"),
        ("# FROM a\n", "x", "it has no FROM"),
        ("", "x", ""),
        ("# syntax=example.com/other:1\nimage: a\n", "x", ""),
        ("# syntax = docker/dockerfile:1\nRUN true\n", "", "it has no FROM"),
    ],
)
def test_there_is_nothing_to_build(text: str, target: str, why: str) -> None:
    said = missing_stage(text, target)
    assert said.startswith(why) and bool(said) == bool(why)
