"""How Alembic reaches the database: by the address that the services use, in one transaction for all revisions."""

from __future__ import annotations

import logging
import os

from alembic import context
from common import logs
from common.settings import secret
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

# One at a time, whoever starts them.
_LOCK = 72_150_001


def migrate() -> None:
    """Apply the revisions that are missing."""
    logs.configure("migrate", os.environ.get("LOG_LEVEL") or "info")
    address = secret(os.environ, "DATABASE_URL").replace("postgresql://", "postgresql+psycopg://", 1)
    engine = create_engine(address, poolclass=NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({_LOCK})")
        connection.commit()
        context.configure(connection=connection, transaction_per_migration=False)
        with context.begin_transaction():
            context.run_migrations()
    logging.getLogger("migrate").info("the schema is up to date")


migrate()
