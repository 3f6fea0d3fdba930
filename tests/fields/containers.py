"""A sample of every field of a container. They run side by side, each in a service of its own."""

from __future__ import annotations

from typing import Any

from tests.fields.sample import Sample

IMAGE = "busybox:1.36"
WAIT = ["sleep", "infinity"]
ON_A_NETWORK: dict[str, Any] = {"network_mode": None}
_BRIDGE: dict[str, Any] = {"networks": {"apart": None}, "network_mode": None}
_SEVERAL: dict[str, Any] = {"networks": {"apart": None, "beside": None}, "network_mode": None}


def plain(key: str, first: Any, second: Any = None, /, **more: Any) -> Sample:
    """A field whose key in the service is its own key."""
    other = None if second is None else {key: second}
    return Sample(more.pop("name", key.replace("_", "-")), more.pop("field", key), {key: first}, other, **more)


def limit(name: str, key: str, section: str, first: Any, second: Any, field: str, **more: Any) -> Sample:
    """A field that is said under deploy.resources."""
    return Sample(
        name, field, {"deploy": {"resources": {section: {key: first}}}},
        {"deploy": {"resources": {section: {key: second}}}}, **more,
    )  # fmt: skip


def attached(name: str, first: Any, second: Any = None, /, **more: Any) -> Sample:
    """An option of a service's attachment to a network of its own."""
    key = more.pop("key", name.replace("-", "_"))
    return Sample(
        f"networks-{name}", "networks", {"networks": {"own": {key: first}}},
        None if second is None else {"networks": {"own": {key: second}}},
        rest={"network_mode": None, "networks": {"own": None}}, **more,
    )  # fmt: skip


def mounted(name: str, first: Any, second: Any = None, /, **more: Any) -> Sample:
    """A mount at /data."""
    return Sample(
        f"volumes-{name}", "volumes", {"volumes": [{"target": "/data", **first}]},
        None if second is None else {"volumes": [{"target": "/data", **second}]}, **more,
    )  # fmt: skip


def checked(name: str, first: Any, second: Any = None, /, **more: Any) -> Sample:
    """A part of a health check."""
    quick = {"test": ["CMD", "true"], "interval": "200ms"}
    return Sample(
        f"healthcheck-{name}", "healthcheck", {"healthcheck": {**quick, **first}},
        None if second is None else {"healthcheck": {**quick, **second}}, rest={"healthcheck": quick}, **more,
    )  # fmt: skip


def shared(kind: str, first: Any, second: Any) -> Sample:
    """A file of a config or secret."""
    return Sample(
        f"{kind}-file", kind, {kind: [{"source": "own_file", "target": f"/etc/{kind}", **first}]},
        {kind: [{"source": "own_file", "target": f"/etc/{kind}", **second}]}, top={kind: {"own_file": {"file": "own.txt"}}},
    )  # fmt: skip


_WINDOWS = "only engines on Windows have it"
_ONE_PLATFORM = "the images here are of one platform"

