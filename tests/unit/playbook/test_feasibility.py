"""What the file alone, or the file and what the engine says of itself, shows to be impossible."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from provisioner.document import Sources, canonical, read
from provisioner.errors import PlaybookInvalid
from provisioner.platforms import swarm
from provisioner.platforms.capabilities import incapable
from provisioner.playbook.bind import bind
from provisioner.playbook.crossref import contradictions
from provisioner.playbook.image_name import problem_of
from tests.unit.playbook.engine_facts import FACTS

if TYPE_CHECKING:
    from pathlib import Path

    from provisioner.model.playbook import Playbook
    from provisioner.model.span import Problem
    from provisioner.model.state import Facts

# A part of a service → the key that is wrong, and a part of what is said.
IMPOSSIBLE = {
    "healthcheck: {test: [CMD]}": ("healthcheck.test", "after CMD there is no command"),
    "healthcheck: {test: [CMD-SHELL]}": ("healthcheck.test", "after CMD-SHELL there is no command"),
    "post_start: [{command: []}]": ("post_start.0.command", "there is no command to run"),
    "pre_stop: [{command: x}, {command: ''}]": ("pre_stop.1.command", "there is no command to run"),
    "pre_start: [{command: x, working_dir: rel}]": ("pre_start.0.working_dir", "'rel' is not absolute"),
    "post_start: [{command: x, working_dir: rel}]": ("post_start.0.working_dir", "'rel' is not absolute"),
    "user: '-5'": ("user", "'-5' is no number of a user"),
    "user: 'app:2147483648'": ("user", "'2147483648' is no number of a user or group"),
    "group_add: [-1]": ("group_add.0", "'-1' is no number of a group"),
    "group_add: [audio, '2147483648']": ("group_add.1", "is no number of a group"),
    "networks: {n: {link_local_ips: [169.254.8.8, foo]}}": ("networks.n.link_local_ips.1", "'foo' is no IP address"),
    "build: {context: ., platforms: [linux/amd64, foo/bar]}": ("build.platforms.1", "'foo/bar' is no platform"),
    "build: {context: ., extra_hosts: ['a=1.2.3']}": ("build.extra_hosts.0", "'1.2.3' is no IP address"),
    "ulimits: {nofile: -5}": ("ulimits.nofile", "-5 is no limit"),
    "ulimits: {nofile: {soft: -2, hard: 9}}": ("ulimits.nofile", "-2 is no limit"),
    "labels: {provisioner.name: x}": ("labels.provisioner.name", "by which provision knows its objects"),
    "deploy: {labels: [provisioner.x=1]}": ("deploy.labels.provisioner.x", "by which provision knows its objects"),
    "volumes: [data]": ("volumes.0", "the target 'data' is not absolute"),
    "volumes: ['x:data']": ("volumes.0", "the target 'x:data' is not absolute"),
    "volumes: ['./here:rel/a']": ("volumes.0", "the target 'rel/a' is not absolute"),
    "volumes: [{type: volume, source: vv, target: cache}]": ("volumes.0", "write it like /cache"),
    "volumes: [{type: tmpfs, target: /}]": ("volumes.0", "nothing can be mounted over '/'"),
    "volumes: ['n:/cache']": ("volumes.0", "{type: volume, source: n, target: /cache}"),
    "volumes: ['n:/cache:ro']": ("volumes.0", "drive of Windows"),
    "tmpfs: run": ("tmpfs.0", "the target 'run' is not absolute"),
    "tmpfs: ['/run', 'tmp:size=1m']": ("tmpfs.1", "the target 'tmp' is not absolute"),
    "working_dir: app": ("working_dir", "'app' is not absolute"),
    "mac_address: zz": ("mac_address", "'zz' is no MAC address"),
    "mac_address: '02:42:ac:11:65'": ("mac_address", "is no MAC address"),
    "mac_address: '02:42:ac:11:65:4g'": ("mac_address", "is no MAC address"),
    "networks: {n: {mac_address: '1'}}": ("networks.n.mac_address", "is no MAC address"),
    "networks: {n: {ipv4_address: 10.0.0.300}}": ("networks.n.ipv4_address", "no IP address of version 4"),
    "networks: {n: {ipv6_address: 10.0.0.3}}": ("networks.n.ipv6_address", "no IP address of version 6"),
    "dns: example.com": ("dns.0", "'example.com' is no IP address"),
    "dns: [9.9.9.9, 1.2.3]": ("dns.1", "'1.2.3' is no IP address"),
    "extra_hosts: ['a:b']": ("extra_hosts.0", "'b' is no IP address"),
    "extra_hosts: {a: host}": ("extra_hosts.0", "'host' is no IP address"),
    "stop_signal: SIGFOO": ("stop_signal", "'SIGFOO' is no signal"),
    "stop_signal: '65'": ("stop_signal", "'65' is no signal"),
    "stop_signal: '0'": ("stop_signal", "'0' is no signal"),
    "platform: linux/foo": ("platform", "'linux/foo' is no platform"),
    "platform: foo": ("platform", "'foo' is no platform"),
    "platform: linux/arm64/v8/x": ("platform", "is no platform"),
    "security_opt: [bogus]": ("security_opt.0", "'bogus' is no security option"),
    "security_opt: ['foo=bar']": ("security_opt.0", "is no security option"),
    "cap_add: [NET_ADMIN, NOPE]": ("cap_add.1", "'NOPE' is no capability"),
    "cap_drop: [EVERYTHING]": ("cap_drop.0", "is no capability"),
    "ulimits: {nofile: {soft: 10, hard: 5}}": ("ulimits.nofile", "the soft limit 10 is above the hard limit 5"),
    "ulimits: {nofile: {soft: -1, hard: 5}}": ("ulimits.nofile", "unlimited is above the hard limit 5"),
    "ulimits: {openfiles: 5}": ("ulimits.openfiles", "'openfiles' is no limit"),
    "mem_limit: 1m": ("mem_limit", "less than the 6 MB"),
    "mem_limit: 512": ("mem_limit", "512 bytes of memory"),
    "mem_reservation: 5m": ("mem_reservation", "less than the 6 MB"),
    "deploy: {resources: {limits: {memory: 5M}}}": ("deploy.resources.limits.memory", "less than the 6 MB"),
    "{mem_limit: 64m, mem_reservation: 128m}": ("mem_reservation", "more memory is reserved than the limit"),
    "devices: ['ttyS0:/dev/x']": ("devices.0", "'ttyS0' is no device"),
    "devices: ['/dev/null:x']": ("devices.0", "'x' is no device"),
    "devices: [/dev/zero, '/dev/null:/dev/x:abc']": ("devices.1", "'abc' are no rights"),
    "sysctls: {kernel.hostname: x}": ("sysctls.kernel.hostname", "write `hostname` instead"),
    "sysctls: ['vm.swappiness=3']": ("sysctls.vm.swappiness", "a parameter of the whole host"),
    "sysctls: {fs.file-max: 5}": ("sysctls.fs.file-max", "a parameter of the whole host"),
    "tmpfs: ['/x:size=zz']": ("tmpfs.0", "'size=zz' is no option of a folder in memory: its value is none"),
    "tmpfs: [/y, '/x:rw,nosuch']": ("tmpfs.1", "'nosuch' is no option"),
    "tmpfs: ['/x:mode=999']": ("tmpfs.0", "'mode=999' is no option"),
    "memswap_limit: 64m": ("memswap_limit", "there is no limit of memory"),
    "{mem_limit: 64m, memswap_limit: 32m}": ("memswap_limit", "less than the limit of memory alone"),
    "cpus: 0.001": ("cpus", "less than the least part"),
    "cpu_quota: 500": ("cpu_quota", "at least 1000"),
    "cpu_period: 2000000": ("cpu_period", "from 1000 to 1000000"),
    "ipc: foo": ("ipc", "'foo' is no such namespace"),
    "pid: 'other:x'": ("pid", "is no such namespace"),
    "uts: private": ("uts", "is no such namespace"),
    "userns_mode: foo": ("userns_mode", "is no such namespace"),
    "blkio_config: {weight: 5}": ("blkio_config.weight", "5 is no weight"),
    "healthcheck: {test: 'true', interval: 500us}": ("healthcheck.interval", "shorter than the millisecond"),
    "healthcheck: {test: 'true', timeout: 0.9ms}": ("healthcheck.timeout", "'900µs' is shorter"),
    "cpu_shares: 1": ("cpu_shares", "2 are the least"),
    "cpu_shares: -3": ("cpu_shares", "-3 shares"),
    "cpuset: 5-2": ("cpuset", "'5-2' is no list of CPUs"),
    "cpuset: '0,'": ("cpuset", "is no list of CPUs"),
    "cpuset: a": ("cpuset", "write it like 0-2,5"),
    "cpu_period: -1": ("cpu_period", "from 1000 to 1000000"),
    "device_cgroup_rules: ['c 1:3 r', 'c 1:3']": ("device_cgroup_rules.1", "'c 1:3' is no rule"),
    "device_cgroup_rules: ['c 1:3 q']": ("device_cgroup_rules.0", "is no rule"),
    "blkio_config: {device_read_bps: [{path: sda, rate: 1mb}]}": (
        "blkio_config.device_read_bps.0", "'sda' is no device",
    ),
    "blkio_config: {weight_device: [{path: sda, weight: 50}]}": ("blkio_config.weight_device.0", "'sda' is no"),
    "storage_opt: {nope: 1G}": ("storage_opt.nope", "there is: size"),
    "volumes: [{type: bind, source: /tmp, target: /x, bind: {propagation: foo}}]": (
        "volumes.0.bind.propagation", "'foo' is no propagation",
    ),
    "volumes_from: ['other:xx']": ("volumes_from.0", "'xx' is not how"),
    "volumes_from: ['container:far:ro,xx']": ("volumes_from.0", "write ro or rw"),
    "group_add: ['']": ("group_add.0", "names no group"),
    f"command: ['{'x' * 131072}']": ("command.0", "has 131072 bytes"),
    f"environment: {{A: {'é' * 65536}}}": ("environment.A", "has 131074 bytes"),
    "logging: {driver: json-file, options: {max-size: abc}}": ("logging.options.max-size", "'abc' is no size"),
    "logging: {driver: json-file, options: {max-size: '0'}}": ("logging.options.max-size", "'0' is no size"),
    "logging: {driver: local, options: {max-size: '-1'}}": ("logging.options.max-size", "'-1' is no size"),
    "logging: {driver: json-file, options: {max-file: '0'}}": ("logging.options.max-file", "'0' is no number"),
    "logging: {driver: json-file, options: {nope: '1'}}": ("logging.options.nope", "has no option 'nope'"),
    "logging: {driver: local, options: {tag: x}}": ("logging.options.tag", "driver local has no option"),
    "logging: {driver: json-file, options: {mode: foo}}": ("logging.options.mode", "'foo' is no such mode"),
    "logging: {driver: json-file, options: {max-buffer-size: 1m}}": (
        "logging.options.max-buffer-size", "with `mode: non-blocking` only",
    ),
    "logging: {driver: json-file, options: {max-size: 1m, max-file: '1', compress: 'true'}}": (
        "logging.options.compress", "is a file that is full",
    ),
    "logging: {driver: json-file, options: {max-file: '3', compress: 'true'}}": (
        "logging.options.compress", "is a file that is full",
    ),
    "logging: {driver: local, options: {max-file: '1', compress: maybe}}": (
        "logging.options.compress", "neither true nor false",
    ),
    f"hostname: {'h' * 65}": ("hostname", "has 65 letters"),
    "image: 'bb 1:UP PER/x'": ("image", "it has a space in it"),
    "image: Busybox": ("image", "it has capital letters"),
    "image: 'busybox:-x'": ("image", "its tag is not"),
    "image: 'busybox@sha256:12'": ("image", "no digest"),
    "image: 'a//b'": ("image", "no such name"),
    f"image: {'x' * 300}": ("image", "300 letters"),
    "{image: x, build: /}": ("build.context", "the whole file system"),
    "{image: x, build: {context: ., tags: ['A B']}}": ("build.tags.0", "is no name of an image"),
}  # fmt: skip
# The same for networks, on a plain engine.
IMPOSSIBLE_NETWORKS = {
    "{ipam: {config: [{subnet: 10.1.0.0/24}, {subnet: 10.2.0.0/24}]}}": "10.1.0.0/24 is that already",
    "{driver: bridge, ipam: {config: [{subnet: 'fd00::/64'}, {subnet: 'fd01::/64'}]}}": "a bridge has one IPv6 subnet",
    "{enable_ipv6: true}": "has no IPv6 subnets of its own",
    "{labels: {provisioner.name: x}}": "networks.n.labels.provisioner.name: 'provisioner.name' is one of the labels",
    "{ipam: {config: [{subnet: 224.0.0.0/24}]}}": "config.0.subnet: 224.0.0.0/24 is for multicast",
    "{ipam: {config: [{subnet: 127.9.0.0/24}]}}": "127.9.0.0/24 is for loopback",
    "{ipam: {config: [{subnet: 0.0.0.0/24}]}}": "0.0.0.0/24 is for no host",
    "{driver: bridge, enable_ipv6: true, ipam: {config: [{subnet: 'ff05::/64'}]}}": "ff05::/64 is for multicast",
    "{ipam: {config: [{gateway: 10.8.8.1}]}}": "config.0.gateway: it is a part of a subnet, and none is declared",
    "{ipam: {config: [{ip_range: 10.8.8.0/25}]}}": "config.0.ip_range: it is a part of a subnet",
    "{ipam: {config: [{aux_addresses: {a: 10.8.8.1}}]}}": "config.0.aux_addresses: it is a part of a subnet",
    "{driver_opts: {com.docker.network.driver.mtu: big}}": "'big' is no size of a packet",
    "{driver_opts: {com.docker.network.driver.mtu: -5}}": "'-5' is no size of a packet",
    "{driver_opts: {com.docker.network.bridge.enable_icc: maybe}}": "enable_icc: 'maybe' is neither true nor false",
    "{driver: bridge, driver_opts: {com.docker.network.bridge.enable_ip_masquerade: 'no'}}": "'no' is neither true",
    "{driver_opts: {com.docker.network.bridge.host_binding_ipv4: 1.2.3}}": "'1.2.3' is no IP address",
    "{driver_opts: {com.docker.network.bridge.name: averyverylonginterface}}": "longer than the 15 letters",
    "{enable_ipv6: true, ipam: {config: [{subnet: 10.1.0.0/24}]}}": "has no IPv6 subnets of its own",
}
# What this engine can not do.
INCAPABLE = {
    "logging: {driver: nope}": ("logging.driver", "has no logging driver 'nope'"),
    "runtime: nope": ("runtime", "has no runtime 'nope'"),
    "cpus: 99": ("cpus", "99 CPUs are more than the 2"),
    "deploy: {resources: {limits: {cpus: '2.5'}}}": ("deploy.resources.limits.cpus", "2.5 CPUs are more than the 2"),
    "cpuset: 0-2": ("cpuset", "has no CPU 2"),
    "platform: windows/amd64": ("platform", "runs containers of linux only"),
    "volumes: ['d:/x:/y']": ("volumes.0", "and this engine is on linux"),
}
POSSIBLE = (
    "volumes: ['data:/data', './a:/a:ro', /anon, {type: tmpfs, target: /t}, {type: volume, source: n, target: /n}]",
    "tmpfs: ['/run', '/tmp:size=1m,mode=1777', '/x:rw,noexec,size=50%,uid=3,nr_inodes=1k']",
    "devices: [/dev/null, '/dev/zero:/dev/z:r', 'vendor.com/gpu=all']",
    "sysctls: {net.core.somaxconn: 9, kernel.shmmax: 1, net/ipv4/ip_forward: 1, fs.mqueue.msg_max: 3}",
    "{sysctls: {vm.swappiness: 3}, runtime: io.containerd.runsc.v1}",
    "{mac_address: '02:42:AC:11:65:43', working_dir: /app, hostname: web.example.com}",
    "{mac_address: 02-42-ac-11-65-43, dns: [9.9.9.9, '2620:fe::fe'], stop_signal: term}",
    "extra_hosts: ['a:1.2.3.4', 'b=[::1]', 'c:host-gateway', 'd:::1']",
    "{stop_signal: SIGRTMIN+3, ipc: 'service:other', pid: host, uts: host, userns_mode: host}",
    "{stop_signal: '9', platform: linux/arm64/v8, ipc: shareable, pid: 'container:x'}",
    "{platform: linux, security_opt: ['no-new-privileges:true', 'label:disable', apparmor=docker-default]}",
    "{platform: amd64, security_opt: [no-new-privileges], cap_add: [ALL, net_admin, CAP_SYS_TIME], cap_drop: [all]}",
    "{ulimits: {nofile: {soft: 5, hard: 5}, nproc: 3, core: {soft: 0, hard: -1}, memlock: {soft: -1, hard: -1}}}",
    "{mem_limit: 6m, memswap_limit: -1, mem_reservation: 6m, cpus: 2, cpuset: '0,1'}",
    "{mem_limit: 64m, memswap_limit: 64m, cpus: 0.01, cpu_quota: 50000, cpu_period: 100000}",
    "{user: '0:0', post_start: [{command: x, working_dir: /a}], pre_start: [{command: []}], pre_stop: []}",
    "{user: 'app:2147483647', labels: {provisioner: x, com.docker.compose.project: x}}",
    "{healthcheck: {test: 'true', interval: 1ms, timeout: 0s, start_period: 1m}, cpu_shares: 2, cpuset: '0-1,1'}",
    "{cpu_shares: 0, cpu_quota: -1, cpu_period: 0, cpuset: ''}",
    "{device_cgroup_rules: ['a *:* rwm', 'b 8:* r'], storage_opt: {size: 1G}, group_add: [audio, '5']}",
    "{blkio_config: {device_read_bps: [{path: /dev/sda, rate: 1mb}]}, volumes_from: ['other:ro', 'container:x:rw']}",
    "volumes: [{type: bind, source: /tmp, target: /x, bind: {propagation: rslave}}]",
    "logging: {driver: json-file, options: {max-size: 10m, max-file: '3', compress: 'true', tag: '{{.Name}}'}}",
    "logging: {driver: json-file, options: {max-file: '3', labels: a, env-regex: '^A'}}",
    "logging: {driver: local, options: {max-size: 1.5m, compress: 'false', mode: non-blocking, max-buffer-size: 4MB}}",
    "logging: {driver: journald, options: {nope: '1'}}",
    "logging: {options: {max-size: abc}}",
    "{mem_limit: 0, cpus: 0, memswap_limit: 0, logging: {driver: none}, runtime: io.containerd.runsc.v1}",
    "image: 'registry.example.com:5000/Team-less/app_x:V1.2_3'".replace("Team-less", "team-less"),
    "image: 'localhost:5000/a@sha256:" + "0" * 64 + "'",
    "image: 'sha256:" + "0" * 64 + "'",
    "image: '[::1]:5000/app'",
    "image: 'REGISTRY.example.com/app'",
)  # fmt: skip


def bound(tmp_path: Path, service: str, networks: str = "{n: {}}") -> Playbook:
    body = service if service.startswith("{") else f"{{{service}}}"
    body = body if "image:" in body else f"{{image: 'busybox:1.36', {body[1:]}"
    file = tmp_path / "compose.yaml"
    file.write_text(
        f"services:\n  a: {body}\n"
        "  other: {image: x, networks: [n], volumes: ['vv:/v', 'data:/d', {type: volume, source: n, target: /n}]}\n"
        f"networks: {networks}\nvolumes: {{vv: , data: , n: }}\n"
    )
    document = read(Sources((str(file),), environment={"HOME": "/home/x"}))
    assert canonical(document)
    return bind(document)


def refused(playbook: Playbook, facts: Facts = FACTS) -> list[Problem]:
    return [verdict.problem for verdict in incapable(playbook, facts) if verdict.refused]


@pytest.mark.parametrize("service", IMPOSSIBLE)
def test_what_every_engine_refuses_is_told_with_its_place(tmp_path: Path, service: str) -> None:
    key, says = IMPOSSIBLE[service]
    found = contradictions(bound(tmp_path, service))
    assert [problem.path for problem in found] == [f"services.a.{key}"]
    assert says in str(found[0])
    assert re.match(r".*compose\.yaml:2:\d+: ", str(found[0]))
    assert len(str(found[0])) < 500


@pytest.mark.parametrize("network", IMPOSSIBLE_NETWORKS)
def test_networks_that_an_engine_refuses_are_told_with_their_place(tmp_path: Path, network: str) -> None:
    playbook = bound(tmp_path, "networks: [n]", f"{{n: {network}}}")
    found = [*contradictions(playbook, "containers"), *refused(playbook)]
    assert len(found) == 1
    assert IMPOSSIBLE_NETWORKS[network] in str(found[0])
    assert found[0].span is not None


PAIRS = {
    "{n: {ipam: {config: [{subnet: 10.87.0.0/16}]}}, m: {ipam: {config: [{subnet: 10.87.1.0/24}]}}}": (
        "10.87.1.0/24 and 10.87.0.0/16 of networks.n at ",
    ),
    "{n: {ipam: {config: [{subnet: 10.87.1.0/24}]}}, m: {driver: macvlan, ipam: {config: [{subnet: 10.87.1.0/24}]}}}": (
        "10.87.1.0/24 and 10.87.1.0/24 of networks.n",
    ),
    "{n: {driver_opts: {NAME: br8}}, m: {driver_opts: {NAME: br8}}}": (
        "the interface 'br8' is that of networks.n already",
    ),
    "{n: {ipam: {config: [{subnet: 10.87.0.0/24}]}}, m: {ipam: {config: [{subnet: 10.87.1.0/24}]}}}": (),
    "{n: {ipam: {config: [{subnet: 10.87.0.0/24}]}}, m: {external: true, name: mm}}": (),
    "{n: {driver_opts: {NAME: br8}}, m: {driver_opts: {NAME: br9}}}": (),
    "{n: {ipam: {config: [{subnet: 10.87.0.0/16}]}}, m: , unused: {ipam: {config: [{subnet: 10.87.0.0/24}]}}}": (),
}  # fmt: skip


@pytest.mark.parametrize("networks", PAIRS)
def test_two_networks_that_an_engine_does_not_make_beside_each_other(tmp_path: Path, networks: str) -> None:
    playbook = bound(tmp_path, "networks: [n, m]", networks.replace("NAME", "com.docker.network.bridge.name"))
    found = contradictions(playbook, "containers")
    assert len(found) == len(PAIRS[networks])
    for problem, says in zip(found, PAIRS[networks], strict=True):
        assert says in problem.message
        assert problem.path.startswith("networks.m.")
        assert re.match(r".*compose\.yaml:4:\d+: ", str(problem))


@pytest.mark.parametrize("service", INCAPABLE)
def test_what_this_engine_refuses_is_told_with_its_place(tmp_path: Path, service: str) -> None:
    key, says = INCAPABLE[service]
    playbook = bound(tmp_path, service)
    assert contradictions(playbook, "containers") == ()
    (problem,) = refused(playbook)
    assert problem.path == f"services.a.{key}"
    assert says in problem.message
    # An engine that does not tell is not judged, and a Swarm has other engines.
    unknown = replace(FACTS, logging_drivers=(), runtimes=(), cpus=0, architecture="", platform="windows")
    assert refused(playbook, unknown) == []
    assert problem not in [verdict.problem for verdict in swarm.check(playbook, FACTS)]


@pytest.mark.parametrize("service", POSSIBLE)
def test_what_engines_take_is_let_pass(tmp_path: Path, service: str) -> None:
    playbook = bound(tmp_path, service)
    assert contradictions(playbook, "containers") == ()
    assert refused(playbook) == []


def test_another_architecture_is_doubtful_and_not_refused(tmp_path: Path) -> None:
    for platform, noted in (("linux/arm64", 1), ("arm64", 1), ("linux/amd64", 0), ("linux/386", 0), ("linux", 0)):
        verdicts = incapable(bound(tmp_path, f"platform: {platform}"), FACTS)
        assert [verdict.refused for verdict in verdicts] == [False] * noted


def test_pools_of_both_families_and_engines_with_pools_of_their_own(tmp_path: Path) -> None:
    both = "{enable_ipv6: true, ipam: {config: [{subnet: 10.1.0.0/24}, {subnet: 'fd00::/64'}]}}"
    playbook = bound(tmp_path, "networks: [n]", f"{{n: {both}}}")
    assert contradictions(playbook, "containers") == ()
    assert refused(playbook) == []
    bare = bound(tmp_path, "networks: [n]", "{n: {enable_ipv6: true}}")
    assert refused(bare, replace(FACTS, api_version=(1, 46))) == []
    assert refused(bare, replace(FACTS, address_pools=("fd00:5::/48",))) == []
    overlay = bound(tmp_path, "networks: [n]", "{n: {ipam: {config: [{subnet: 10.1.0.0/24}, {subnet: 10.2.0.0/24}]}}}")
    assert contradictions(overlay, "swarm") == ()


def test_options_and_pools_that_bridges_take_are_let_pass(tmp_path: Path) -> None:
    for network in (
        "{driver_opts: {com.docker.network.driver.mtu: 1450, com.docker.network.bridge.enable_icc: 'false'}}",
        "{driver_opts: {com.docker.network.bridge.enable_ip_masquerade: T, com.docker.network.driver.mtu: '0'}}",
        "{driver_opts: {com.docker.network.bridge.name: exactly15letter, foo: bar}}",
        "{driver_opts: {com.docker.network.bridge.host_binding_ipv4: 127.0.0.1}}",
        "{driver: ipvlan, driver_opts: {com.docker.network.driver.mtu: big}}",
        "{ipam: {config: [{subnet: 240.1.0.0/24}]}}",
        "{ipam: {config: [{subnet: 169.254.9.0/24}]}}",
        "{ipam: {driver: mine, config: [{gateway: 10.8.8.1}]}}",
        "{ipam: {config: []}}",
    ):
        assert contradictions(bound(tmp_path, "networks: [n]", f"{{n: {network}}}"), "containers") == (), network


def test_ports_in_the_network_of_the_host_have_no_effect_and_are_not_refused(tmp_path: Path) -> None:
    for service, noted in (
        ("{network_mode: host, ports: ['80:80']}", ["services.a.ports"]),
        ("{network_mode: host, ports: []}", []),
        ("{networks: [n], ports: ['80:80']}", []),
    ):
        playbook = bound(tmp_path, service)
        assert contradictions(playbook, "containers") == ()
        verdicts = [*incapable(playbook, FACTS)]
        assert [verdict.problem.path for verdict in verdicts] == noted
        assert not any(verdict.refused for verdict in verdicts)


def test_what_a_variable_without_a_value_leaves_is_told_as_that_alone(tmp_path: Path) -> None:
    playbook = bound(tmp_path, "{image: 'app:${NOPE}', dns: ['${NOPE}']}")
    assert contradictions(playbook) == ()


def test_values_of_services_that_are_not_active_do_not_count(tmp_path: Path) -> None:
    assert contradictions(bound(tmp_path, "{mac_address: zz, profiles: [old]}")) == ()


@given(st.text(max_size=300))
def test_an_image_name_is_judged_whatever_it_is(text: str) -> None:
    why = problem_of(text)
    assert "\n" not in why
    assert why == problem_of(text)


_COMPONENT = st.from_regex(r"\A[a-z0-9]+([._-][a-z0-9]+)?\Z")


@given(
    st.lists(_COMPONENT, min_size=1, max_size=4),
    st.sampled_from(["", "localhost:5000/", "r.example.com/", "10.0.0.1:443/"]),
    st.one_of(st.just(""), st.from_regex(r"\A:[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}\Z")),
    st.sampled_from(["", "@sha256:" + "a" * 64]),
)
def test_every_well_formed_image_name_is_one(parts: list[str], host: str, tag: str, digest: str) -> None:
    assert problem_of(f"{host}{'/'.join(parts)}{tag}{digest}") == ""


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "mac_address",
                "hostname",
                "stop_signal",
                "platform",
                "runtime",
                "ipc",
                "pid",
                "working_dir",
                "cpuset",
                "userns_mode",
            ]
        ),
        st.text(max_size=40),
    )
)
@example({"cpuset": "¹"})
def test_any_text_is_judged_without_a_crash(tmp_path_factory: Any, body: dict[str, str]) -> None:
    import json

    file = tmp_path_factory.mktemp("any") / "compose.yaml"
    file.write_text(json.dumps({"services": {"a": {"image": "x", **body}}}).replace("$", "$$"))
    try:
        playbook = bind(read(Sources((str(file),), environment={})))
    except PlaybookInvalid:
        return
    for problem in (*contradictions(playbook, "containers"), *refused(playbook)):
        assert problem.span is not None
        assert problem.hint
