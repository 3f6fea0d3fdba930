"""The shapes of specs: what each kind's fields are called, in Compose's vocabulary, and which values they hold.

A spec is total: every field of its kind is there (a test holds these shapes against the field tables). Code that goes
over all fields takes the plain `Spec`; code that asks for one by its name takes the shape, so that a name or a type
that can not be is an error of the type checker.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict


class SecretValue(TypedDict):
    """A variable whose value is that of a secret: its key in the playbook, and its version (a keyed fingerprint)."""

    secret: str
    version: str


# A variable's value, None for one that is taken away.
Variable = str | SecretValue | None
# The host's ports of a container's port, `127.0.0.1:8080` with their address where they have one.
Bindings = list[str]


class Healthcheck(TypedDict, total=False):
    """A health check. Durations are canonical text; `test` of `NONE` alone switches the image's off."""

    test: list[str]
    interval: str
    timeout: str
    start_period: str
    start_interval: str
    retries: int


class FileUse(TypedDict):
    """A config or secret in a container, by its absolute place: `source` is its key, `path` the place that was said."""

    source: str
    version: str
    path: NotRequired[str]
    uid: NotRequired[str]
    gid: NotRequired[str]
    mode: NotRequired[str]


class Recorded(TypedDict, total=False):
    """What a label of a container keeps that an engine does not tell: its files by their places, and the variables
    that have the value of a secret."""

    configs: dict[str, FileUse]
    secrets: dict[str, FileUse]
    environment: dict[str, SecretValue]


class Mount(TypedDict):
    """What stands at one place in a container. `size` is bytes, `mode` the permissions of a folder in memory.

    `source` is a path of the host, an image, or a volume's name on the engine; a volume that has none is left out.
    """

    type: str
    source: NotRequired[str]
    read_only: NotRequired[bool]
    propagation: NotRequired[str]
    recursive: NotRequired[str]
    create_host_path: NotRequired[bool]
    selinux: NotRequired[str]
    nocopy: NotRequired[bool]
    labels: NotRequired[dict[str, str]]
    subpath: NotRequired[str]
    size: NotRequired[int]
    mode: NotRequired[int]


class TmpfsOptions(TypedDict, total=False):
    """A service's folder in memory: its most bytes, and its permissions."""

    size: int
    mode: int


class Device(TypedDict):
    """A device of the host by its place inside; `permissions` are letters of `rwm`."""

    source: str
    permissions: str


class DeviceRequest(TypedDict):
    """Devices by what they can do or are called (HostConfig.DeviceRequests); a `count` of -1 is all."""

    driver: str
    count: int
    device_ids: list[str]
    capabilities: list[str]
    options: dict[str, str]


class BlockIO(TypedDict, total=False):
    """Weights, and limits by the path of a device: bytes or operations per second."""

    weight: int
    weight_device: dict[str, int]
    device_read_bps: dict[str, int]
    device_read_iops: dict[str, int]
    device_write_bps: dict[str, int]
    device_write_iops: dict[str, int]


class Logging(TypedDict):
    """Where what a container writes goes."""

    driver: str
    options: dict[str, str]


class RestartPolicy(TypedDict):
    """`deploy.restart_policy`, complete. Durations are canonical text; 0 `max_attempts` are without end."""

    condition: str
    delay: str
    max_attempts: int
    window: str


class ChangePolicy(TypedDict):
    """`deploy.update_config` or `deploy.rollback_config`, complete. Durations are canonical text."""

    parallelism: int
    delay: str
    failure_action: str
    monitor: str
    max_failure_ratio: float
    order: str


class Attachment(TypedDict):
    """A container or service on a network. `added_aliases` are those that a former owner's way of making it adds."""

    aliases: NotRequired[list[str]]
    added_aliases: NotRequired[list[str]]
    ipv4_address: NotRequired[str]
    ipv6_address: NotRequired[str]
    link_local_ips: NotRequired[list[str]]
    mac_address: NotRequired[str]
    links: NotRequired[list[str]]
    driver_opts: NotRequired[dict[str, str]]
    gw_priority: NotRequired[int]


class Hook(TypedDict):
    """One entry of `post_start`, `pre_stop` or `pre_start`."""

    command: list[str]
    user: NotRequired[str]
    working_dir: NotRequired[str]
    privileged: NotRequired[bool]
    environment: NotRequired[dict[str, str]]
    image: NotRequired[str]
    per_replica: NotRequired[bool]


class Pool(TypedDict, total=False):
    """One entry of a network's `ipam.config`."""

    subnet: str
    gateway: str
    ip_range: str
    aux_addresses: dict[str, str]


