"""What an `aws:` reference says: `ID`, then `?stage=NAME` or `?version=ID`, then `#` and a JSON key.

Neither `?` nor `#` can stand in the name of an AWS secret, so every id and ARN is read without escapes.
"""

from __future__ import annotations

import re

from provisioner.model.dataclass import dataclass

_REFERENCE = re.compile(
    r"(?P<id>[A-Za-z0-9/_+=.@:-]+)(?:\?(?:stage=(?P<stage>[^?#=]+)|version=(?P<version>[A-Za-z0-9_-]+)))?(?:#(?P<key>.+))?"
)
_ARN = re.compile(r"arn:[a-z-]+:secretsmanager:(?P<region>[a-z0-9-]+):\d{12}:secret:.+")
# AWS appends such a suffix to every ARN, and then takes a name that ends like one for a part of an ARN.
_SUFFIX = re.compile(r".+-[A-Za-z0-9]{6}")

CURRENT = "AWSCURRENT"


@dataclass(frozen=True, slots=True)
class AwsReference:
    """One secret, one of its versions (the current one unless said), and one key of its JSON (all of it when None)."""

    id: str
    stage: str | None = None
    version: str | None = None
    key: str | None = None

    @property
    def is_current(self) -> bool:
        return self.version is None and self.stage in (None, CURRENT)

    @property
    def region(self) -> str | None:
        """The region that an ARN names."""
        arn = _ARN.fullmatch(self.id)
        return arn["region"] if arn else None

    @property
    def is_ambiguous(self) -> bool:
        """Whether AWS may take the name for a part of another secret's ARN."""
        return not self.id.startswith("arn:") and _SUFFIX.fullmatch(self.id) is not None

    def tag(self, version: str) -> str:
        """A version of this very reference: another key of the same secret's version is another value."""
        return f"{version}#{self.key}" if self.key else version


def parse(text: str) -> AwsReference | None:
    """Read a reference; None when it is not one."""
    match = _REFERENCE.fullmatch(text)
    if match is None or (match["id"].startswith("arn:") and not _ARN.fullmatch(match["id"])):
        return None
    return AwsReference(match["id"], match["stage"], match["version"], match["key"])
