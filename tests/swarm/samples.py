"""A sample of every field of a Swarm service, and how they are put into as few services as will do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.fields.sample import Sample
from tests.quick_check import passing_once
from tests.swarm.environment import QUICK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.fields.sample import Body

# Samples that share one service, by its name.
Groups = dict[str, list[Sample]]

FIRST, SECOND, REMOVED = range(3)

_BASE: Body = {**QUICK, "stop_grace_period": "1s"}
_CHECK: Body = passing_once()
_PARTS = tuple(f"healthcheck.{key}" for key in sorted(_CHECK))


def plain(key: str, first: Any, second: Any = None, /, **more: Any) -> Sample:
    """A field whose key in the service is its own key."""
    other = None if second is None else {key: second}
    return Sample(more.pop("name", key.replace("_", "-")), more.pop("field", key), {key: first}, other, **more)


def deploy(path: str, first: Any, second: Any = None, /, *, field: str, **more: Any) -> Sample:
    """A field that is said under `deploy`; `path` is dotted."""
    name = f"deploy-{path.replace('.', '-').replace('_', '-')}"
    other = None if second is None else _under(path, second)
    return Sample(more.pop("name", name), field, _under(path, first), other, **more)


def policy(section: str, key: str, first: Any, second: Any) -> Sample:
    return deploy(f"{section}.{key}", first, second, field=section, changed=(f"{section}.{key}",),
                  removed=(f"{section}.{key}",))  # fmt: skip


def checked(name: str, first: Body, second: Body, **more: Any) -> Sample:
    """A part of a health check."""
    return Sample(
        f"healthcheck-{name}", "healthcheck", {"healthcheck": {**_CHECK, **first}},
        {"healthcheck": {**_CHECK, **second}}, rest={"healthcheck": _CHECK}, **more,
    )  # fmt: skip


def mounted(name: str, first: Body, second: Body | None = None, **more: Any) -> Sample:
    """A mount at a place of its own; `rest` in short form stands there too."""
    target = f"/data/{name}"
    if "rest" in more:
        more["rest"] = {"volumes": [f"{more['rest']}:{target}"]}
    paths = {key: tuple(f"volumes.{target}.{path}" for path in more.pop(key, ())) for key in ("changed", "removed")}
    return Sample(
        f"volumes-{name}", "volumes", {"volumes": [{"target": target, **first}]},
        None if second is None else {"volumes": [{"target": target, **second}]}, **paths, **more,
    )  # fmt: skip


def file(kind: str, name: str, first: Body, second: Body, **more: Any) -> Sample:
    """A file of a config or secret."""
    one = {"source": "one", "target": f"/run/{kind}/{name}"}
    paths = {key: tuple(f"{kind}./run/{kind}/{path}" for path in more.pop(key, ())) for key in ("changed", "removed")}
    return Sample(
        f"{kind}-{name}",
        kind,
        {kind: [{**one, **first}]},
        {kind: [{**one, **second}]},
        rest={kind: [one]},
        **paths,
        **more,
    )


def _under(path: str, value: Any) -> Body:
    for part in reversed(["deploy", *path.split(".")]):
        value = {part: value}
    return dict(value)


SAMPLES: tuple[Sample, ...] = (
    deploy("mode", "global", field="mode", removed=("mode", "replicas")),
    deploy("replicas", 2, 0, field="replicas"),
    plain("image", "pt-swarm:1", "pt-swarm:2"),
    Sample("digest", "digest", {}, untried="it is the registry's word; see test_images"),
    Sample("build", "build", {}, untried="it is the digest of a build context; see test_images"),
    plain("entrypoint", ["env"], ["/usr/bin/env"]),
    plain("command", ["sleep", "100000"], ["sleep", "200000"]),
    plain("environment", {"A": "1"}, {"A": "2"}, changed=("environment.A",)),
    plain("environment", {"PATH": None}, {"PATH": "/bin"}, name="environment-without", changed=("environment.PATH",)),
    plain("labels", {"a": "1"}, {"a": "2"}, changed=("labels.a",)),
    deploy("labels", {"b": "1"}, {"b": "2"}, field="deploy.labels", changed=("deploy.labels.b",)),
    plain("user", "1000", "1001"),
    plain("group_add", ["1000"], ["1001"]),
    plain("working_dir", "/tmp", "/var"),
    plain("hostname", "a", "{{.Node.Hostname}}"),
    plain("tty", True),
    plain("stdin_open", True),
    plain("read_only", True),
    plain("init", True, False),
    plain("stop_signal", "SIGUSR1", "SIGUSR2"),
    plain("stop_grace_period", "2s", "90s"),
    checked("test", {"test": ["CMD-SHELL", "true"]}, {"test": ["CMD", "echo"]}),
    checked("interval", {"interval": "300ms"}, {"interval": "400ms"}),
    checked("timeout", {"timeout": "20m"}, {"timeout": "90m"}),
    checked("retries", {"retries": 2}, {"retries": 4}),
    checked("start-period", {"start_period": "1s"}, {"start_period": "2s"}),
    checked("start-interval", {"start_period": "1s", "start_interval": "200ms"},
            {"start_period": "1s", "start_interval": "300ms"}, since=(1, 44),
            removed=("healthcheck.start_interval", "healthcheck.start_period")),
    plain("healthcheck", {"disable": True}, _CHECK, name="healthcheck-none",
          changed=_PARTS,
          removed=_PARTS, rest={"healthcheck": None}),
    mounted("volume", {"type": "volume", "source": "stored"}, {"type": "volume", "source": "other"},
            changed=("source",)),
    mounted("anonymous", {"type": "volume"}),
    mounted("bind", {"type": "bind", "source": "/tmp"}, {"type": "bind", "source": "/var"},
            changed=("source",)),
    mounted("read-only", {"type": "volume", "source": "stored", "read_only": True},
            rest="stored", removed=("read_only",)),
    mounted("nocopy", {"type": "volume", "source": "stored", "volume": {"nocopy": True}},
            rest="stored", removed=("nocopy",)),
    mounted("labels", {"type": "volume", "source": "stored", "volume": {"labels": {"a": "1"}}},
            {"type": "volume", "source": "stored", "volume": {"labels": {"a": "2"}}},
            rest="stored", changed=("labels.a",)),
    mounted("propagation", {"type": "bind", "source": "/tmp", "bind": {"propagation": "private"}},
            {"type": "bind", "source": "/tmp", "bind": {"propagation": "rprivate"}},
            changed=("propagation",)),
    mounted("tmpfs", {"type": "tmpfs", "tmpfs": {"size": 1048576}}, {"type": "tmpfs", "tmpfs": {"size": 2097152}},
            changed=("size",)),
    mounted("tmpfs-mode", {"type": "tmpfs", "tmpfs": {"mode": 0o700}}, {"type": "tmpfs", "tmpfs": {"mode": 0o755}},
            changed=("mode",)),
    plain("tmpfs", ["/scratch:size=1m"], ["/scratch:size=2m,mode=1700"],
          changed=("tmpfs./scratch.mode", "tmpfs./scratch.size")),
    plain("shm_size", "1m", "2m", field="tmpfs", changed=("tmpfs./dev/shm.size",)),
    plain("networks", {"apart": None}, {"beside": None}, changed=("networks.apart", "networks.beside"),
          removed=("networks.beside", "networks.default")),
    plain("networks", {"apart": {"aliases": ["a"]}}, {"apart": {"aliases": ["b"]}}, name="networks-aliases",
          rest={"networks": {"apart": None}}, changed=("networks.apart.aliases",)),
    plain("network_mode", "host", field="networks", removed=("networks.default", "networks.host")),
    plain("ports", ["8080"], ["8080/udp"], rest={"deploy": {"endpoint_mode": "vip"}}, name="ports-ingress",
          changed=("ports.8080/tcp", "ports.8080/udp")),
    plain("ports", [{"target": 80, "published": 18081, "mode": "host"}],
          [{"target": 80, "published": 18082, "mode": "host"}], changed=("ports.80/tcp",)),
    deploy("endpoint_mode", "vip", field="endpoint_mode"),
    file("configs", "source", {}, {"source": "two"}),
    file("configs", "target", {}, {"target": "/run/configs/other"}, changed=("other", "target"),
         removed=("other", "target")),
    file("configs", "owner", {"uid": "1"}, {"uid": "2"}, changed=("owner.uid",)),
    file("configs", "group", {"gid": "1"}, {"gid": "2"}, changed=("group.gid",)),
    file("configs", "mode", {"mode": 0o400}, {"mode": 0o440}, changed=("mode.mode",)),
    file("secrets", "source", {}, {"source": "two"}),
    file("secrets", "owner", {"uid": "1"}, {"uid": "2"}, changed=("owner.uid",)),
    file("secrets", "group", {"gid": "1"}, {"gid": "2"}, changed=("group.gid",)),
    file("secrets", "mode", {"mode": 0o400}, {"mode": 0o440}, changed=("mode.mode",)),
    *(deploy(f"restart_policy.{key}", one, two, field="restart_policy", changed=(f"restart_policy.{key}",),
             removed=(f"restart_policy.{key}",))
      for key, one, two in (("condition", "on-failure", "none"), ("delay", "1s", "90s"), ("max_attempts", 3, 4),
                            ("window", "10s", "120s"))),
    plain("restart", "on-failure:3", "on-failure:4", field="restart_policy", changed=("restart_policy.max_attempts",),
          removed=("restart_policy.condition", "restart_policy.max_attempts")),
    *(policy(section, key, one, two)
      for section in ("update_config", "rollback_config")
      for key, one, two in (("parallelism", 2, 0), ("delay", "1s", "90s"), ("failure_action", "continue", "pause"),
                            ("max_failure_ratio", 0.3, 0.5), ("order", "start-first", "stop-first"))
      if (section, key) != ("rollback_config", "failure_action") and key != "order"),
    deploy("update_config.order", "start-first", field="update_config", removed=("update_config.order",)),
    deploy("rollback_config.order", "start-first", field="rollback_config", removed=("rollback_config.order",)),
    deploy("rollback_config.failure_action", "continue", field="rollback_config",
           removed=("rollback_config.failure_action",)),
    deploy("rollback_config.monitor", "1s", "90s", field="rollback_config", changed=("rollback_config.monitor",),
           removed=("rollback_config.monitor",)),
    plain("update", {"monitor": "200ms"}, {"monitor": "300ms"}, field="update_config", name="update-monitor",
          changed=("update_config.monitor",), removed=("update_config.monitor",),
          rest={"update": {"monitor": "100ms"}, "deploy": {"update_config": None}}),
    deploy("placement.constraints", ["node.role == manager"], ["node.role!=worker"], field="placement"),
    deploy("placement.preferences", [{"spread": "node.labels.a"}], [{"spread": "node.labels.b"}], field="placement"),
    deploy("placement.max_replicas_per_node", 2, 3, field="placement"),
    plain("platform", "linux/amd64", field="placement", removed=("placement.platforms",)),
    deploy("resources.limits.cpus", "0.5", "0.25", field="cpus"),
    plain("cpus", 0.5, 0.25, name="cpus-of-the-service"),
    deploy("resources.limits.memory", "64m", "32m", field="mem_limit"),
    deploy("resources.limits.pids", 50, 60, field="pids_limit"),
    deploy("resources.reservations.cpus", "0.01", "0.02", field="cpu_reservation"),
    deploy("resources.reservations.memory", "8m", "16m", field="mem_reservation"),
    deploy("resources.reservations.generic_resources", [{"discrete_resource_spec": {"kind": "widget", "value": 1}}],
           [{"discrete_resource_spec": {"kind": "widget", "value": 2}}], field="generic_resources",
           changed=("generic_resources.widget",)),
    plain("cap_add", ["NET_ADMIN"], ["NET_RAW"]),
    plain("cap_drop", ["ALL"], ["CHOWN"]),
    plain("security_opt", ["no-new-privileges:true"], name="no-new-privileges", since=(1, 44)),
    plain("security_opt", ["seccomp=unconfined"], ["apparmor=unconfined"], since=(1, 44),
          changed=("security_opt.apparmor", "security_opt.seccomp")),
    plain("security_opt", ['seccomp={"defaultAction": "SCMP_ACT_ALLOW"}'],
          ['seccomp={"defaultAction": "SCMP_ACT_ALLOW", "syscalls": []}'], name="seccomp-profile", since=(1, 44),
          changed=("security_opt.seccomp",)),
    plain("dns", ["127.0.0.53"], ["127.0.0.54"]),
    plain("dns_opt", ["ndots:1"], ["ndots:2"]),
    plain("dns_search", ["a.example"], ["b.example"]),
    plain("extra_hosts", ["a:127.0.0.1"], ["a:127.0.0.2"]),
    plain("sysctls", {"net.ipv4.ip_default_ttl": "65"}, {"net.ipv4.ip_default_ttl": "66"},
          changed=("sysctls.net.ipv4.ip_default_ttl",)),
    plain("ulimits", {"nofile": {"soft": 100, "hard": 200}}, {"nofile": 150}, changed=("ulimits.nofile",)),
    plain("oom_score_adj", 100, 200, since=(1, 46)),
    plain("isolation", "process", "hyperv", untried="only Windows has it"),
    plain("logging", {"driver": "json-file", "options": {"max-size": "1m"}},
          {"driver": "json-file", "options": {"max-size": "2m"}}, changed=("logging.options.max-size",),
          removed=("logging.driver", "logging.options")),
)  # fmt: skip


def apart(samples: Iterable[Sample]) -> Groups:
    """Each sample by itself."""
    return {sample.name: [sample] for sample in samples}


def pack(samples: Iterable[Sample]) -> Groups:
    """As few services as will do: those of one service say nothing about the same thing."""
    groups: Groups = {}
    for sample in samples:
        for together in groups.values():
            if all(_fit(sample, other) for other in together):
                together.append(sample)
                break
        else:
            groups[f"with-{sample.name}"] = [sample]
    return groups


# What has to do with each other, and is tried apart.
_FAMILIES = (
    {"networks", "network_mode", "ports", "deploy.endpoint_mode", "dns", "extra_hosts", "sysctls", "hostname"},
    {"command", "entrypoint", "environment", "user", "read_only", "tty", "init", "cap_drop", "security_opt", "image"},
    {"deploy.mode", "deploy.replicas", "deploy.placement.max_replicas_per_node", "ports"},
    {"update", "deploy.update_config", "deploy.mode"},
    {"restart", "deploy.restart_policy"},
    {"stop_signal", "stop_grace_period"},
    {"cpus", "deploy.resources.limits.cpus"},
)
# Lists whose items stand side by side.
_LISTS = ("volumes", "configs", "secrets")


def _fit(one: Sample, other: Sample) -> bool:
    mine, others = _keys(one), _keys(other)
    clash = any(a == b or a.startswith(f"{b}.") or b.startswith(f"{a}.") for a in mine for b in others)
    apart = any(
        mine_of != others_of
        for family in _FAMILIES
        if (mine_of := _of(mine, family)) and (others_of := _of(others, family))
    )
    return not clash and not apart


def _of(keys: set[str], family: set[str]) -> set[str]:
    return {name for name in family if any(key == name or key.startswith(f"{name}.") for key in keys)}


def _keys(sample: Sample) -> set[str]:
    """What a sample says, as dotted paths."""
    return {path for state in sample.states for path in _leaves("", state)}


def _leaves(at: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            if at != "healthcheck" or (key != "test" and item != _CHECK.get(key)):
                yield from _leaves(f"{at}.{key}".strip("."), item)
    elif isinstance(value, list) and at in _LISTS:
        yield from (f"{at}.{item['target'] if isinstance(item, dict) else item.partition(':')[2]}" for item in value)
    elif at:
        yield at


def playbook(groups: Groups, state: int) -> Body:
    """Every group in a service of its own, in one of the states."""
    services = {}
    for name, samples in groups.items():
        body = _BASE
        for sample in samples:
            body = _merged(body, sample.states[state])
        services[name] = _without_nothing(body)
    return {
        "engine": {"mode": "swarm"},
        "services": services,
        "networks": {"apart": {}, "beside": {}},
        "volumes": {"stored": {"labels": {"declared": "yes"}}, "other": {}},
        "configs": {"one": {"content": "1\n"}, "two": {"content": "2\n"}},
        "secrets": {"one": {"file": "./one.txt"}, "two": {"file": "./two.txt"}},
    }


def _merged(under: Any, over: Any) -> Any:
    if isinstance(under, dict) and isinstance(over, dict):
        keys = [*under, *(key for key in over if key not in under)]
        return {
            k: [*under[k], *over[k]] if k in _LISTS and k in under and k in over
            else _merged(under[k], over[k]) if k in under and k in over
            else over.get(k, under.get(k))
            for k in keys
        }  # fmt: skip
    return over


def _without_nothing(body: Body) -> Body:
    kept = {key: value for key, value in body["deploy"].items() if value is not None}
    return {key: value for key, value in {**body, "deploy": kept}.items() if value is not None}
