"""What every engine does, as the port says it: names, ids, states, attachments, and what it refuses."""

from __future__ import annotations

import io
import re
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from provisioner.errors import EngineConflict, EngineRefused, StepFailed
from provisioner.kinds import container, network, volume
from provisioner.kinds.compare import compare
from provisioner.kinds.context import DecodeContext

if TYPE_CHECKING:
    from provisioner.ports import EngineWriter

LABEL = "contract.test"


def body(**more: Any) -> dict[str, Any]:
    return {
        "Image": "busybox:1.36", "Cmd": ["sleep", "infinity"], "StopSignal": "SIGKILL", "HostConfig": {}, "Labels": {},
        **more,
    }  # fmt: skip


@pytest.fixture
def made(writer: EngineWriter, prefix: str) -> str:
    """A container that was never started."""
    return writer.create("container", f"{prefix}-one", body(Labels={LABEL: prefix}))


def _status(writer: EngineWriter, identity: str) -> str:
    raw = writer.inspect("container", identity)
    assert raw is not None
    return str(raw["State"]["Status"])


def _networks(writer: EngineWriter, identity: str) -> dict[str, Any]:
    raw = writer.inspect("container", identity)
    assert raw is not None
    return dict(raw["NetworkSettings"]["Networks"])


def test_facts(writer: EngineWriter) -> None:
    facts = writer.facts()
    assert facts.platform == "linux"
    assert facts.api_version >= (1, 41)
    assert facts.engine_id


@pytest.mark.parametrize("kind", ["container", "network", "volume"])
def test_what_is_made_is_found_by_id_name_and_label(kind: str, writer: EngineWriter, prefix: str) -> None:
    sent = body(Labels={LABEL: prefix}) if kind == "container" else {"Labels": {LABEL: prefix}}
    identity = writer.create(kind, f"{prefix}-one", sent)
    by_id, by_name = writer.inspect(kind, identity), writer.inspect(kind, f"{prefix}-one")
    assert by_id is not None
    assert by_id == by_name
    assert by_id["Name"].lstrip("/") == f"{prefix}-one"
    listed = writer.list(kind, {LABEL: prefix})
    assert [one.get("Id") or one["Name"] for one in listed] == [identity]
    assert writer.list(kind, {LABEL: "other"}) == []


@pytest.mark.parametrize("kind", ["container", "network", "volume", "image"])
def test_what_is_not_there_is_none(kind: str, writer: EngineWriter, prefix: str) -> None:
    assert writer.inspect(kind, f"{prefix}-none") is None


def test_a_prefix_of_an_id_or_a_name_names_nothing(writer: EngineWriter, prefix: str, made: str) -> None:
    assert re.fullmatch("[0-9a-f]{64}", made)
    assert writer.inspect("container", made[:12]) is None
    assert writer.inspect("container", prefix) is None


@pytest.mark.parametrize("kind", ["container", "network", "volume"])
def test_a_name_is_given_once(kind: str, writer: EngineWriter, prefix: str) -> None:
    sent = body() if kind == "container" else {"Labels": {}}
    first = writer.create(kind, f"{prefix}-one", sent)
    with pytest.raises(EngineConflict):
        writer.create(kind, f"{prefix}-one", sent)
    assert writer.inspect(kind, first) is not None


@pytest.mark.parametrize("kind", ["container", "network", "volume"])
def test_removing_what_is_gone_is_fine(kind: str, writer: EngineWriter, prefix: str) -> None:
    identity = writer.create(kind, f"{prefix}-one", body() if kind == "container" else {"Labels": {}})
    writer.remove(kind, identity)
    writer.remove(kind, identity)
    assert writer.inspect(kind, identity) is None


def test_an_image_that_is_not_there(writer: EngineWriter, prefix: str) -> None:
    with pytest.raises(EngineRefused) as refused:
        writer.create("container", f"{prefix}-one", body(Image=f"{prefix}-nothing:1"))
    assert refused.value.status == 404


