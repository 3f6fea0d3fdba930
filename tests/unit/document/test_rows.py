"""The rows: every key of the language once, each with a shape that a schema can be made of."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from provisioner.document.attributes import rows, rules

if TYPE_CHECKING:
    from provisioner.document.shape import Row

KINDS = {"string", "integer", "number", "boolean", "null", "mapping", "sequence"}

# The Compose Specification's keys of a service.
SERVICE_KEYS = frozenset(
    """
annotations attach blkio_config build cap_add cap_drop cgroup cgroup_parent command configs container_name cpu_count
cpu_percent cpu_period cpu_quota cpu_rt_period cpu_rt_runtime cpu_shares cpus cpuset credential_spec depends_on deploy
develop device_cgroup_rules devices dns dns_opt dns_search domainname entrypoint env_file environment expose extends
external_links extra_hosts gpus group_add healthcheck hostname image init ipc isolation label_file labels links logging
mac_address mem_limit mem_reservation mem_swappiness memswap_limit models network_mode networks oom_kill_disable
oom_score_adj pid pids_limit platform ports post_start pre_start pre_stop privileged profiles provider pull_policy
pull_refresh_after read_only restart runtime scale secrets security_opt shm_size stdin_open stop_grace_period
stop_signal storage_opt sysctls tmpfs tty ulimits use_api_socket user userns_mode uts volumes volumes_from working_dir
""".split()  # noqa: SIM905
)
TOP_KEYS = {"version", "name", "include", "services", "networks", "volumes", "secrets", "configs", "models"}
OWN_SERVICE_KEYS = {"job", "update", "backup"}


def test_no_two_rows_have_one_path() -> None:
    paths = [row.path for row in rows()]
    assert len(paths) == len(set(paths))
    assert rules().children


def test_every_key_of_a_service_has_a_row() -> None:
    service = rules().children["services"].any
    assert service is not None
    assert set(service.children) == SERVICE_KEYS | OWN_SERVICE_KEYS


def test_every_top_level_key_has_a_row() -> None:
    own = {row.path for row in rows() if row.own and row.path and "." not in row.path}
    assert set(rules().children) == {*TOP_KEYS, *own}
    assert own == {"environment", "extends", "env_files", "vars", "engine", "moved", "verify", "lint", "backup"}


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.path or "(top)")
def test_a_row_is_well_formed(row: Row) -> None:
    shape = row.shape
    assert set(shape.kinds) <= KINDS
    assert set(row.short) <= KINDS
    assert bool(row.short) == (row.expand is not None)
    assert shape.expected
    assert not shape.expected.endswith(".")
    for pattern in (shape.pattern, shape.keys):
        re.compile(pattern)
    if shape.enum:
        assert shape.kinds == ("string",)
    if shape.minimum is not None and shape.maximum is not None:
        assert shape.minimum < shape.maximum
    if row.about:
        assert row.about.endswith(".")
    if row.location or row.default is not None:
        assert {"string", "boolean"} & set(shape.kinds)


def test_keys_that_must_be_there_have_rows() -> None:
    paths = {row.path for row in rows()}
    for row in rows():
        for key in row.shape.required:
            assert f"{row.path}.{key}" in paths
