"""A real sshd on this machine, with keys of its own, and an `ssh` on the path that knows it as `box`."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_SSHD = "/usr/sbin/sshd"
_SSH = "/usr/bin/ssh"
_MARK = "  # What a test adds\n"


@dataclass(frozen=True)
class SshServer:
    folder: Path
    port: int

    @property
    def path(self) -> str:
        """The search path on which `ssh` is the one that uses this server's keys."""
        return f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"

    def calls(self) -> list[str]:
        """How ssh was called since the last time that was asked."""
        log = self.folder / "calls"
        found = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return found

    def know(self, key: str) -> None:
        """Let known_hosts say that this is the server's key; empty for none."""
        words = (self.folder / f"{key}.pub").read_text().split()[:2] if key else []
        text = f"[127.0.0.1]:{self.port} {' '.join(words)}\n" if key else ""
        (self.folder / "known_hosts").write_text(text)

    def configure(self, more: str) -> None:
        """Let the user's configuration say more: options of `box`, and hosts after it."""
        file = self.folder / "config"
        file.write_text(f"{file.read_text().split(_MARK)[0]}{_MARK}{more}")

    def admit(self, options: str = "") -> None:
        """Let the user's key in, with options of authorized_keys; `no` refuses it."""
        key = (self.folder / "user.pub").read_text()
        (self.folder / "authorized_keys").write_text("" if options == "no" else f"{options} {key}".lstrip())


@pytest.fixture
def ssh_server(tmp_path: Path) -> Iterator[SshServer]:
    if not Path(_SSHD).exists():
        pytest.fail("there is no sshd here: script/test installs openssh-server", pytrace=False)
    folder = tmp_path / "ssh"
    (folder / "bin").mkdir(parents=True)
    folder.chmod(0o700)
    for key in ("host", "other", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key], check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized_keys\n"
        f"PidFile {folder}/pid\nUsePAM no\nStrictModes no\nPasswordAuthentication no\nPermitUserEnvironment yes\n"
    )
    (folder / "config").write_text(
        f"Host box\n  HostName 127.0.0.1\n  Port {port}\n  User {getpass.getuser()}\n  IdentityFile {folder}/user\n"
        f"  IdentitiesOnly yes\n  UserKnownHostsFile {folder}/known_hosts\n"
    )
    wrapper = folder / "bin" / "ssh"
    wrapper.write_text(f'#!/bin/sh\necho "$*" >> {folder}/calls\nexec {_SSH} -F {folder}/config "$@"\n')
    wrapper.chmod(0o755)
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    server = SshServer(folder, port)
    server.know("host")
    server.admit()
    process = subprocess.Popen([_SSHD, "-D", "-e", "-f", folder / "sshd_config"], stderr=subprocess.DEVNULL)
    try:
        _await(port)
        yield server
    finally:
        process.terminate()
        process.wait(10)


def _await(port: int) -> None:
    for _ in range(100):
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("sshd does not listen")
