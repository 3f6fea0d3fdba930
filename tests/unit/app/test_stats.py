"""Figures from the engine's own answers, for both versions of control groups."""

from __future__ import annotations

from provisioner.app.stats import usage
from provisioner.model.address import Address
from provisioner.model.usage import Usage

OF = Usage(Address("service", "web", 1), "id", "web-1")


def test_a_share_of_a_processor_is_between_two_samples() -> None:
    raw = {
        "cpu_stats": {"cpu_usage": {"total_usage": 300}, "system_cpu_usage": 1400, "online_cpus": 2},
        "precpu_stats": {"cpu_usage": {"total_usage": 100}, "system_cpu_usage": 1000},
        "memory_stats": {"usage": 1000, "limit": 4000, "stats": {"inactive_file": 400}},
        "networks": {"eth0": {"rx_bytes": 1, "tx_bytes": 2}, "eth1": {"rx_bytes": 10, "tx_bytes": 20}},
        "blkio_stats": {"io_service_bytes_recursive": [{"op": "Read", "value": 5}, {"op": "write", "value": 7}]},
        "pids_stats": {"current": 4},
    }
    found = usage(OF, raw)
    assert found.cpu == 1.0
    assert (found.memory, found.memory_limit) == (600, 4000)
    assert (found.received, found.sent, found.read, found.written, found.processes) == (11, 22, 5, 7, 4)


def test_the_older_control_groups_say_it_otherwise() -> None:
    raw = {"memory_stats": {"usage": 1000, "limit": 4000, "stats": {"total_inactive_file": 300, "inactive_file": 1}}}
    assert usage(OF, raw).memory == 700


def test_one_that_does_not_run_uses_nothing() -> None:
    assert usage(OF, {}) == OF
