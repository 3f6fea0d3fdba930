"""What is kept of what somebody wants: since the first time, until what ends it."""

from __future__ import annotations

from provisioner.ledger.intentions import Intention, Intentions, parse_intentions

FIRST, LATER = (
    Intention("2026-01-31T18:04:00+00:00", "ann@box, provisioner 1"),
    Intention("2026-02-01T08:00:00+00:00", "b"),
)


def test_who_stopped_a_service_first_is_kept() -> None:
    found = Intentions().with_stopped(["web"], FIRST).with_stopped(["web", "db"], LATER)
    assert found.stopped == {"web": FIRST, "db": LATER}
    assert found.without_stopped(["web"]).stopped == {"db": LATER}
    assert str(FIRST) == "on purpose (since 2026-01-31 18:04 UTC, by ann@box)"


def test_the_number_of_the_file_is_no_intention() -> None:
    three = Intention("t", "b", replicas=3, declared=1)
    found = Intentions().with_scaled({"web": three})
    assert found.scaled == {"web": three}
    assert found.with_scaled({"web": Intention("t", "b", replicas=1, declared=1)}).scaled == {}


def test_a_torn_record_is_none() -> None:
    for text in (b"", b"{", b"[]", b'{"number": 1}', b'{"number": 1, "stopped": {"a": {"x": 1}}, "scaled": {}}'):
        assert parse_intentions(text) is None
