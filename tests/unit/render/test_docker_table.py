"""Tables, sizes and templates as Docker's own commands write them."""

from __future__ import annotations

import pytest

from provisioner.errors import UsageError
from provisioner.render.docker_table import binary_size, decimal_size, docker_table, formatted

ROWS = [{"Name": "web-1", "PIDs": "3", "List": [1]}, {"Name": "db", "PIDs": "12", "List": []}]
TITLES = {"Name": "NAME", "PIDs": "PIDS", "List": "LIST"}


def test_columns_stand_three_spaces_apart() -> None:
    assert docker_table(["A", "LONG"], [["xyz", "1"]]) == "A     LONG\nxyz   1\n"


@pytest.mark.parametrize(
    ("width", "text"),
    [
        (0, "NAME                 BY     FOLDER\nshop-of-the-corner   root   /srv/shop\n"),
        (37, "NAME                 BY     FOLDER\nshop-of-the-corner   root   /srv/shop\n"),
        (36, "NAME                 FOLDER\nshop-of-the-corner   /srv/shop\n"),
        (29, "NAME                FOLDER\nshop-of-the-corn…   /srv/shop\n"),
        (5, "NAME       FOLDER\nshop-of…   /srv/sh…\n"),
    ],
)
def test_a_narrow_terminal_has_fewer_columns_and_shorter_cells(width: int, text: str) -> None:
    rows = [["shop-of-the-corner", "root", "/srv/shop"]]
    assert docker_table(["NAME", "BY", "FOLDER"], rows, width=width, spare=("BY",)) == text


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("json", '{"Name":"web-1","PIDs":"3","List":[1]}\n{"Name":"db","PIDs":"12","List":[]}\n'),
        ("{{.Name}}:{{ .PIDs }}", "web-1:3\ndb:12\n"),
        ("{{json .List}}", "[1]\n[]\n"),
        ("table {{.Name}}\\t{{.PIDs}}", "NAME    PIDS\nweb-1   3\ndb      12\n"),
    ],
)
def test_forms(form: str, text: str) -> None:
    assert formatted(form, TITLES, ROWS) == text


@pytest.mark.parametrize("form", ["{{.Nope}}", "{{range .List}}", "{{.}}"])
def test_what_is_not_understood_is_said(form: str) -> None:
    with pytest.raises(UsageError, match="is not understood"):
        formatted(form, TITLES, ROWS)


@pytest.mark.parametrize(("count", "text"), [(0, "0B"), (442368, "432KiB"), (1.5 * 2**30, "1.5GiB")])
def test_memory(count: float, text: str) -> None:
    assert binary_size(count) == text


@pytest.mark.parametrize(("count", "text"), [(0, "0B"), (1046, "1.05kB"), (4423680, "4.42MB"), (999, "999B")])
def test_traffic(count: float, text: str) -> None:
    assert decimal_size(count) == text


@pytest.mark.parametrize(
    ("form", "open_"), [("{{.Name", "{{.Name"), ("a {{.Name}} {{", "{{"), ("table {{.Name}", "{{.Name}")]
)
def test_a_template_that_is_not_closed_is_refused_also_where_nothing_is_shown(form: str, open_: str) -> None:
    for rows in (ROWS, []):
        with pytest.raises(UsageError, match="is not closed") as raised:
            formatted(form, TITLES, rows)
        assert f"'{open_}'" in raised.value.message
