"""Tell what is likely to be a secret from its name and form. Never keeps or prints a value."""

from __future__ import annotations

import re

_NAME = re.compile(
    r"(?:^|_)(?:PASSWORD|PASSWD|PASS|PASSPHRASE|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY|SECRET_?KEY"
    r"|SIGNING_?KEY|ENCRYPTION_?KEY|CREDENTIALS?|AUTH_?KEY)(?:_?[0-9])?\Z",
    re.IGNORECASE,
)
_SETTING = re.compile(r"(?:^|_)(?:ALLOW|EMPTY|ENABLE|REQUIRE|MIN|MAX|RANDOM)_", re.IGNORECASE)
_CREDENTIALS = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/:@]*:(?P<password>[^\s/@]+)@", re.IGNORECASE)
_NOT_SECRET = frozenset(("true", "false", "yes", "no", "on", "off", "none", "null"))

# What images and tutorials use until somebody changes it.
_WELL_KNOWN = frozenset(
    (
        "admin", "administrator", "password", "passw0rd", "pass", "secret", "root", "toor", "test", "guest", "user",
        "changeme", "change-me", "change_me", "changeit", "default", "example", "letmein", "qwerty", "postgres",
        "mysql", "redis", "mongo", "minioadmin", "grafana", "rabbitmq", "db", "app", "dev", "demo", "1234", "12345",
        "123456",
        "12345678", "your-secret-key", "your-secret-key-here", "yourpassword", "mysecretpassword",
        "supersecret", "supersecretkey", "replace-me", "todo", "xxx", "foobar", "p@ssw0rd",
    )
)  # fmt: skip


def is_secret(name: str, value: str) -> bool:
    """Whether a variable of this name and value is one that nobody should read."""
    if not value or value.startswith(("/run/secrets/", "/")):
        return False
    match = _CREDENTIALS.search(value)
    if match:
        return True
    return bool(_NAME.search(name)) and not _SETTING.search(name) and value.lower() not in _NOT_SECRET


def secrets_of(name: str, value: str) -> tuple[str, ...]:
    """The secret parts of a value: the passwords in its URLs, or all of it."""
    inside = tuple(match["password"] for match in _CREDENTIALS.finditer(value))
    return inside or ((value,) if is_secret(name, value) else ())


def is_well_known(password: str) -> bool:
    """Whether a password is one that everybody tries first."""
    return password.lower() in _WELL_KNOWN
