"""Every exit code, every lint rule and every key of the language can be asked for, and what is none is answered."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner import errors
from provisioner.app.explain import explain, topics
from provisioner.document.attributes import rows
from provisioner.errors import ProvisionError, UsageError
from provisioner.render.exit_codes import EXIT_CODES, exit_code_table

DOCS = Path(__file__).parents[3] / "docs"


def test_the_page_has_the_table_that_is_explained() -> None:
    assert exit_code_table() in (DOCS / "exit-codes.md").read_text()


def test_every_exit_code_of_an_error_is_explained() -> None:
    codes = {kind.exit_code for kind in vars(errors).values()
             if isinstance(kind, type) and issubclass(kind, ProvisionError)}  # fmt: skip
    assert codes <= EXIT_CODES.keys()


def test_every_word_that_a_shell_completes_is_explained() -> None:
    for word, _ in topics():
        assert explain(word)[0].text, word


def test_every_key_is_found_by_its_own_path() -> None:
    for row in rows():
        if row.path:
            topic = explain(row.path.replace("*", "NAME"))[0]
            assert topic.kind == "key"


@pytest.mark.parametrize(
    ("word", "names"),
    [
        ("deploy.replicas", ["services.NAME.deploy.replicas"]),
        ("services.web.ports", ["services.NAME.ports"]),
        ("services.web.ports[0].target", ["services.NAME.ports[].target"]),
        ("tmpfs", ["services.NAME.tmpfs", "services.NAME.volumes[].tmpfs"]),
        ("p101", ["P101"]),
        ("76", ["76"]),
    ],
)
def test_what_a_word_means(word: str, names: list[str]) -> None:
    assert [topic.name for topic in explain(word)] == names


def test_why_a_swarm_has_it_not_is_said() -> None:
    [topic] = explain("services.web.privileged")
    assert dict(topic.facts)["Swarm"].startswith("refused: name the capabilities")


@pytest.mark.parametrize(
    ("word", "hint"),
    [("99", "it ends with 0, 1"), ("P999", "P9"), ("replica", "replicas"), ("", "provision explain 76")],
)
def test_what_is_no_topic_is_answered(word: str, hint: str) -> None:
    with pytest.raises(UsageError) as refused:
        explain(word)
    assert hint in str(refused.value.hint)


@given(st.text(max_size=30))
def test_no_word_is_a_defect(word: str) -> None:
    with contextlib.suppress(UsageError):
        assert explain(word)


@pytest.mark.parametrize(
    ("word", "first"),
    [
        ("environment", ["environment", "services.NAME.environment"]),
        ("volumes", ["volumes", "services.NAME.volumes"]),
        ("ports", ["services.NAME.ports"]),
    ],
)
def test_a_word_alone_is_told_wherever_it_is_a_key(word: str, first: list[str]) -> None:
    assert [topic.name for topic in explain(word)][: len(first)] == first
