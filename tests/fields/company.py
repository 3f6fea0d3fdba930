"""Samples in company: each value beside all that makes an engine fill something in by itself.

That is an image in which every field of the configuration is set, a network of both families, a container outside the
environment, and zero, empty and off as values.
"""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING, Any

from tests.fields import containers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tests.fields.sample import Body, Sample, Version

# Engines that add a pool of version 6 by themselves; others have to be told.
ADDS_POOLS: Version = (1, 47)

DOCKERFILE = r"""
FROM busybox:1.36
ENV A=1 B=two
LABEL a=1 b=two
USER 1000
WORKDIR /tmp
EXPOSE 8080 9090/udp
VOLUME /vol /other
STOPSIGNAL SIGINT
HEALTHCHECK --interval=4s --timeout=20s --start-period=1s --retries=4 CMD true
ENTRYPOINT ["/bin/sh", "-c", "exec \"$@\"", "x"]
CMD ["sleep", "1000000"]
"""
# The same for an engine that builds nothing (Engine API: ImageInspect.Config).
CONFIG: Body = {
    "Env": ["PATH=/bin", "A=1", "B=two"], "Labels": {"a": "1", "b": "two"}, "User": "1000", "WorkingDir": "/tmp",
    "ExposedPorts": {"8080/tcp": {}, "9090/udp": {}}, "Volumes": {"/vol": {}, "/other": {}}, "StopSignal": "SIGINT",
    "Healthcheck": {"Test": ["CMD-SHELL", "true"], "Interval": 4 * 10**9, "Timeout": 20 * 10**9, "StartPeriod": 10**9,
                    "Retries": 4},
    "Entrypoint": ["/bin/sh", "-c", 'exec "$@"', "x"], "Cmd": ["sleep", "1000000"],
}  # fmt: skip

# Zero, empty and off, for each key that has them on containers and on a Swarm alike.
EMPTY: tuple[tuple[Any, str], ...] = (
    ("", "entrypoint user working_dir hostname domainname isolation platform"),
    ([], "entrypoint command expose ports volumes tmpfs configs secrets dns dns_opt dns_search extra_hosts"),
    ([], "environment labels group_add cap_add cap_drop security_opt depends_on"),
    ({}, "environment labels healthcheck sysctls ulimits deploy annotations extra_hosts"),
    (0, "cpus mem_limit pids_limit oom_score_adj"),
    (False, "tty stdin_open read_only init"),
    ("0s", "stop_grace_period"),
    ("no", "restart"),
)
EMPTY_ON_CONTAINERS: tuple[tuple[Any, str], ...] = (
    ("", "pid ipc uts userns_mode cgroup_parent runtime mac_address network_mode"),
    ([], "devices device_cgroup_rules links external_links volumes_from post_start pre_stop pre_start"),
    ({}, "blkio_config storage_opt"),
    (0, "memswap_limit mem_swappiness cpu_shares cpu_quota cpu_period shm_size mem_reservation"),
    (False, "privileged oom_kill_disable use_api_socket"),
)
VALUES: dict[str, Body] = {
    "check-off": {"healthcheck": {"disable": True}},
    "check-none": {"healthcheck": {"test": ["NONE"], "interval": "5s"}},
    "check-zero": {"healthcheck": {"retries": 0, "interval": "0s", "timeout": "0s", "start_period": "0s"}},
    "check-empty": {"healthcheck": {"test": [], "interval": "2s"}},
    "check-of-the-image": {"healthcheck": {"test": "true"}},
    "check-retries": {"healthcheck": {"retries": 7}},
    "variable-empty": {"environment": {"A": ""}},
    "variable-none": {"environment": {"A": None}},
    "variable-same": {"environment": {"A": "1"}},
    "label-empty": {"labels": {"a": ""}},
    "label-same": {"labels": {"a": "1"}},
    "user-same": {"user": "1000"},
    "folder-same": {"working_dir": "/tmp"},
    "signal-same": {"stop_signal": "SIGINT"},
    "port-same": {"expose": ["8080"]},
    "volume-same": {"volumes": ["/vol"]},
    # An entrypoint that is declared takes the image's command away, also where it is the same.
    "entrypoint-same": {"entrypoint": CONFIG["Entrypoint"], "command": ["sleep", "100000"]},
    "command-same": {"command": CONFIG["Cmd"]},
    "entrypoint-cleared": {"entrypoint": [], "command": ["sleep", "100000"]},
    "entrypoint-reset": {"entrypoint": [""], "command": ["sleep", "100000"]},
    "hostname-alone": {"hostname": "h"},
    "hostname-long": {"hostname": "h.d.e", "domainname": "d.e"},
    "capabilities-none": {"cap_drop": ["ALL"], "cap_add": []},
}
# More take a machine of two cores minutes, in which no health check ends in its time.
_AT_ONCE = 25
_OFTEN = ("variable-none", "label-same", "command-empty-1", "stop-grace-period-empty-6", "mem-limit-empty-4")
VALUES_ON_CONTAINERS: dict[str, Body] = {
    "alias-of-the-host": {"hostname": "k", "networks": {"default": {"aliases": ["k"]}}},
    "own-name": {"hostname": "own", "container_name": "PROJECT-own"},
    "swap-unlimited": {"mem_limit": "64m", "memswap_limit": -1},
    "processes-unlimited": {"pids_limit": -1},
    "selinux": {"volumes": ["stored:/data:z"]},
    "guest": {"network_mode": "service:anchor"},
    "guest-outside": {"network_mode": "container:PROJECT-outer"},
    "processes-outside": {"pid": "container:PROJECT-outer"},
    "memory-outside": {"ipc": "container:PROJECT-outer"},
}


