"""An engine as checks of values see it: two processors, the drivers that Docker Engine 20.10 brings."""

from __future__ import annotations

from provisioner.model.state import Facts

FACTS = Facts(
    engine_version="20.10.24",
    logging_drivers=("json-file", "local", "journald", "syslog", "gelf", "fluentd"),
    runtimes=("runc", "io.containerd.runc.v2"),
    architecture="x86_64",
    cpus=2,
)