def test_a_lease_needs_no_image(writer: EngineWriter, prefix: str) -> None:
    identity = writer.create("container", f"{prefix}.lease", {"Image": "", "Cmd": ["lease"], "Labels": {}})
    assert writer.read_files(identity, "/beat") == {}
    writer.put_archive(identity, "/", _tar("beat", b"1"))
    assert writer.read_files(identity, "/beat") == {"beat": b"1"}
    assert _status(writer, identity) == "created"


def test_files_through_a_volume_and_a_bind_from_it(writer: EngineWriter, prefix: str) -> None:
    """What is put through one container's mount is read through another's, at the mount or bound from inside it."""
    volume = writer.create("volume", f"{prefix}-files", {"Labels": {LABEL: prefix}})
    mount = {"Type": "volume", "Source": volume, "Target": "/files"}
    carrier = writer.create("container", f"{prefix}-one", body(HostConfig={"Mounts": [mount]}))
    writer.put_archive(carrier, "/files", _tar("inner", b"1"))
    raw = writer.inspect("volume", volume)
    assert raw is not None
    bind = {"Type": "bind", "Source": f"{raw['Mountpoint']}/inner", "Target": "/etc/outer", "ReadOnly": True}
    user = writer.create("container", f"{prefix}-two", body(HostConfig={"Mounts": [mount, bind]}))
    assert writer.read_files(user, "/files/inner") == {"inner": b"1"}
    assert list(writer.read_files(user, "/etc/outer").values()) == [b"1"]
    assert writer.is_folder(user, "/")
    assert not writer.is_folder(user, "/etc/outer")
    assert not writer.is_folder(user, "/nothing/there")
    for one in (carrier, user):
        writer.remove("container", one)


