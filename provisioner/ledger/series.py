"""The series of records that a ledger keeps, each with numbers of its own."""

REVISION = "revision"
DESTROYED = "destroyed"
