"""What all tests share."""

pytest_plugins = ["tests.engine_fixtures"]
