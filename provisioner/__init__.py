"""provisioner: idempotent provisioning of Docker environments."""

__version__ = "0.1.0"
