"""The labels of the records that an engine keeps."""

LEASE = "provisioner.lease"
HOLDER = "provisioner.lease.holder"
BEAT = "provisioner.lease.beat"
LEDGER = "provisioner.ledger"
NUMBER = "provisioner.ledger.number"
SERIES = "provisioner.ledger.series"