def some(services: Mapping[str, Body]) -> list[str]:
    """A few that stand for all: of each kind that was ever not read back as it was sent."""
    return [
        name for name in services
        if name in VALUES_ON_CONTAINERS or name.startswith(("check-", "entrypoint-", "hostname-")) or name in _OFTEN
    ]  # fmt: skip


def a_few_at_once(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """The services that are put on an engine together: as many as it starts, and checks the health of, with ease."""
    return (names[start : start + _AT_ONCE] for start in range(0, len(names), _AT_ONCE))


def image_context() -> io.BytesIO:
    """A build context with the Dockerfile."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("Dockerfile")
        member.size = len(DOCKERFILE.encode())
        archive.addfile(member, io.BytesIO(DOCKERFILE.encode()))
    buffer.seek(0)
    return buffer


def bodies(samples: Iterable[Sample], project: str, *, containers_too: bool = True) -> dict[str, Body]:
    """The services, by name: each sample's first value, its second, and every value of this module."""
    found: dict[str, Body] = {}
    for sample in samples:
        for state, body in zip(("first", "second"), sample.states, strict=False):
            found[f"{sample.name}-{state}"] = {"command": containers.WAIT, **body}
    empty = (*EMPTY, *(EMPTY_ON_CONTAINERS if containers_too else ()))
    found |= {
        f"{key}-empty-{number}": {key: value} for number, (value, keys) in enumerate(empty) for key in keys.split()
    }
    found |= {**VALUES, **(VALUES_ON_CONTAINERS if containers_too else {})}
    return {
        name.replace("_", "-"): {key: _named(value, project) for key, value in body.items() if value is not None}
        for name, body in found.items()
    }


def _named(value: Any, project: str) -> Any:
    return value.replace("PROJECT", project) if isinstance(value, str) else value


def playbook(services: dict[str, Body], samples: Iterable[Sample], image: str, api: Version) -> Body:
    """All of them over one image, on a network of both families, with what they refer to."""
    pools = [{"subnet": "10.220.1.0/24"}, *([] if api >= ADDS_POOLS else [{"subnet": "fd00:220:1::/64"}])]
    own = [{"subnet": "10.219.1.0/24"}, {"subnet": "fd00:219:1::/64"}]
    top: Body = {
        "networks": {
            "default": {"enable_ipv6": True, "ipam": {"config": pools}},
            "apart": {}, "beside": {}, "own": {"enable_ipv6": True, "ipam": {"config": own}},
        },
        "volumes": {"stored": {}, "other": {}},
    }  # fmt: skip
    for sample in samples:
        for key, declared in sample.top.items():
            top.setdefault(key, {}).update(declared)
    base: Body = {"image": image, "stop_grace_period": "0s"}
    quiet: Body = {"image": containers.IMAGE, "command": containers.WAIT, "stop_grace_period": "0s"}
    anchors = {
        "anchor": {**quiet, "ipc": "shareable", "tmpfs": ["/anchored"]},
        "on-the-bridge": {**quiet, "network_mode": "bridge"},
    }
    return {**top, "services": anchors | {name: {**base, **body} for name, body in services.items()}}
