"""The tests. `tests/engine_fixtures.py` has what tests on a real engine share."""
