from __future__ import annotations

import pytest

from provisioner.verify.json_subset import difference

ANSWER = {
    "database": "ok",
    "data": [{"name": "a", "n": 1}, {"name": "b"}],
    "a.b": True,
    "none": None,
    "deep": {"x": {"y": 2}},
}


@pytest.mark.parametrize(
    "expected",
    [
        {"database": "ok"},
        {"data.0.name": "a"},
        {"data": [{"n": 1}, {}]},
        {"data": {"1": {"name": "b"}}},
        {"a.b": True},
        {"none": None},
        {"deep.x.y": 2},
        {"deep": {"x.y": 2.0}},
        {},
    ],
)
def test_what_is_held(expected):
    assert difference(expected, ANSWER) is None


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        ({"database": "down"}, 'json database is "ok", expected "down"'),
        ({"data.2.name": "a"}, "json has no data.2.name"),
        ({"data": [{}]}, "json data has 2 items, expected 1"),
        ({"data.0.n": True}, "json data.0.n is 1, expected true"),
        ({"data.0.n": "1"}, 'json data.0.n is 1, expected "1"'),
        ({"absent": None}, "json has no absent"),
        ({"database": {"x": 1}}, 'json database is "ok", expected {"x": 1}'),
        ({"data": [{}, {"name": "c"}]}, 'json data.1.name is "b", expected "c"'),
        ([], 'json document is {"database": "ok"'),
    ],
)
def test_what_is_not_held(expected, message):
    assert difference(expected, ANSWER).startswith(message)
