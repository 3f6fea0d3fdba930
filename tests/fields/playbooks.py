"""The samples as playbooks: each in a service, network or volume of its own, so that one apply proves them all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from provisioner.kinds.container import FIELDS
from provisioner.model.change import Impact
from tests.fields.containers import IMAGE, WAIT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from tests.fields.sample import Body, Sample

# Samples that share one object, by its name.
Groups = dict[str, list["Sample"]]

# The states of every sample: its first value, its second, and without the key.
FIRST, SECOND, REMOVED = range(3)

_QUIET: dict[str, Any] = {"image": IMAGE, "command": WAIT, "stop_signal": "SIGKILL", "network_mode": "none"}
_IN_PLACE = {field.key for field in FIELDS if field.impact is Impact.IN_PLACE}
_FAMILIES = (
    {"mem_limit", "mem_reservation", "memswap_limit", "mem_swappiness", "oom_kill_disable", "deploy"},
    {"cpus", "cpu_quota", "cpu_period", "deploy"},
    {"ipc", "pid", "uts", "sysctls", "shm_size"},
    {"cgroup", "cgroup_parent"},
    {"entrypoint", "command", "environment", "image"},
    {"healthcheck", "user", "privileged", "read_only", "environment"},
)
_OWN = {"enable_ipv6": True, "ipam": {"config": [{"subnet": "10.219.1.0/24"}, {"subnet": "fd00:219:1::/64"}]}}


def apart(samples: Iterable[Sample]) -> Groups:
    """Each sample by itself."""
    return {sample.name: [sample] for sample in samples}


def pack(samples: Iterable[Sample]) -> Groups:
    """As few services as will do. Samples of one service have no key and no field in common, so that each difference
    belongs to one of them; what a live container can take is not mixed with what needs a new one."""
    groups: Groups = {}
    for sample in samples:
        for together in groups.values():
            if all(_fit(sample, other) for other in together):
                together.append(sample)
                break
        else:
            groups[sample.name] = [sample]
    return groups


def _fit(one: Sample, other: Sample) -> bool:
    if "network_mode" in (one.field, other.field):
        return False
    keys, others = _keys(one), _keys(other)
    same_network = one.rest.get("network_mode", "none") == other.rest.get("network_mode", "none")
    same_impact = (one.field in _IN_PLACE) == (other.field in _IN_PLACE)
    return same_network and same_impact and one.field != other.field and not keys & others


def _keys(sample: Sample) -> set[str]:
    keys = {key for state in sample.states for key in state} | {sample.field.partition(".")[0]}
    # Limits of the same resource have to do with each other, and namespaces with what is set inside them.
    for family in _FAMILIES:
        if keys & family:
            keys |= family
    return keys - {"network_mode"}


def of_containers(groups: Groups, state: int) -> Body:
    """Every group in a service, beside services that they refer to."""
    top: Body = {"networks": {"apart": {}, "beside": {}, "own": _OWN}, "volumes": {"stored": {}, "other": {}}}
    services = {
        "anchor": {**_QUIET, "ipc": "shareable", "tmpfs": ["/anchored"]},
        "on-the-bridge": {**_QUIET, "network_mode": "bridge"},
    }
    for name, samples in groups.items():
        body = dict(_QUIET)
        for sample in samples:
            body |= sample.states[state]
            for key, declared in sample.top.items():
                top.setdefault(key, {}).update(declared)
        services[name] = {key: value for key, value in body.items() if value is not None}
    return {**top, "services": services}


def of_networks(groups: Groups, state: int) -> Body:
    """Every sample in a network with one container on it."""
    networks = {name: samples[0].states[state] for name, samples in groups.items()}
    quiet = {key: value for key, value in _QUIET.items() if key != "network_mode"}
    return {"networks": networks, "services": {f"on-{name}": {**quiet, "networks": [name]} for name in networks}}


def of_volumes(groups: Groups, state: int) -> Body:
    """Every sample in a volume that one container mounts."""
    volumes = {name: samples[0].states[state] for name, samples in groups.items()}
    mounts = [f"{name}:/mounted/{name}" for name in volumes]
    return {"volumes": volumes, "services": {"mounts": {**_QUIET, "volumes": mounts}}}


def write(folder: Path, project: str, playbook: Body) -> str:
    """Write a playbook (JSON is YAML) with what it refers to; its path."""
    for name in ("one", "two"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "own.txt").write_text("its content\n")
    path = folder / "compose.yaml"
    path.write_text(json.dumps({"name": project, **playbook}))
    return str(path)


def wrong(samples: Sequence[Sample], state: int, paths: Sequence[str]) -> list[str]:
    """What is wrong with the differences of one object after a change to a state; nothing if all is as it must be."""
    faults = []
    left = list(paths)
    for sample in samples:
        expected = sample.changed if state == SECOND else sample.removed
        mine = [path for path in left if path in expected or f"{path}.".startswith(f"{sample.field}.")]
        left = [path for path in left if path not in mine]
        if state == SECOND and sample.second is None:
            right = not mine
        else:
            right = sorted(mine) == sorted(expected) if expected else len(mine) == 1
        if not right:
            faults.append(f"{sample.name}: expected {list(expected) or f'one below {sample.field}'}, found {mine}")
    return faults + [f"nobody has changed {path}" for path in left]
