"""An engine behind ssh, reached as a socket on this machine: the system's own ssh, one connection for everything.

The user's ssh decides how a host is reached (configuration, keys, agent, jump hosts, known hosts). Each connection to
the socket is one `docker system dial-stdio` on the other side, multiplexed over the one (ssh's ControlMaster).
Knows nothing of HTTP.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import weakref
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from provisioner.errors import Unreachable, UsageError
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

# Seconds: until a host that does not answer is given up, and that the shared connection outlives its last user.
_CONNECT_TIMEOUT = 30
_PERSIST = 30
# Seconds that a session which ended is given to say why.
_LAST_WORDS = 2.0
# Seconds until a host that answers, and lets nobody in, is given up: a passphrase may have to be typed meanwhile.
_LOGIN_TIMEOUT = 120
# What the user's configuration asks for sessions of their own, and would be in the way of ours; what ssh has to say is
# needed for the reason of a failure.
_OWN = ("-o", "ForwardX11=no", "-o", "ClearAllForwardings=yes", "-o", "RemoteCommand=none", "-o", "LogLevel=INFO")
# The same for what OpenSSH knows from 8.7 on: an older one takes none of these words.
_OWN_LATER = ("-o", "StdinNull=no", "-o", "ForkAfterAuthentication=no", "-o", "SessionType=default")
_LATER = (8, 7)
_RELEASE = re.compile(r"OpenSSH_(?:for_Windows_)?(\d+)\.(\d+)")
# The longest path of a socket on Linux is 107 bytes; ssh writes a name with 17 more before it is the socket's.
_LONGEST_FOLDER = 70

# What ssh and Docker's client say, in lower case, with what it means and what to do; the first that fits.
_TROUBLES = (
    (
        "remote host identification has changed",
        "the key of {host} is not the one that known_hosts has for it: it was set up anew, or another machine answers",
        "ask who runs it; if the new key is right: {forget}, then ssh {target}",
    ),
    (
        "host key verification failed",
        "the key of {host} is not known here",
        "connect once by hand and compare its fingerprint: ssh {target}",
    ),
    (
        "permission denied while trying to connect to the docker",
        "the user on {host} may not use the Docker Engine's socket there",
        "add that user to the group docker on {host}, or name another user: ssh://USER@{host}",
    ),
    (
        "dial unix",
        "the Docker Engine on {host} does not answer on its socket",
        "see whether it runs, and whether this user may use it: ssh {target} docker version",
    ),
    (
        "cannot connect to the docker daemon",
        "no Docker Engine runs on {host}",
        "start it there (systemctl start docker)",
    ),
    (
        "permission denied",
        "{host} refuses this user's keys",
        "see that the right key is offered (ssh-add -l, IdentityFile in ~/.ssh/config): ssh {target}",
    ),
    (
        "not found",
        "the command docker is not installed on {host}, or not on the path of a session that is not interactive",
        "install Docker's client there, or put it on that path: ssh {target} docker version",
    ),
    (
        "is not a docker command",
        "the command docker on {host} is too old to be reached through ssh",
        "Docker 18.09 and later have `docker system dial-stdio`",
    ),
    (
        "no user exists for uid",
        "ssh needs a user with a name, and the number that this process runs under has none in /etc/passwd",
        "in a container: run it as the image's own user, or let it see the list of users "
        "(--volume /etc/passwd:/etc/passwd:ro)",
    ),
    ("could not resolve hostname", "the name {host} is not known", "check the address"),
    ("connection refused", "nothing answers to ssh on {host}", "check the address and the port: ssh {target}"),
    ("timed out", "{host} does not answer to ssh", "check the address and the way to it: ssh {target}"),
    ("no route to host", "there is no way to {host} from here", "check the address and the network"),
)

# How ssh says that the way to a host ended, be it a jump host or a command.
_NO_WAY = "unknown port"
# Said by shells, too: of a command on the way.
_AT_THE_END = "not found"
# How ssh says that a key is taken out of known_hosts.
_FORGET = re.compile(r"ssh-keygen .*-R .*")


@dataclass(frozen=True, slots=True)
class Target:
    """Whom to reach. `host` may be a name of ssh's configuration, `path` is the socket there, empty for the usual."""

    host: str
    user: str = ""
    port: int | None = None
    path: str = ""

    @property
    def words(self) -> list[str]:
        """The arguments of ssh that name it."""
        user = ["-l", self.user] if self.user else []
        port = ["-p", str(self.port)] if self.port else []
        return [*user, *port, "--", self.host]

    @property
    def typed(self) -> str:
        """It as a user would type it after `ssh`."""
        port = f"-p {self.port} " if self.port else ""
        return f"{port}{self.user}@{self.host}" if self.user else f"{port}{self.host}"

    @property
    def known(self) -> str:
        """Its name in known_hosts."""
        return f"[{self.host}]:{self.port}" if self.port and self.port != 22 else self.host