STRUCTURED = (
    plain("image", "alpine:3.20"),
    plain("platform", "linux/amd64", "linux/arm64", untried=_ONE_PLATFORM),
    plain("entrypoint", ["sh", "-c", 'exec "$$@"', "one"], ["sh", "-c", 'exec "$$@"', "two"]),
    plain("command", ["sleep", "100000"], ["sleep", "200000"]),
    plain("command", [], ["200000"], name="command-empty", rest={"entrypoint": ["sleep", "100000"], "command": ["300000"]}),
    plain("environment", {"A": "1"}, {"A": "2"}, changed=("environment.A",)),
    plain("environment", {"PATH": None}, {"PATH": "/bin"}, name="environment-none",
          rest={"command": ["/bin/sleep", "infinity"]}, changed=("environment.PATH",)),
    plain("labels", {"a": "1"}, {"a": "2"}, changed=("labels.a",)),
    plain("user", "1000", "1000:1000"),
    plain("working_dir", "/tmp", "/var/"),
    plain("stop_signal", "SIGQUIT", "SIGUSR1", rest={"stop_grace_period": "0s"}),
    plain("healthcheck", {"test": ["CMD", "true"], "interval": "200ms"},
          removed=("healthcheck.interval", "healthcheck.test")),
    checked("test", {"test": "true"}, {"test": ["CMD", "test", "1"]}),
    checked("interval", {"interval": "300ms"}, {"interval": "400ms"}),
    checked("timeout", {"timeout": "2s"}, {"timeout": "1m30s"}),
    checked("start-period", {"start_period": "2s"}, {"start_period": "3s"}),
    checked("retries", {"retries": 5}, {"retries": 6}),
    checked(
        "start-interval", {"start_interval": "1s", "start_period": "2s"}, {"start_interval": "2s", "start_period": "2s"},
        since=(1, 44), removed=("healthcheck.start_interval", "healthcheck.start_period"),
    ),
    Sample("healthcheck-disable", "healthcheck", {"healthcheck": {"disable": True}}),
    plain("expose", ["3000"], ["3000-3002/udp"]),
    plain(
        "ports", ["127.0.0.1:24871:80"], ["127.0.0.1:24872:80"], rest=ON_A_NETWORK, changed=("ports.80/tcp",),
    ),
    plain("ports", ["81/udp"], ["127.0.0.1::81/udp"], name="ports-any", rest=ON_A_NETWORK, changed=("ports.81/udp",)),
    mounted("named", {"type": "volume", "source": "stored"}, {"type": "volume", "source": "other"},
            top={"volumes": {"stored": {}, "other": {}}}, changed=("volumes./data.source",)),
    mounted("anonymous", {"type": "volume"}),
    mounted("read-only", {"type": "volume", "source": "stored", "read_only": True}, {"type": "volume", "source": "stored"},
            changed=("volumes./data.read_only",)),
    mounted("nocopy", {"type": "volume", "source": "stored", "volume": {"nocopy": True}}, {"type": "volume", "source": "stored"},
            changed=("volumes./data.nocopy",)),
    mounted("labels", {"type": "volume", "volume": {"labels": {"a": "1"}}}, {"type": "volume", "volume": {"labels": {"a": "2"}}},
            changed=("volumes./data.labels.a",)),
    mounted("subpath", {"type": "volume", "source": "stored", "volume": {"subpath": "."}}, {"type": "volume", "source": "stored"},
            since=(1, 45), changed=("volumes./data.subpath",)),
    mounted("image", {"type": "image", "source": "alpine:3.20"}, {"type": "image", "source": IMAGE}, since=(1, 48),
            changed=("volumes./data.source",)),
    mounted("image-subpath", {"type": "image", "source": IMAGE, "image": {"subpath": "etc"}},
            {"type": "image", "source": IMAGE, "image": {"subpath": "bin"}}, since=(1, 48), changed=("volumes./data.subpath",)),
    mounted("bind", {"type": "bind", "source": "./one"}, {"type": "bind", "source": "./two"}, changed=("volumes./data.source",)),
    mounted("propagation", {"type": "bind", "source": "./one", "bind": {"propagation": "private"}},
            {"type": "bind", "source": "./one"}, changed=("volumes./data.propagation",)),
    mounted("selinux", {"type": "bind", "source": "./one", "bind": {"selinux": "z"}},
            {"type": "bind", "source": "./one", "bind": {"selinux": "Z"}}, changed=("volumes./data.selinux",)),
    mounted("recursive", {"type": "bind", "source": "./one", "bind": {"recursive": "disabled"}},
            {"type": "bind", "source": "./one"}, changed=("volumes./data.recursive",)),
    mounted("recursive-writable", {"type": "bind", "source": "./one", "read_only": True, "bind": {"recursive": "writable"}},
            {"type": "bind", "source": "./one", "read_only": True}, since=(1, 44), changed=("volumes./data.recursive",)),
    mounted("tmpfs-size", {"type": "tmpfs", "tmpfs": {"size": "1m"}}, {"type": "tmpfs", "tmpfs": {"size": "2m"}},
            changed=("volumes./data.size",)),
    mounted("tmpfs-mode", {"type": "tmpfs", "tmpfs": {"mode": 0o700}}, {"type": "tmpfs", "tmpfs": {"mode": 0o1777}},
            changed=("volumes./data.mode",)),
    plain("use_api_socket", True, field="volumes", removed=("volumes./var/run/docker.sock",)),
    plain("post_start", [{"command": ["true"]}], [{"command": ["true", "1"], "user": "1000"}]),
    plain("pre_stop", [{"command": "true"}], [{"command": "true", "environment": ["A=1"]}]),
    plain("volumes_from", ["anchor"], ["anchor:ro"]),
    shared("configs", {"mode": 0o400}, {"mode": 0o440}),
    shared("secrets", {"uid": "1"}, {"uid": "2"}),
    plain("network_mode", "bridge", "service:anchor", removed=("network_mode", "networks.default"), rest={"network_mode": None}),
    plain("network_mode", "host", "none", name="network-mode-host", removed=("network_mode", "networks.default"),
          rest={"network_mode": None}),
    plain("networks", {"apart": None, "beside": None}, rest=_BRIDGE, name="networks-joined",
          removed=("networks.beside",)),
    attached("aliases", ["one"], ["two"], changed=("networks.own.aliases",)),
    attached("ipv4-address", "10.213.1.77", "10.213.1.78", changed=("networks.own.ipv4_address",)),
    attached("ipv6-address", "fd00:213:1::77", "fd00:213:1:0::0078", changed=("networks.own.ipv6_address",)),
    attached("link-local-ips", ["169.254.8.8"], ["169.254.8.9"], changed=("networks.own.link_local_ips",)),
    attached("driver-opts", {"com.example.a": "1"}, {"com.example.a": "2"}, changed=("networks.own.driver_opts.com.example.a",)),
    attached("interface-name", "own0", "own1", since=(1, 49),
             changed=("networks.own.driver_opts.com.docker.network.endpoint.ifname",)),
    attached("mac-address", "02:42:ac:aa:00:01", "02:42:ac:aa:00:02", since=(1, 44), changed=("networks.own.mac_address",)),
    attached("gw-priority", 10, 20, since=(1, 48), changed=("networks.own.gw_priority",)),
    plain("mac_address", "02:42:AC:AB:00:01", "02:42:ac:ab:00:02", name="mac-address-network", field="networks",
          rest=ON_A_NETWORK, changed=("networks.default.mac_address",)),
    plain("mac_address", "02:42:ac:ac:00:01", "02:42:ac:ac:00:02", rest={"network_mode": "bridge"}),
    Sample("networks-priority", "default_network", {"networks": {"apart": None, "beside": {"priority": 5}}},
           {"networks": {"apart": {"priority": 6}, "beside": {"priority": 5}}}, rest=_SEVERAL),
    plain("links", ["anchor:one"], ["anchor:two"], name="links-network", field="networks", rest=ON_A_NETWORK,
          changed=("networks.default.links",)),
    plain("external_links", ["some-container:one"], ["some-container:two"], name="external-links-network", field="networks",
          rest=ON_A_NETWORK, changed=("networks.default.links",)),
    plain("links", ["on-the-bridge:one"], ["on-the-bridge:two"], rest={"network_mode": "bridge"}),
    plain("pid", "host", "service:anchor"),
    plain("ipc", "shareable", "host"),
    plain("ipc", "private", "service:anchor", name="ipc-shared"),
)  # fmt: skip

