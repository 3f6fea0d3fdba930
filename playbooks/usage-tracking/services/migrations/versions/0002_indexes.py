"""Indexes for the questions that are asked: a customer's events of a time, and a metric's sums of a time."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_index("usage_events_of_customer", "usage_events", ["customer", "metric", "occurred_at"])
    op.create_index("usage_by_minute_of_metric", "usage_by_minute", ["metric", "bucket"])


def downgrade() -> None:
    op.drop_index("usage_by_minute_of_metric")
    op.drop_index("usage_events_of_customer")
