"""When an image that is there is looked up in its registry again: `pull_policy` and `pull_refresh_after`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from provisioner.document.quantities import nanoseconds
from provisioner.kinds.values import moment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.model.edges import EngineJson

_PERIODS = {"always": "0", "daily": "1d", "weekly": "1w"}
_EVERY = "every_"


def greatest_age(body: Mapping[str, Any]) -> timedelta | None:
    """How old a service's image may be before its registry is asked; None where it is not asked at all."""
    policy = str(body.get("pull_policy") or "missing")
    if policy == "refresh":
        period = str(body.get("pull_refresh_after") or "0")
    elif policy.startswith(_EVERY):
        period = policy.removeprefix(_EVERY)
    elif policy in _PERIODS:
        period = _PERIODS[policy]
    else:
        return None
    return timedelta(microseconds=nanoseconds(period) / 1000)


def is_due(image: EngineJson | None, age: timedelta, now: datetime) -> bool:
    """Whether an image (its inspection, None when it is not there) was last pulled or tagged longer ago than `age`.

    One whose time is not known is due. What is not there is pulled anyway.
    """
    if image is None:
        return False
    # Engines write the year 1 where they do not know.
    pulled = moment((image.get("Metadata") or {}).get("LastTagTime"))
    return pulled is None or now - pulled >= age