PLAIN = (
    plain("hostname", "one", "two"),
    plain("domainname", "one.test", "two.test"),
    plain("tty", True),
    plain("stdin_open", True),
    plain("stop_grace_period", "7s", "1m30s"),
    plain("restart", "on-failure:3", "always"),
    Sample("restart-policy", "restart", {"deploy": {"restart_policy": {"condition": "on-failure", "max_attempts": 3}}},
           {"deploy": {"restart_policy": {"condition": "any"}}}),
    plain("mem_limit", "64m", "80m"),
    limit("limits-memory", "memory", "limits", "64m", "0.08gb", "mem_limit"),
    plain("mem_reservation", "32m", "40m"),
    limit("reservations-memory", "memory", "reservations", "32m", "40m", "mem_reservation"),
    plain("cpus", 0.5, "0.75"),
    limit("limits-cpus", "cpus", "limits", "0.50", "0.6", "cpus"),
    plain("pids_limit", 50, 60),
    plain("pids_limit", -1, 60, name="pids-unlimited"),
    limit("limits-pids", "pids", "limits", 50, 60, "pids_limit"),
    plain("memswap_limit", "100m", "-1", rest={"mem_limit": "64m"}),
    plain("mem_swappiness", 10, 0),
    plain("oom_kill_disable", True),
    plain("oom_score_adj", 100, 200),
    plain("cpu_shares", 512, 256),
    plain("cpu_quota", 50000, 60000),
    plain("cpu_period", 50000, 60000, rest={"cpu_quota": 40000}),
    plain("cpu_rt_runtime", 400000, 500000, untried="the kernel has no real-time groups"),
    plain("cpu_rt_period", 900000, 950000, untried="the kernel has no real-time groups"),
    plain("cpuset", "0", "1"),
    plain("cpu_count", 1, 2, untried=_WINDOWS),
    plain("cpu_percent", 10, 20, untried=_WINDOWS),
    plain("blkio_config", {"weight": 300}, {"weight": 400}, name="blkio-weight", untried="the kernel weighs no block I/O",
          changed=("blkio_config.weight",)),
    plain("blkio_config", {"device_read_bps": [{"path": "/dev/vda", "rate": "1mb"}]},
          {"device_read_bps": [{"path": "/dev/vda", "rate": "2mb"}]}, changed=("blkio_config.device_read_bps./dev/vda",)),
    plain("blkio_config", {"device_write_iops": [{"path": "/dev/vda", "rate": 1000}]},
          {"device_write_iops": [{"path": "/dev/vda", "rate": 2000}]}, name="blkio-iops",
          changed=("blkio_config.device_write_iops./dev/vda",)),
    plain("cap_add", ["NET_ADMIN"], ["CAP_NET_ADMIN", "net_bind_service"]),
    plain("cap_drop", ["MKNOD"], ["ALL"]),
    plain("privileged", True, untried="the machine has not all capabilities, and engine 20.10 then refuses"),
    plain("read_only", True),
    plain("security_opt", ["no-new-privileges:true"], ["seccomp:unconfined"]),
    plain("credential_spec", {"file": "one.json"}, {"file": "two.json"}, field="security_opt", untried=_WINDOWS),
    plain("userns_mode", "host"),
    plain("uts", "host"),
    plain("cgroup", "private", "host"),
    plain("cgroup_parent", "/one", "/two"),
    plain("devices", ["/dev/null:/dev/own"], ["/dev/zero:/dev/own:r"],
          changed=("devices./dev/own.permissions", "devices./dev/own.source")),
    plain("device_cgroup_rules", ["c 1:3 mr"], ["c 1:3 mr", "c 1:5 mr"]),
    plain("gpus", "all", [{"count": 2}], untried="there are no GPUs"),
    plain("devices", ["vendor.example/gpu=one"], ["vendor.example/gpu=two"], name="devices-cdi", field="gpus",
          untried="there are no CDI devices"),
    plain("dns", ["10.0.0.1"], ["10.0.0.1", "10.0.0.2"], rest=ON_A_NETWORK),
    plain("dns_opt", ["ndots:2"], ["ndots:3"], rest=ON_A_NETWORK),
    plain("dns_search", ["one.test"], ["two.test"], rest=ON_A_NETWORK),
    plain("extra_hosts", ["one:10.0.0.1"], {"one": "10.0.0.2", "six": "fd00::1", "host": "host-gateway"}, rest=ON_A_NETWORK),
    plain("group_add", ["1234"], [1234, "mail"]),
    plain("init", True, False),
    plain("isolation", "process", "hyperv", untried=_WINDOWS),
    plain("runtime", "io.containerd.runc.v2"),
    plain("shm_size", "32m", "48m"),
    plain("sysctls", {"kernel.shm_rmid_forced": 1}, ["kernel.shm_rmid_forced=0"], changed=("sysctls.kernel.shm_rmid_forced",)),
    plain("ulimits", {"nofile": 1024}, {"nofile": {"soft": 1000, "hard": 1024}}, changed=("ulimits.nofile",)),
    plain("storage_opt", {"size": "1G"}, {"size": "2G"}, untried="the file system has no quotas", changed=("storage_opt.size",)),
    plain("tmpfs", ["/scratch:size=1m"], ["/scratch:size=2m,mode=700"], changed=("tmpfs./scratch",)),
    plain("logging", {"driver": "json-file", "options": {"max-size": "1m"}},
          {"driver": "json-file", "options": {"max-size": "2m"}}, changed=("logging.options.max-size",),
          rest={"logging": {"driver": "json-file"}}),
    plain("logging", {"driver": "local"}, {"driver": "none"}, name="logging-driver", changed=("logging.driver",)),
    plain("annotations", {"com.example.a": "1"}, {"com.example.a": "2"}, since=(1, 43), changed=("annotations.com.example.a",)),
)  # fmt: skip

SAMPLES = (*STRUCTURED, *PLAIN)
