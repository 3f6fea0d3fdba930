"""The reader takes any text: it gives a document, or says what is wrong, and nothing else happens."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from provisioner.document import Document, Sources, canonical, read
from provisioner.document.attributes import rows
from provisioner.errors import PlaybookInvalid

if TYPE_CHECKING:
    from pathlib import Path

KEYS = sorted({part for row in rows() for part in row.path.split(".") if part not in ("", "*")})
WORDS = [
    "a",
    "b",
    "service:a",
    "./x:/y",
    "80:80",
    "1s",
    "10m",
    "true",
    "${A}",
    "${A:-b}",
    "${",
    "$$",
    "A=1",
    "x-y",
    "<<",
]

keys = st.sampled_from(KEYS) | st.text(max_size=4)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS) | st.text(max_size=8)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=20,
)
services = st.dictionaries(
    st.sampled_from("abc"), st.dictionaries(st.sampled_from(KEYS), values, max_size=5), max_size=3
)
calm = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def attempt(folder: Path, content: bytes) -> Document | PlaybookInvalid:
    file = folder / "any.yml"
    file.write_bytes(content)
    try:
        return read(Sources(files=(str(file),), environment={"HOME": "/home/somebody"}))
    except PlaybookInvalid as error:
        assert error.problems
        return error


@calm
@given(st.binary(max_size=200))
@example(b"\xff\xfea\x00")
@example(b"services: {a: &a {image: x, <<: *a}}")
@example(b"? ? ? ?")
@example(b"{{{{")
@example(b"&a [*a]")
@example(b"services: !!set {a}")
@example(b"%YAML 1.1\n---\na: b")
@example(b"a: !<tag:yaml.org,2002:python/name:os.system> b")
def test_any_bytes(tmp_path: Path, content: bytes) -> None:
    attempt(tmp_path, content)


@calm
@given(st.text(max_size=200))
def test_any_text(tmp_path: Path, content: str) -> None:
    attempt(tmp_path, content.encode("utf-8", "surrogatepass"))


@calm
@given(st.text(alphabet="services:abc \n-{}[]&*!|>'\"#%@$<=,?0123", max_size=120))
def test_text_that_looks_like_yaml(tmp_path: Path, content: str) -> None:
    attempt(tmp_path, content.encode())


@calm
@given(st.dictionaries(st.sampled_from(KEYS), values, max_size=5) | services.map(lambda found: {"services": found}))
def test_any_tree_of_known_keys(tmp_path: Path, value: object) -> None:
    content = yaml.safe_dump(value, allow_unicode=True)
    found = attempt(tmp_path, content.encode("utf-8", "surrogatepass"))
    if isinstance(found, Document):
        printed = json.dumps(canonical(found))
        again = attempt(tmp_path, printed.encode())
        assert isinstance(again, Document), again
        assert canonical(again) == canonical(found)


@pytest.mark.parametrize("separator", ["", "\r\n", "\n\n"])
def test_a_file_may_begin_with_a_byte_order_mark_and_have_windows_lines(tmp_path: Path, separator: str) -> None:
    content = ("\ufeffservices:" + (separator or "\n") + "  a: {image: x}" + separator).encode()
    found = attempt(tmp_path, content)
    assert isinstance(found, Document)
    assert found.root.get("services", "a", "image") is not None
