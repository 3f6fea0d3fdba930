"""The labels of the records that an engine keeps, and the series of these, each with numbers of its own."""

LEASE = "provisioner.lease"
HOLDER = "provisioner.lease.holder"
BEAT = "provisioner.lease.beat"
LEDGER = "provisioner.ledger"
NUMBER = "provisioner.ledger.number"
SERIES = "provisioner.ledger.series"

# Series.
REVISION = "revision"
DESTROYED = "destroyed"
FAILED = "failed"
# By the number of the revision whose checks were run.
CHECKS = "checks"
# All objects that the environment owns though another tool made them; the newest record counts.
ADOPTED = "adopted"
# What was adopted and was let go of again.
RELEASED = "released"
# That an apply carried out a part of its playbook only.
NARROWED = "narrowed"
# What is stopped or scaled on purpose; the newest one counts.
INTENTIONS = "intentions"
