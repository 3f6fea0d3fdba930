"""What a usage event is, and what it looks like in the queue."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_LATEST = timedelta(minutes=5)


class UsageEvent(BaseModel):
    """Somebody used so much of something at some time. The sender's `event_id` makes sending it again harmless."""

    model_config = ConfigDict(extra="forbid")

    event_id: uuid.UUID | None = None
    customer: Name
    metric: Name
    quantity: Annotated[float, Field(ge=0, le=1e15, allow_inf_nan=False)]
    occurred_at: AwareDatetime
    properties: Annotated[dict[Name, Annotated[str, Field(max_length=256)]], Field(max_length=16)] = {}

    @field_validator("occurred_at")
    @classmethod
    def _is_plausible(cls, moment: datetime) -> datetime:
        if moment < _EARLIEST:
            raise ValueError("lies before 1990")
        if moment > datetime.now(UTC) + _LATEST:
            raise ValueError("lies in the future")
        return moment


def identified(event: UsageEvent, request_id: str, position: int) -> uuid.UUID:
    """The event's own id; else one that is the same when the balancer sends the same request a second time."""
    if event.event_id is not None:
        return event.event_id
    return uuid.uuid5(uuid.NAMESPACE_OID, f"{request_id}/{position}") if request_id else uuid.uuid4()


def entry(event: UsageEvent, event_id: uuid.UUID) -> dict[str, str]:
    """The fields of its entry in the stream."""
    return {
        "event_id": str(event_id),
        "customer": event.customer,
        "metric": event.metric,
        "quantity": repr(event.quantity),
        "occurred_at": event.occurred_at.astimezone(UTC).isoformat(),
        "properties": json.dumps(event.properties),
    }
