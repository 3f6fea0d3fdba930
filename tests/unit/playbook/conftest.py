"""Canonical documents written as plain data: every key gets a line of its own, in the order in which it is written."""

from __future__ import annotations

from itertools import count

import pytest
import yaml

from provisioner.document import Sources, read
from provisioner.errors import PlaybookInvalid
from provisioner.model.node import Node
from provisioner.model.span import Span
from provisioner.playbook.bind import bind
from provisioner.playbook.crossref import contradictions, mode_of


def node(value, lines=None):
    """`value` as nodes; positions count keys and list items."""
    lines = lines or count(1)
    span = Span("playbook.yml", next(lines), 1)
    if isinstance(value, dict):
        spans, items = {}, {}
        for key, item in value.items():
            items[key] = node(item, lines)
            spans[key] = items[key].span
        return Node(items, span, key_spans=spans)
    if isinstance(value, list):
        return Node(tuple(node(item, lines) for item in value), span)
    return Node(value, span, text=None if value is None else str(value))


class Document:
    """What `bind` reads of the document layer's result."""

    project = "shop-prod"
    name = "shop"
    environment = "prod"
    directory = "/srv/shop"
    files = ("playbook.yml",)
    documents = ("playbook.yml",)

    unused = ()
    undeployed = ()
    unset = ()
    variables = ()

    def __init__(self, root, profiles=(), inactive=()):
        self.root = node(root)
        self.profiles = frozenset(profiles)
        self.inactive = frozenset(inactive)


@pytest.fixture
def bound():
    return lambda profiles=(), inactive=(), **root: bind(Document(root, profiles, inactive))


@pytest.fixture
def written(tmp_path):
    """Binds a playbook that is written to a file and read by the document layer."""
    file = tmp_path / "shop.yml"

    def bind_file(**root):
        file.write_text(yaml.safe_dump(root, sort_keys=False, width=1000))
        return bind(read(Sources((str(file),), str(tmp_path))))

    return bind_file


@pytest.fixture
def refused(written):
    """What is wrong with a playbook as it is written, one line each."""

    def find(**root):
        with pytest.raises(PlaybookInvalid) as refusal:
            written(**root)
        return [f"{problem.path}: {problem.message}" for problem in refusal.value.problems]

    return find


@pytest.fixture
def problems():
    """What is wrong with a document, one line each."""

    def find(**root):
        try:
            playbook = bind(Document(root))
            found = contradictions(playbook, mode_of(playbook))
        except PlaybookInvalid as invalid:
            found = invalid.problems
        assert found
        return [f"{problem.path}: {problem.message}" for problem in found]

    return find