def parse_target(url: str) -> Target:
    """`ssh://[USER@]HOST[:PORT][/SOCKET]`. UsageError for anything else; a password has no place in an address."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("ssh://")
    user = unquote(parts.username or "")
    strange = host.startswith("-") or user.startswith("-") or port == 0
    if not host or strange or parts.password or parts.query or parts.fragment:
        shown = url if not parts.password else f"ssh://{user}:...@{host}"
        raise UsageError(f"{shown} is not the address of an engine behind ssh", hint="write ssh://USER@HOST:PORT")
    # `hostname` is in lower case; ssh's configuration tells cases apart.
    written = parts.netloc.rpartition("@")[2]
    if not written.startswith("["):
        host = written.partition(":")[0]
    return Target(host, user, port, parts.path if parts.path != "/" else "")


def explain(said: str, target: Target, *, on_the_way: bool = False) -> tuple[str, str]:
    """What went wrong, and what to do, from what ssh or the other side said; `on_the_way`: or a host before it."""
    lower = said.lower()
    for mark, message, hint in _TROUBLES:
        if mark in lower and not (on_the_way and mark == _AT_THE_END):
            forget = _FORGET.search(said)
            names = {
                "host": f"a host on the way to {target.host}" if on_the_way else target.host, "target": target.typed,
                "forget": forget[0] if forget else f"ssh-keygen -R '{target.known}'",
            }  # fmt: skip
            return message.format(**names), hint.format(**names)
    lines = [line for line in said.splitlines() if line.strip()]
    # What ssh says last follows from what was said on the way.
    last = lines[0 if on_the_way else -1] if lines else "it said nothing"
    return (
        f"{target.host} can not be reached through ssh: {last.strip()}",
        f"check that `ssh {target.typed} docker version` works",
    )


class SshTunnel:
    """A socket in a private folder, `path`; whatever connects to it talks to the engine behind ssh.

    Raises Unreachable, with what to do, where the host can not be reached. Ends with this object, and with the process.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.target = parse_target(url)
        self._ssh = shutil.which("ssh") or ""
        if not self._ssh:
            raise Unreachable(
                f"the engine at {url} is reached through ssh, and there is no program ssh on this machine",
                hint="install OpenSSH's client (openssh-client)",
            )
        self._own = (*_OWN, *(_OWN_LATER if _release(self._ssh) >= _LATER else ()))
        self._folder = _private_folder()
        self.path = str(self._folder / "docker.sock")
        self._control = self._folder / "c"
        self._errors = self._folder / "errors"
        self._sessions: list[subprocess.Popen[bytes]] = []
        self._lock = threading.Lock()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._end = weakref.finalize(self, _close, self._listener, self._folder, self._stop_words())
        try:
            self._connect()
        except BaseException:
            self._end()
            raise
        self._listener.bind(self.path)
        self._listener.listen(64)
        reference = weakref.ref(self)
        threading.Thread(target=_serve, args=(self._listener, reference), daemon=True).start()

    def last_words(self) -> str:
        """What the session that ended last said; empty where none did."""
        with self._lock:
            newest = self._sessions[-1:]
        until = time.monotonic() + _LAST_WORDS
        for session in newest:
            while session.poll() is None and time.monotonic() < until:
                time.sleep(0.05)
        return _tail(self._errors)

    def _connect(self) -> None:
        """Make the one connection. Whatever ssh has to ask it asks on the terminal; then it goes on in the background,
        where no Ctrl-C reaches it."""
        options = [
            "-o", "ControlMaster=yes", "-o", f"ControlPath={self._control}", "-o", f"ControlPersist={_PERSIST}",
            *_OWN,
        ]  # fmt: skip
        words = [self._ssh, *options, "-o", f"ConnectTimeout={_CONNECT_TIMEOUT}", "-f", "-N", "-T", *self.target.words]
        with self._errors.open("wb") as errors:
            try:
                done = subprocess.run(
                    words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, check=False,
                    timeout=_LOGIN_TIMEOUT,
                )  # fmt: skip
            except subprocess.TimeoutExpired:
                raise Unreachable(
                    f"{self.target.host} answers to ssh and lets nobody in: it was waited for {_LOGIN_TIMEOUT} s "
                    f"({self.url})",
                    hint=f"see what it waits for: ssh -v {self.target.typed}",
                    detail=_tail(self._errors),
                ) from None
        if done.returncode != 0:
            said = _tail(self._errors)
            on_the_way = _NO_WAY in said.lower()
            if on_the_way:
                said = self._said_on_the_way() or said
            message, hint = explain(said, self.target, on_the_way=on_the_way)
            raise Unreachable(f"{message} ({self.url})", hint=hint, detail=said)
        self._errors.write_bytes(b"")

    def _said_on_the_way(self) -> str:
        """What a jump host or a ProxyCommand says: ssh keeps that to itself where the connection is to be shared."""
        words = [self._ssh, "-o", "ControlPath=none", "-o", "BatchMode=yes", "-o", f"ConnectTimeout={_CONNECT_TIMEOUT}"]
        with contextlib.suppress(subprocess.TimeoutExpired):
            done = subprocess.run(
                [*words, *self._own, "-T", *self.target.words, "exit"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=_CONNECT_TIMEOUT,
                check=False,
            )  # fmt: skip
            return done.stderr[-4000:].decode(errors="replace").strip()
        return ""

    def _stop_words(self) -> list[str]:
        return [self._ssh, "-o", f"ControlPath={self._control}", "-O", "exit", *self.target.words]

    def open_session(self, connection: socket.socket) -> None:
        """Join a connection to the engine: what is sent on it goes there, and back."""
        words = [
            self._ssh, "-o", "ControlMaster=no", "-o", f"ControlPath={self._control}", "-o", "BatchMode=yes",
            *self._own, "-T", *self.target.words, *self._dial(),
        ]  # fmt: skip
        with self._errors.open("ab") as errors:
            session = subprocess.Popen(
                words, stdin=connection.fileno(), stdout=connection.fileno(), stderr=errors, start_new_session=True
            )
        with self._lock:
            self._sessions = [earlier for earlier in self._sessions if earlier.poll() is None] + [session]

    def _dial(self) -> Sequence[str]:
        host = ["--host", f"unix://{_quoted(self.target.path)}"] if self.target.path else []
        return ["docker", *host, "system", "dial-stdio"]


def _release(ssh: str) -> tuple[int, int]:
    """Which OpenSSH a program is; (0, 0) where it is another."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        said = subprocess.run([ssh, "-V"], capture_output=True, text=True, timeout=_CONNECT_TIMEOUT, check=False)
        if match := _RELEASE.search(said.stderr + said.stdout):
            return int(match[1]), int(match[2])
    return 0, 0


def _quoted(path: str) -> str:
    """For the shell on the other side."""
    return "'" + path.replace("'", "'\\''") + "'"


def _serve(listener: socket.socket, reference: weakref.ref[SshTunnel]) -> None:
    """Open a session for each connection, as long as the tunnel is there."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            tunnel = reference()
            if tunnel is None:
                return
            with contextlib.suppress(OSError):
                tunnel.open_session(connection)
            del tunnel


def _close(listener: socket.socket, folder: Path, stop: Sequence[str]) -> None:
    with contextlib.suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    if (folder / "c").exists():
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            subprocess.run(
                stop, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
                timeout=5, start_new_session=True,
            )  # fmt: skip
    shutil.rmtree(folder, ignore_errors=True)


def _private_folder() -> Path:
    """A folder that only this user can enter, with a path that is short enough for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="provision-"))
    if len(os.fsencode(folder)) <= _LONGEST_FOLDER:
        return folder
    folder.rmdir()
    return Path(tempfile.mkdtemp(prefix="provision-", dir="/tmp"))


def _tail(file: Path) -> str:
    with contextlib.suppress(OSError):
        return file.read_bytes()[-4000:].decode(errors="replace").strip()
    return ""