class Placement(TypedDict, total=False):
    """Where a service's tasks may run; `platforms` is what the image is for, as the engine keeps it."""

    constraints: list[str]
    preferences: list[str]
    max_replicas_per_node: int
    platforms: list[str]


class WorkloadSpec(TypedDict):
    """What a container and a service have in common. Sizes are bytes; `ports` are host bindings by inner port."""

    image: str
    entrypoint: list[str] | None
    command: list[str] | None
    environment: dict[str, Variable]
    labels: dict[str, str]
    user: str | None
    working_dir: str | None
    stop_signal: str | None
    healthcheck: Healthcheck | None
    ports: dict[str, Bindings]
    volumes: dict[str, Mount]
    configs: dict[str, FileUse]
    secrets: dict[str, FileUse]
    networks: dict[str, Attachment]
    hostname: str | None
    tty: bool
    stdin_open: bool
    stop_grace_period: str | None
    mem_limit: int | None
    mem_reservation: int | None
    cpus: float | None
    pids_limit: int | None
    oom_score_adj: int
    ulimits: dict[str, str]
    cap_add: list[str]
    cap_drop: list[str]
    read_only: bool
    dns: list[str]
    dns_opt: list[str]
    dns_search: list[str]
    extra_hosts: list[str]
    group_add: list[str]
    init: bool | None
    isolation: str | None
    sysctls: dict[str, str]
    logging: Logging | None


class ContainerSpec(WorkloadSpec):
    """One container on a plain engine."""

    post_start: list[Hook]
    pre_stop: list[Hook]
    pre_start: list[Hook]
    platform: str | None
    expose: list[str]
    volumes_from: list[str]
    network_mode: str | None
    default_network: str | None
    mac_address: str | None
    links: list[str]
    pid: str | None
    ipc: str | None
    domainname: str | None
    restart: str
    memswap_limit: int | None
    mem_swappiness: int | None
    oom_kill_disable: bool
    cpu_shares: int | None
    cpu_quota: int | None
    cpu_period: int | None
    cpu_rt_runtime: int | None
    cpu_rt_period: int | None
    cpuset: str | None
    cpu_count: int | None
    cpu_percent: float | None
    blkio_config: BlockIO
    shm_size: int | None
    privileged: bool
    security_opt: list[str]
    userns_mode: str | None
    uts: str | None
    cgroup: str | None
    cgroup_parent: str | None
    devices: dict[str, Device]
    device_cgroup_rules: list[str]
    gpus: list[DeviceRequest] | None
    runtime: str | None
    storage_opt: dict[str, str]
    annotations: dict[str, str]
    tmpfs: dict[str, str]


# The keys of fields may hold dots, which the form of a class can not say.
_OnlyOfServices = TypedDict("_OnlyOfServices", {"deploy.labels": dict[str, str]})


class ServiceSpec(WorkloadSpec, _OnlyOfServices):
    """One service of a Swarm. `digest` is that of the image, where it is known; `build` the digest of a build."""

    mode: str
    replicas: int | None
    digest: str | None
    build: str | None
    security_opt: dict[str, str]
    endpoint_mode: str
    restart_policy: RestartPolicy | None
    update_config: ChangePolicy | None
    rollback_config: ChangePolicy | None
    tmpfs: dict[str, TmpfsOptions]
    placement: Placement
    cpu_reservation: float | None
    generic_resources: dict[str, int]


NetworkSpec = TypedDict(
    "NetworkSpec",
    {
        "driver": str,
        "driver_opts": dict[str, str],
        "ipam.config": list[Pool] | None,
        "ipam.driver": str,
        "ipam.options": dict[str, str],
        "internal": bool,
        "attachable": bool,
        "enable_ipv6": bool,
        "enable_ipv4": bool,
        "labels": dict[str, str],
    },
)


class VolumeSpec(TypedDict):
    """One volume."""

    driver: str
    driver_opts: dict[str, str]
    labels: dict[str, str]


class KeptVolume(TypedDict):
    """What a revision keeps of a volume that is there: its key in the playbook, and whether it is to be protected."""

    key: str
    protect: bool


class ImageSpec(TypedDict):
    """One image: the digest of what it is built from, or the digest that it is to have."""

    build: str | None
    digest: str | None
    platform: str | None


class FileSpec(TypedDict):
    """One config or secret: `version` names its content, a secret's by a keyed fingerprint."""

    version: str
    labels: NotRequired[dict[str, str]]
    template_driver: NotRequired[str | None]
