"""services.*.environment, env_file, labels, label_file and annotations: names and their texts."""

from __future__ import annotations

from dataclasses import replace

from provisioner.document.attributes.shapes import (
    AS_TEXT,
    EXPLICIT_FLAG,
    FREE,
    LIST,
    STRUCT,
    TEXT,
    field,
    labels,
    null_is_text,
    one_of,
    pairs,
    text_key,
    to_list,
)
from provisioner.document.quantities import to_text
from provisioner.document.shape import (
    BOOLEAN,
    INTEGER,
    MAPPING,
    NULL,
    NUMBER,
    SEQUENCE,
    STRING,
    Place,
    Row,
    Shape,
    mapping,
    sequence,
)
from provisioner.model.node import Node

VALUE = Shape(
    (STRING, INTEGER, NUMBER, BOOLEAN, NULL, MAPPING),
    "text, a number, true, false, nothing, or {secret: NAME}",
    to_text,
    required=("secret",),
    keep=True,
)
OPTIONAL_VALUE = replace(
    VALUE, kinds=(STRING, INTEGER, NUMBER, BOOLEAN, NULL), required=(),
    expected="text, a number, true, false or nothing",
)  # fmt: skip


def _files(node: Node, _place: Place) -> Node | None:
    """Paths, alone or in a list, as a list of mappings."""
    items = node.items if node.is_sequence else (Node(node.value, node.span, node.text),)
    return sequence(
        [mapping({"path": item}, Node({}, item.span)) if isinstance(item.value, str) else item for item in items], node
    )


def _variables(node: Node, place: Place) -> Node | None:
    """A list of NAME=value as a mapping; a space before '=' would belong to the name."""
    for index, item in enumerate(node.items):
        name, equals, _ = item.value.partition("=") if isinstance(item.value, str) else ("", "", "")
        if equals and name != name.rstrip():
            where = Place((*place.path, str(index)), place.directory, place.home, place.findings)
            where.wrong(f"a space after the name '{name.rstrip()}'", item.span, "write NAME=value")
    return pairs(node, place)


def _path(node: Node) -> str:
    return field(node, "path")


ROWS = (
    Row("services.*.environment", replace(FREE, keys=r"[^=\n]+"), "Environment variables.", _variables, (SEQUENCE,)),
    Row("services.*.environment.*", VALUE),
    Row("services.*.environment.*.secret", TEXT, "The secret whose value it takes.", own=True),
    Row("services.*.env_file", LIST, "Files of environment variables.", _files, (STRING, SEQUENCE), unique=_path),
    Row("services.*.env_file.*", replace(STRUCT, expected="a path, or a mapping", required=("path",))),
    Row("services.*.env_file.*.path", TEXT, location=True),
    Row("services.*.env_file.*.required", EXPLICIT_FLAG, "Fail when it is missing.", default=True),
    Row("services.*.env_file.*.format", one_of("raw"), "'raw' takes lines as they are."),
    Row("services.*.labels", FREE, "Labels of the containers.", labels, (SEQUENCE,)),
    Row("services.*.labels.*", replace(AS_TEXT, keep=True), expand=null_is_text, short=(NULL,)),
    Row("services.*.label_file", LIST, "Files of labels.", to_list, (STRING,), unique=text_key),
    Row("services.*.label_file.*", TEXT, location=True),
    Row("services.*.annotations", FREE, "Annotations of the containers.", labels, (SEQUENCE,)),
    Row("services.*.annotations.*", replace(AS_TEXT, keep=True), expand=null_is_text, short=(NULL,)),
)