def _tar(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def test_a_life(writer: EngineWriter, made: str) -> None:
    assert _status(writer, made) == "created"
    writer.start(made)
    writer.start(made)
    assert _status(writer, made) == "running"
    with pytest.raises(EngineConflict):
        writer.remove("container", made)
    before = (writer.inspect("container", made) or {})["State"]["StartedAt"]
    writer.restart(made)
    assert (writer.inspect("container", made) or {})["State"]["StartedAt"] != before
    writer.stop(made)
    writer.stop(made)
    assert _status(writer, made) == "exited"
    writer.remove("container", made)
    with pytest.raises(EngineRefused):
        writer.start(made)


def test_a_new_name(writer: EngineWriter, prefix: str, made: str) -> None:
    writer.rename(made, f"{prefix}-two")
    assert writer.inspect("container", f"{prefix}-one") is None
    assert (writer.inspect("container", f"{prefix}-two") or {})["Id"] == made
    other = writer.create("container", f"{prefix}-one", body())
    with pytest.raises(EngineConflict):
        writer.rename(other, f"{prefix}-two")


def test_networks_come_and_go(writer: EngineWriter, prefix: str) -> None:
    first = writer.create("network", f"{prefix}-a", {"Labels": {}})
    second = writer.create("network", f"{prefix}-b", {"Labels": {}})
    sent = body(
        HostConfig={"NetworkMode": f"{prefix}-a"},
        NetworkingConfig={"EndpointsConfig": {f"{prefix}-a": {"Aliases": ["web"]}}},
    )
    identity = writer.create("container", f"{prefix}-one", sent)
    assert _aliases(writer, identity, f"{prefix}-a") == ["web"]
    writer.connect(second, identity, {"Aliases": ["www"]})
    writer.start(identity)
    assert set(_networks(writer, identity)) == {f"{prefix}-a", f"{prefix}-b"}
    assert identity in (writer.inspect("network", second) or {})["Containers"]
    with pytest.raises(EngineConflict):
        writer.remove("network", first)
    writer.disconnect(second, identity)
    writer.disconnect(second, identity)
    assert set(_networks(writer, identity)) == {f"{prefix}-a"}
    writer.remove("network", second)
    assert writer.inspect("network", second) is None


def _aliases(writer: EngineWriter, identity: str, name: str) -> list[str]:
    raw = writer.inspect("container", identity)
    assert raw is not None
    spec = container.decode(dict(raw), DecodeContext())
    aliases: list[str] = spec["networks"][name]["aliases"]
    return aliases


def test_volumes_of_a_container(writer: EngineWriter, prefix: str) -> None:
    name = writer.create("volume", f"{prefix}-data", {"Labels": {}})
    mounts = [{"Type": "volume", "Source": name, "Target": "/data"}, {"Type": "volume", "Target": "/scratch"}]
    identity = writer.create("container", f"{prefix}-one", body(HostConfig={"Mounts": mounts}))
    raw = writer.inspect("container", identity) or {}
    mounted = {mount["Destination"]: mount["Name"] for mount in raw["Mounts"]}
    assert mounted["/data"] == name
    assert re.fullmatch("[0-9a-f]{64}", mounted["/scratch"])
    with pytest.raises(EngineConflict):
        writer.remove("volume", name)
    writer.remove("container", identity, volumes=True)
    assert writer.inspect("volume", mounted["/scratch"]) is None
    assert writer.inspect("volume", name) is not None


def test_limits_move_while_it_runs(writer: EngineWriter, prefix: str) -> None:
    identity = writer.create("container", f"{prefix}-one", body(HostConfig={"Memory": 64 << 20}))
    writer.start(identity)
    writer.update(identity, {"Memory": 96 << 20, "MemorySwap": 192 << 20})
    raw = writer.inspect("container", identity) or {}
    assert raw["HostConfig"]["Memory"] == 96 << 20
    assert _status(writer, identity) == "running"


def test_what_was_encoded_is_decoded(writer: EngineWriter, prefix: str) -> None:
    """The kinds read on every engine what they wrote."""
    wanted = network.parse({"labels": {"a": "1"}, "internal": True})
    writer.create("network", f"{prefix}-net", network.encode(wanted, {}))
    found = network.decode(dict(writer.inspect("network", f"{prefix}-net") or {}))
    assert {key: found[key] for key in ("internal", "labels", "driver")} == {
        "internal": True, "labels": {"a": "1"}, "driver": "bridge"
    }  # fmt: skip
    stored = volume.parse({"labels": {"b": "2"}})
    writer.create("volume", f"{prefix}-vol", volume.encode(stored, {}))
    assert volume.decode(dict(writer.inspect("volume", f"{prefix}-vol") or {})) == stored


def test_commands_run_in_what_runs(writer: EngineWriter, made: str) -> None:
    with pytest.raises(EngineConflict):
        writer.execute(made, ["true"])
    writer.start(made)
    assert writer.execute(made, ["true"]) == (0, b"", b"")
    assert writer.execute(made, ["false"]) == (1, b"", b"")
    assert writer.execute(made, ["pwd"]) == (0, b"/\n", b"")
    assert writer.execute(made, ["pwd"], workdir="/tmp") == (0, b"/tmp\n", b"")
    assert writer.execute(made, ["sh", "-c", "echo $A"], environment={"A": "1"}) == (0, b"1\n", b"")
    assert writer.execute(made, ["sh", "-c", "echo $A"]) == (0, b"\n", b"")
    assert writer.execute(made, ["id", "-u"], user="7:7") == (0, b"7\n", b"")
    assert writer.execute(made, ["id", "-u"], user="7:7", seconds=30) == (0, b"7\n", b"")
    with pytest.raises(StepFailed, match="`sleep` has not ended after"):
        writer.execute(made, ["sleep", "20"], seconds=0.5)
    # A machine may lack capabilities that a privileged process has: then it can not be run, and its code says so.
    assert writer.execute(made, ["true"], privileged=True)[0] in (0, 126)
    with pytest.raises(EngineRefused) as refused:
        writer.execute("0" * 64, ["true"])
    assert refused.value.status == 404


def test_a_container_is_created_on_several_networks(writer: EngineWriter, prefix: str) -> None:
    """From API 1.44 on: the one way to give it a hardware address on more than its first network."""
    for name in ("a", "b"):
        writer.create("network", f"{prefix}-{name}", {"Labels": {}})
    address = f"02:42:{prefix[-8:-6]}:{prefix[-6:-4]}:{prefix[-4:-2]}:{prefix[-2:]}"
    endpoints = {f"{prefix}-a": {"Aliases": ["web"]}, f"{prefix}-b": {"MacAddress": address}}
    sent = body(HostConfig={"NetworkMode": f"{prefix}-a"}, NetworkingConfig={"EndpointsConfig": endpoints})
    if writer.facts().api_version < (1, 44):
        with pytest.raises(EngineRefused):
            writer.create("container", f"{prefix}-one", sent)
        return
    identity = writer.create("container", f"{prefix}-one", sent)
    writer.start(identity)
    assert set(_networks(writer, identity)) == {f"{prefix}-a", f"{prefix}-b"}
    assert _networks(writer, identity)[f"{prefix}-b"]["MacAddress"] == address


def test_an_engine_adds_names_by_itself(writer: EngineWriter, prefix: str) -> None:
    """Read back are the aliases that were given, whatever else the container is found by."""
    writer.create("network", f"{prefix}-a", {"Labels": {}})
    first = body(
        Hostname="host", HostConfig={"NetworkMode": f"{prefix}-a"},
        NetworkingConfig={"EndpointsConfig": {f"{prefix}-a": {"Aliases": ["web"]}}},
    )  # fmt: skip
    identity = writer.create("container", f"{prefix}-one", first)
    writer.start(identity)
    entry = _networks(writer, identity)[f"{prefix}-a"]
    assert {"web", "host"} <= {*entry["Aliases"], *entry.get("DNSNames", ())}
    assert _aliases(writer, identity, f"{prefix}-a") == ["web"]


def test_an_engine_adds_pools_of_the_other_family(writer: EngineWriter, prefix: str) -> None:
    subnet = f"fd{prefix[-8:-6]}:{prefix[-6:-2]}::/64"
    wanted = network.parse({"enable_ipv6": True, "ipam": {"config": [{"subnet": subnet}]}})
    writer.create("network", f"{prefix}-net", network.encode(wanted, {}))
    found = network.decode(dict(writer.inspect("network", f"{prefix}-net") or {}))
    assert len(found["ipam.config"]) == 2
    assert compare(network.FIELDS, wanted, found) == ()


def test_an_address_has_to_be_in_a_subnet_of_its_network(writer: EngineWriter, prefix: str, made: str) -> None:
    third, fourth = bytes.fromhex(prefix[-4:])
    place = f"10.{200 + third % 50}.{fourth}"
    wanted = network.parse({"ipam": {"config": [{"subnet": f"{place}.0/28"}]}})
    joined = writer.create("network", f"{prefix}-net", network.encode(wanted, {}))
    # What does not run is refused when it is to start.
    writer.connect(joined, made, {"IPAMConfig": {"IPv4Address": f"{place}.20"}})
    with pytest.raises(EngineRefused, match=r"(?i)invalid address .*\.20"):
        writer.start(made)


def test_namespaces_are_kept_by_id(writer: EngineWriter, prefix: str, made: str) -> None:
    name = str((writer.inspect("container", made) or {})["Name"]).lstrip("/")
    modes = dict.fromkeys(("NetworkMode", "PidMode", "IpcMode"), f"container:{name}")
    identity = writer.create("container", f"{prefix}-guest", body(HostConfig=modes))
    host = (writer.inspect("container", identity) or {})["HostConfig"]
    assert {host[key] for key in modes} == {f"container:{made}"}
    with pytest.raises(EngineRefused):
        writer.create("container", f"{prefix}-lost", body(HostConfig={"PidMode": f"container:{prefix}-none"}))


def test_a_health_check_is_completed_with_the_images(writer: EngineWriter, prefix: str) -> None:
    """A part that is not set is the image's: here the image has none."""
    check = {"Test": ["CMD", "true"], "Interval": 10**9, "Retries": 0}
    identity = writer.create("container", f"{prefix}-one", body(Healthcheck=check))
    config = (writer.inspect("container", identity) or {})["Config"]
    assert {key: value for key, value in config["Healthcheck"].items() if value} == {
        "Test": ["CMD", "true"], "Interval": 10**9
    }  # fmt: skip
