"""Habits through the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi.testclient import TestClient


def test_the_database_is_that_of_the_tests(api: TestClient) -> None:
    answer = api.get("/health")
    assert answer.status_code == 200
    assert answer.json()["environment"] == "testing"


def test_a_habit_is_added_and_listed_once(api: TestClient, name: str) -> None:
    added = api.post("/habits/", json={"name": name})
    assert added.status_code == 201
    assert [habit["name"] for habit in api.get("/habits/").json()].count(name) == 1
    assert api.post("/habits/", json={"name": name}).status_code == 409


def test_each_completion_counts(api: TestClient, name: str) -> None:
    habit = api.post("/habits/", json={"name": name}).json()["id"]
    for _ in range(2):
        assert api.post(f"/habits/{habit}/complete").status_code == 204
    (found,) = (each for each in api.get("/habits/").json() if each["id"] == habit)
    assert found["completions"] == 2
    assert api.delete(f"/habits/{habit}").status_code == 204
    assert api.delete(f"/habits/{habit}").status_code == 404


def test_what_is_no_habit_is_refused(api: TestClient) -> None:
    assert api.post("/habits/", json={"name": ""}).status_code == 422
    assert api.post("/habits/0/complete").status_code == 404
