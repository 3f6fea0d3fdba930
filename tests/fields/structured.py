"""Samples of the fields of a container that are written in forms of their own: what runs, mounts, networks."""

from __future__ import annotations

from typing import Any

from tests.fields.sample import Sample
from tests.fields.writing import IMAGE, ON_A_NETWORK, attached, checked, mounted, plain, shared

_BRIDGE: dict[str, Any] = {"networks": {"apart": None}, "network_mode": None}
_SEVERAL: dict[str, Any] = {"networks": {"apart": None, "beside": None}, "network_mode": None}
_ONE_PLATFORM = "the images here are of one platform"

STRUCTURED = (
    plain("image", "alpine:3.20"),
    plain("platform", "linux/amd64", "linux/arm64", untried=_ONE_PLATFORM),
    plain("entrypoint", ["sh", "-c", 'exec "$$@"', "one"], ["sh", "-c", 'exec "$$@"', "two"]),
    plain("command", ["sleep", "100000"], ["sleep", "200000"]),
    plain(
        "command", [], ["200000"], name="command-empty", rest={"entrypoint": ["sleep", "100000"], "command": ["300000"]}
    ),
    plain("environment", {"A": "1"}, {"A": "2"}, changed=("environment.A",)),
    plain(
        "environment",
        {"PATH": None},
        {"PATH": "/bin"},
        name="environment-none",
        rest={"command": ["/bin/sleep", "infinity"]},
        changed=("environment.PATH",),
    ),
    plain(
        "environment",
        {"A": {"secret": "shown"}},
        {"A": "plain"},
        name="environment-secret",
        changed=("environment.A",),
        top={"secrets": {"shown": {"file": "own.txt", "allow_env": True}}},
    ),
    plain("labels", {"a": "1"}, {"a": "2"}, changed=("labels.a",)),
    plain("user", "1000", "1000:1000"),
    plain("working_dir", "/tmp", "/var/"),
    plain("stop_signal", "SIGQUIT", "SIGUSR1", rest={"stop_grace_period": "0s"}),
    plain(
        "healthcheck",
        {"test": ["CMD", "true"], "interval": "200ms"},
        removed=("healthcheck.interval", "healthcheck.test"),
    ),
    checked("test", {"test": "true"}, {"test": ["CMD", "test", "1"]}),
    checked("interval", {"interval": "300ms"}, {"interval": "400ms"}),
    checked("timeout", {"timeout": "2s"}, {"timeout": "1m30s"}),
    checked("start-period", {"start_period": "2s"}, {"start_period": "3s"}),
    checked("retries", {"retries": 5}, {"retries": 6}),
    checked(
        "start-interval",
        {"start_interval": "1s", "start_period": "2s"},
        {"start_interval": "2s", "start_period": "2s"},
        since=(1, 44),
        removed=("healthcheck.start_interval", "healthcheck.start_period"),
    ),
    Sample("healthcheck-disable", "healthcheck", {"healthcheck": {"disable": True}}),
    plain("expose", ["3000"], ["3000-3002/udp"]),
    plain(
        "ports",
        ["127.0.0.1:24871:80"],
        ["127.0.0.1:24872:80"],
        rest=ON_A_NETWORK,
        changed=("ports.80/tcp",),
    ),
    plain("ports", ["81/udp"], ["127.0.0.1::81/udp"], name="ports-any", rest=ON_A_NETWORK, changed=("ports.81/udp",)),
    mounted(
        "named",
        {"type": "volume", "source": "stored"},
        {"type": "volume", "source": "other"},
        top={"volumes": {"stored": {}, "other": {}}},
        changed=("volumes./data.source",),
    ),
    mounted("anonymous", {"type": "volume"}),
    mounted(
        "read-only",
        {"type": "volume", "source": "stored", "read_only": True},
        {"type": "volume", "source": "stored"},
        changed=("volumes./data.read_only",),
    ),
    mounted(
        "nocopy",
        {"type": "volume", "source": "stored", "volume": {"nocopy": True}},
        {"type": "volume", "source": "stored"},
        changed=("volumes./data.nocopy",),
    ),
    mounted(
        "labels",
        {"type": "volume", "volume": {"labels": {"a": "1"}}},
        {"type": "volume", "volume": {"labels": {"a": "2"}}},
        changed=("volumes./data.labels.a",),
    ),
    mounted(
        "subpath",
        {"type": "volume", "source": "stored", "volume": {"subpath": "."}},
        {"type": "volume", "source": "stored"},
        since=(1, 45),
        changed=("volumes./data.subpath",),
    ),
    mounted(
        "image",
        {"type": "image", "source": "alpine:3.20"},
        {"type": "image", "source": IMAGE},
        since=(1, 48),
        changed=("volumes./data.source",),
    ),
    mounted(
        "image-subpath",
        {"type": "image", "source": IMAGE, "image": {"subpath": "etc"}},
        {"type": "image", "source": IMAGE, "image": {"subpath": "bin"}},
        since=(1, 48),
        changed=("volumes./data.subpath",),
    ),
    mounted(
        "bind",
        {"type": "bind", "source": "./one"},
        {"type": "bind", "source": "./two"},
        changed=("volumes./data.source",),
    ),
    mounted(
        "propagation",
        {"type": "bind", "source": "./one", "bind": {"propagation": "private"}},
        {"type": "bind", "source": "./one"},
        changed=("volumes./data.propagation",),
    ),
    mounted(
        "selinux",
        {"type": "bind", "source": "./one", "bind": {"selinux": "z"}},
        {"type": "bind", "source": "./one", "bind": {"selinux": "Z"}},
        changed=("volumes./data.selinux",),
    ),
    mounted(
        "recursive",
        {"type": "bind", "source": "./one", "bind": {"recursive": "disabled"}},
        {"type": "bind", "source": "./one"},
        changed=("volumes./data.recursive",),
    ),
    mounted(
        "recursive-writable",
        {"type": "bind", "source": "./one", "read_only": True, "bind": {"recursive": "writable"}},
        {"type": "bind", "source": "./one", "read_only": True},
        since=(1, 44),
        changed=("volumes./data.recursive",),
    ),
    mounted(
        "tmpfs-size",
        {"type": "tmpfs", "tmpfs": {"size": "1m"}},
        {"type": "tmpfs", "tmpfs": {"size": "2m"}},
        changed=("volumes./data.size",),
    ),
    mounted(
        "tmpfs-mode",
        {"type": "tmpfs", "tmpfs": {"mode": 0o700}},
        {"type": "tmpfs", "tmpfs": {"mode": 0o1777}},
        changed=("volumes./data.mode",),
    ),
    plain("use_api_socket", True, field="volumes", removed=("volumes./var/run/docker.sock",)),
    plain("post_start", [{"command": ["true"]}], [{"command": ["true", "1"], "user": "1000"}]),
    plain("pre_stop", [{"command": "true"}], [{"command": "true", "environment": ["A=1"]}]),
    plain("volumes_from", ["anchor"], ["anchor:ro"]),
    shared("configs", {"mode": 0o400}, {"mode": 0o440}),
    shared("secrets", {"uid": "1"}, {"uid": "2"}),
    plain(
        "network_mode",
        "bridge",
        "service:anchor",
        removed=("network_mode", "networks.default"),
        rest={"network_mode": None},
    ),
    plain(
        "network_mode",
        "host",
        "none",
        name="network-mode-host",
        removed=("network_mode", "networks.default"),
        rest={"network_mode": None},
    ),
    plain(
        "networks", {"apart": None, "beside": None}, rest=_BRIDGE, name="networks-joined", removed=("networks.beside",)
    ),
    attached("aliases", ["one"], ["two"], changed=("networks.own.aliases",)),
    attached("ipv4-address", "10.213.1.77", "10.213.1.78", changed=("networks.own.ipv4_address",)),
    attached("ipv6-address", "fd00:213:1::77", "fd00:213:1:0::0078", changed=("networks.own.ipv6_address",)),
    attached("link-local-ips", ["169.254.8.8"], ["169.254.8.9"], changed=("networks.own.link_local_ips",)),
    attached(
        "driver-opts",
        {"com.example.a": "1"},
        {"com.example.a": "2"},
        changed=("networks.own.driver_opts.com.example.a",),
    ),
    attached(
        "interface-name",
        "own0",
        "own1",
        since=(1, 49),
        changed=("networks.own.driver_opts.com.docker.network.endpoint.ifname",),
    ),
    attached(
        "mac-address", "02:42:ac:aa:00:01", "02:42:ac:aa:00:02", since=(1, 44), changed=("networks.own.mac_address",)
    ),
    attached("gw-priority", 10, 20, since=(1, 48), changed=("networks.own.gw_priority",)),
    plain(
        "mac_address",
        "02:42:AC:AB:00:01",
        "02:42:ac:ab:00:02",
        name="mac-address-network",
        field="networks",
        rest=ON_A_NETWORK,
        changed=("networks.default.mac_address",),
    ),
    plain("mac_address", "02:42:ac:ac:00:01", "02:42:ac:ac:00:02", rest={"network_mode": "bridge"}),
    Sample(
        "networks-priority",
        "default_network",
        {"networks": {"apart": None, "beside": {"priority": 5}}},
        {"networks": {"apart": {"priority": 6}, "beside": {"priority": 5}}},
        rest=_SEVERAL,
    ),
    plain(
        "links",
        ["anchor:one"],
        ["anchor:two"],
        name="links-network",
        field="networks",
        rest=ON_A_NETWORK,
        changed=("networks.default.links",),
    ),
    plain(
        "external_links",
        ["some-container:one"],
        ["some-container:two"],
        name="external-links-network",
        field="networks",
        rest=ON_A_NETWORK,
        changed=("networks.default.links",),
    ),
    plain("links", ["on-the-bridge:one"], ["on-the-bridge:two"], rest={"network_mode": "bridge"}),
    plain("pid", "host", "service:anchor"),
    plain("ipc", "shareable", "host"),
    plain("ipc", "private", "service:anchor", name="ipc-shared"),
)
