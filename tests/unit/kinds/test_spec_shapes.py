"""The shapes of specs have the fields of the tables, and no others."""

from __future__ import annotations

from typing import get_args, get_type_hints

import pytest

from provisioner.kinds.tables import FIELDS_OF
from provisioner.model import specs

SHAPES = {
    "container": specs.ContainerSpec,
    "service": specs.ServiceSpec,
    "network": specs.NetworkSpec,
    "volume": specs.VolumeSpec,
    "image": specs.ImageSpec,
    "config": specs.FileSpec,
    "secret": specs.FileSpec,
}


@pytest.mark.parametrize("kind", SHAPES)
def test_a_shape_has_the_fields_of_its_kind(kind: str) -> None:
    assert set(get_type_hints(SHAPES[kind])) == {field.key for field in FIELDS_OF[kind]}


def test_every_kind_has_a_shape() -> None:
    assert FIELDS_OF.keys() - {"carried"} == SHAPES.keys()


@pytest.mark.parametrize("kind", SHAPES)
def test_a_shape_says_which_fields_may_be_none(kind: str) -> None:
    hints = get_type_hints(SHAPES[kind])
    optional = {field.key for field in FIELDS_OF[kind] if field.default is None} - {"image"}
    assert optional == {key for key, shape in hints.items() if type(None) in get_args(shape)}
