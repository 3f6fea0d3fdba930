from __future__ import annotations

from provisioner.lint.dockerfile import parse

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


def test_a_circle_of_stages_ends():
    assert parse("FROM two AS one\nFROM one AS two", "Dockerfile").bases == ()
