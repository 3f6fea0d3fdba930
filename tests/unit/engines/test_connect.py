"""Which engine is meant: contexts as Docker's client keeps them, and whether the way there is encrypted."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from provisioner.engines.connect import Endpoint, choose_endpoint
from provisioner.errors import Unreachable, UsageError

if TYPE_CHECKING:
    from pathlib import Path


def keep(folder: Path, name: str, **endpoint: object) -> str:
    digest = hashlib.sha256(name.encode()).hexdigest()
    file = folder / "contexts" / "meta" / digest / "meta.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}}))
    return digest


def choose(folder: Path, context: str | None = None) -> Endpoint:
    return choose_endpoint(
        host=None, context=context, playbook_host=None, playbook_context=None,
        environment={"DOCKER_CONFIG": str(folder)},
    )  # fmt: skip


def test_a_context_needs_no_configuration_beside_it(tmp_path: Path) -> None:
    keep(tmp_path, "prod", Host="ssh://prod")
    assert choose(tmp_path, "prod") == Endpoint("ssh://prod", "context prod")
    with pytest.raises(UsageError) as refused:
        choose(tmp_path, "prd")
    assert refused.value.hint == "known contexts: default, prod"
    assert choose(tmp_path).source == "default"


def test_the_current_context_is_the_one_of_the_configuration(tmp_path: Path) -> None:
    keep(tmp_path, "prod", Host="tcp://10.0.0.9:2375")
    (tmp_path / "config.json").write_text('{"currentContext": "prod"}')
    assert choose(tmp_path).url == "tcp://10.0.0.9:2375"


def test_a_context_carries_its_certificates(tmp_path: Path) -> None:
    digest = keep(tmp_path, "prod", Host="tcp://10.0.0.9:2376", SkipTLSVerify=False)
    folder = tmp_path / "contexts" / "tls" / digest / "docker"
    folder.mkdir(parents=True)
    for name in ("ca", "cert", "key"):
        (folder / f"{name}.pem").write_text("x")
    found = choose(tmp_path, "prod")
    assert found.tls.cert == (str(folder / "cert.pem"), str(folder / "key.pem"))
    assert (found.tls.ca_cert, found.tls.verify) == (str(folder / "ca.pem"), True)
    assert not found.is_exposed


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"Endpoints": {"docker": {}}}', '{"Endpoints": []}'])
def test_a_context_that_says_nothing_is_told_so(text: str, tmp_path: Path) -> None:
    digest = keep(tmp_path, "prod", Host="x")
    (tmp_path / "contexts" / "meta" / digest / "meta.json").write_text(text)
    with pytest.raises(UsageError, match="'prod' can not be read"):
        choose(tmp_path, "prod")


@pytest.mark.parametrize(
    ("url", "exposed"),
    [
        ("tcp://10.0.0.9:2375", True),
        ("http://prod:2375", True),
        ("tcp://[2001:db8::1]:2375", True),
        ("tcp://localhost:2375", False),
        ("tcp://127.8.0.1:2375", False),
        ("tcp://[::1]:2375", False),
        ("tcp://:2375", False),
        ("ssh://prod", False),
        ("unix:///var/run/docker.sock", False),
        ("https://prod:2376", False),
    ],
)
def test_what_goes_unencrypted_over_a_network(url: str, exposed: bool) -> None:
    assert Endpoint(url, "--host").is_exposed is exposed


@pytest.mark.parametrize(
    ("url", "here"),
    [("unix:///run/docker.sock", True), ("npipe:////./pipe/docker", True), ("ssh://host", False), ("tcp://h:1", False)],
)
def test_files_are_compressed_on_their_way_over_a_network_only(url: str, here: bool) -> None:
    assert Endpoint(url, "--host").tar_headers == ({"Accept-Encoding": "identity"} if here else {})


STRANGE = (
    "tcp://", "tcp://:2375", "tcp://box:abc", "tcp://box:99999", "tcp://box:0", "tcp://[::1", "http://", "https://:1",
    "tcp://box:2375\nx", "gopher://box", "5", "box:2375", " unix:///var/run/docker.sock",
)  # fmt: skip


@pytest.mark.parametrize("url", STRANGE)
def test_what_is_no_address_is_wrong_usage_wherever_it_is_written(url: str, tmp_path: Path) -> None:
    keep(tmp_path, "prod", Host=url)
    with pytest.raises(UsageError, match=r"the Docker context 'prod': .* is not an engine address"):
        choose(tmp_path, "prod")
    with pytest.raises(UsageError, match=r"^DOCKER_HOST: .* is not an engine address"):
        from_environment(DOCKER_HOST=url)


@pytest.mark.parametrize("url", ["tcp://ann:hunter2@box:2375", "https://ann:hunter2@box", "tcp://:hunter2@box"])
def test_a_password_in_an_address_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(UsageError, match="has no place for a password") as refused:
        from_environment(DOCKER_HOST=url)
    assert "hunter2" not in f"{refused.value}{refused.value.hint}{refused.value.detail}"


def from_environment(**variables: str) -> Endpoint:
    return choose_endpoint(
        host=None, context=None, playbook_host=None, playbook_context=None, environment=variables
    )  # fmt: skip


@pytest.mark.parametrize("there", [(), ("ca",), ("ca", "cert"), ("cert", "key")])
def test_certificates_that_are_not_there_are_told(there: tuple[str, ...], tmp_path: Path) -> None:
    for name in there:
        (tmp_path / f"{name}.pem").write_text("x")
    wanted = {"DOCKER_HOST": "tcp://box:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(tmp_path)}
    with pytest.raises(UsageError, match=r"has not the certificates ca\.pem, cert\.pem and key\.pem"):
        from_environment(**wanted)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"', "5"])
def test_a_configuration_that_is_none_is_told(text: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(Unreachable, match="the current Docker context can not be read from") as told:
        choose(tmp_path)
    assert "attribute" not in told.value.message
    assert told.value.hint
