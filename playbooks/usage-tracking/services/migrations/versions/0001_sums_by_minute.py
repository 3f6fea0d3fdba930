"""The sums by minute, and the list of minutes whose sums are out of date."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    minute = [
        sa.Column("bucket", sa.DateTime(timezone=True), primary_key=True),
        sa.Column("customer", sa.Text, primary_key=True),
        sa.Column("metric", sa.Text, primary_key=True),
    ]
    op.create_table(
        "usage_by_minute",
        *[column.copy() for column in minute],
        sa.Column("events", sa.BigInteger, nullable=False),
        sa.Column("quantity", sa.Double, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    )
    op.create_table(
        "aggregation_queue",
        *[column.copy() for column in minute],
        sa.Column("marked_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    )


def downgrade() -> None:
    op.drop_table("aggregation_queue")
    op.drop_table("usage_by_minute")
