"""The container of a Swarm's task: ports, mounts, hosts, privileges (Engine API ContainerSpec and EndpointSpec)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from provisioner.kinds import values
from provisioner.kinds.container_mounts import decode_mount, encode_mount
from provisioner.kinds.fields import get_path, set_path
from provisioner.kinds.seccomp import canonical_form, parts
from provisioner.kinds.swarm_scheduling import SPEC, TASK

if TYPE_CHECKING:
    from provisioner.model.edges import ComposeBody, EngineBody
    from provisioner.model.specs import Bindings, Mount

SHM = "/dev/shm"


def parse_ports(body: ComposeBody) -> dict[str, Bindings]:
    """`ports` as entries (`8080:ingress`, the number empty where the Swarm chooses) by target (`80/tcp`)."""
    result: dict[str, Bindings] = {}
    for port in body.get("ports") or []:
        key = f"{port['target']}/{port.get('protocol') or 'tcp'}"
        result.setdefault(key, []).append(f"{port.get('published') or ''}:{port.get('mode') or 'ingress'}")
    return {key: sorted(entries) for key, entries in result.items()}


def encode_ports(raw: EngineBody, value: dict[str, Bindings]) -> None:
    """ServiceSpec.EndpointSpec.Ports (PublishedPort, TargetPort, Protocol, PublishMode)."""
    ports = []
    for target, entries in sorted(value.items()):
        number, _, protocol = target.partition("/")
        for entry in entries:
            published, _, mode = entry.partition(":")
            port: EngineBody = {"Protocol": protocol, "TargetPort": int(number), "PublishMode": mode}
            ports.append({**port, "PublishedPort": int(published)} if published else port)
    set_path(raw, "EndpointSpec.Ports", ports)


def decode_ports(raw: EngineBody) -> dict[str, Bindings]:
    """The entries by target, as `parse_ports` gives them."""
    result: dict[str, Bindings] = {}
    for port in get_path(raw, "EndpointSpec.Ports") or []:
        key = f"{port['TargetPort']}/{port.get('Protocol') or 'tcp'}"
        result.setdefault(key, []).append(f"{port.get('PublishedPort') or ''}:{port.get('PublishMode') or 'ingress'}")
    return {key: sorted(entries) for key, entries in result.items()}


def encode_mounts(raw: EngineBody, value: dict[str, Mount]) -> None:
    """ContainerSpec.Mounts, beside those that are there."""
    mounts = [encode_mount(target, entry) for target, entry in sorted(value.items())]
    get_path(raw, SPEC).setdefault("Mounts", []).extend(mounts)


def decode_mounts(raw: EngineBody) -> dict[str, Mount]:
    """The mounts by target, without those that `tmpfs` and `shm_size` became."""
    short, mounts = _short_tmpfs(raw), get_path(raw, f"{SPEC}.Mounts") or []
    return {m["Target"]: decode_mount(m) for m in mounts if m["Type"] != "tmpfs" or m["Target"] not in short}


def _short_tmpfs(raw: EngineBody) -> set[str]:
    """Targets of `tmpfs` and `shm_size`, which become mounts here; the label tells them from long-form mounts."""
    return set((get_path(raw, f"{SPEC}.Labels") or {}).get("provisioner.tmpfs", "").split(",")) - {""}


def parse_tmpfs(body: ComposeBody) -> Any:
    """`tmpfs` and `shm_size` as mounts in memory by target: size (bytes) and mode."""
    result = {}
    for entry in values.sorted_texts(body.get("tmpfs")):
        target, _, options = entry.partition(":")
        wanted = dict(option.partition("=")[::2] for option in options.split(",") if option)
        entry_of: EngineBody = {"type": "tmpfs"}
        if "size" in wanted:
            entry_of["size"] = _bytes(wanted["size"])
        if "mode" in wanted:
            entry_of["mode"] = int(wanted["mode"], 8)
        result[target] = entry_of
    if body.get("shm_size"):
        result[SHM] = {"type": "tmpfs", "size": values.whole_number(body["shm_size"])}
    return result


def _bytes(text: str) -> int:
    units = {"k": 2**10, "m": 2**20, "g": 2**30}
    return int(text[:-1]) * units[text[-1].lower()] if text[-1].lower() in units else int(text)


def encode_tmpfs(raw: EngineBody, value: Any) -> None:
    """ContainerSpec.Mounts, and the label that tells them from mounts in their long form."""
    encode_mounts(raw, value)
    get_path(raw, f"{SPEC}.Labels")["provisioner.tmpfs"] = ",".join(sorted(value))


def decode_tmpfs(raw: EngineBody) -> Any:
    """The mounts in memory by target that `tmpfs` and `shm_size` became."""
    mounts = get_path(raw, f"{SPEC}.Mounts") or []
    return {m["Target"]: decode_mount(m) for m in mounts if m["Target"] in _short_tmpfs(raw)}


def hosts_into(entries: list[str]) -> list[str]:
    """`name:address` as ContainerSpec.Hosts has it: `address name`."""
    pairs = [entry.partition(":") for entry in entries]
    return [f"{address} {name}" for name, _, address in pairs]


def hosts_out(entries: list[str]) -> list[str]:
    """ContainerSpec.Hosts as sorted `name:address`."""
    pairs = [entry.partition(" ") for entry in entries]
    return sorted(f"{name}:{address}" for address, _, name in pairs)


def decode_logging(raw: EngineBody) -> Any:
    """TaskSpec.LogDriver as driver and options; None for the default of each node."""
    live = get_path(raw, f"{TASK}.LogDriver")
    return {"driver": live.get("Name") or "", "options": live.get("Options") or {}} if live else None


def encode_logging(raw: EngineBody, value: Any) -> None:
    """TaskSpec.LogDriver (Name, Options)."""
    set_path(raw, f"{TASK}.LogDriver", {"Name": value["driver"], "Options": value["options"]})


def parse_privileges(body: ComposeBody) -> Any:
    """The options of `security_opt` that Swarm takes (Privileges; seccomp and AppArmor since API 1.44)."""
    options = {}
    for option in body.get("security_opt") or []:
        name, value = parts(str(option))
        if name == "no-new-privileges":
            options["no-new-privileges"] = "true"
        elif value == "unconfined" and name in ("seccomp", "apparmor"):
            options[name] = "unconfined"
        elif name == "seccomp":
            options[name] = canonical_form(str(option)).partition("=")[2]
    return options


def encode_privileges(raw: EngineBody, value: Any) -> None:
    """ContainerSpec.Privileges; a seccomp profile goes as base64."""
    privileges: EngineBody = {}
    if "no-new-privileges" in value:
        privileges["NoNewPrivileges"] = True
    if "seccomp" in value:
        profile = base64.b64encode(value["seccomp"].encode()).decode()
        own = {"Mode": "custom", "Profile": profile}
        privileges["Seccomp"] = {"Mode": "unconfined"} if value["seccomp"] == "unconfined" else own
    if "apparmor" in value:
        privileges["AppArmor"] = {"Mode": "disabled"}
    set_path(raw, f"{SPEC}.Privileges", privileges)


def decode_privileges(raw: EngineBody) -> Any:
    """ContainerSpec.Privileges as `parse_privileges` gives them."""
    live = get_path(raw, f"{SPEC}.Privileges") or {}
    result = {"no-new-privileges": "true"} if live.get("NoNewPrivileges") else {}
    seccomp = live.get("Seccomp") or {}
    if seccomp.get("Mode") == "unconfined":
        result["seccomp"] = "unconfined"
    elif seccomp.get("Mode") == "custom":
        profile = base64.b64decode(seccomp.get("Profile") or "").decode("utf-8", "replace")
        result["seccomp"] = canonical_form(f"seccomp={profile}").partition("=")[2]
    if (live.get("AppArmor") or {}).get("Mode") == "disabled":
        result["apparmor"] = "unconfined"
    return result
