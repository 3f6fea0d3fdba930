"""What the kernel under a local engine can do. Reads files of this machine, and says nothing of any other."""

from __future__ import annotations

import os
import sys
from ipaddress import ip_address
from pathlib import Path

_IPVS = "ip_vs"


def has_ipvs(url: str, kernel: str, root: Path = Path("/")) -> bool | None:
    """Whether IPVS, which balances Swarm's virtual addresses, is there or can be loaded.

    None where it can not be told: the engine at `url` is elsewhere, or `kernel`, the release that it names, is not
    the one that runs here.
    """
    if not url.startswith("unix://") or not kernel or kernel != os.uname().release:
        return None
    if (root / "proc/net/ip_vs").exists():
        return True
    loaded = _text(root / "proc/modules")
    if loaded is None:
        # A kernel that loads no modules has what was built into it, and that would be seen above.
        return False
    if any(line.startswith(f"{_IPVS} ") for line in loaded.splitlines()):
        return True
    modules = root / "lib/modules" / kernel
    if not modules.is_dir():
        return None
    listed = (_text(modules / "modules.dep") or "") + (_text(modules / "modules.builtin") or "")
    return f"/{_IPVS}.ko" in listed


def listening_ports(url: str, host: str, kernel: str, root: Path = Path("/")) -> frozenset[tuple[str, int, str]] | None:
    """The ports that are bound where the engine publishes them: address (empty for all), port, protocol.

    None where it can not be told: an engine whose socket was not opened in this network namespace (rootless, in a
    virtual machine, in a container), or that names another `host` or `kernel` than this machine's (forwarded).
    """
    if not url.startswith("unix://") or (host, kernel) != (os.uname().nodename, os.uname().release):
        return None
    socket = os.path.realpath(url.removeprefix("unix://"))
    # The engine listens on it (flag 10000), in the namespace that these files show.
    sockets = [line.split() for line in (_text(root / "proc/net/unix") or "").splitlines()[1:]]
    if not any(len(s) > 7 and s[3] == "00010000" and os.path.realpath(s[7]) == socket for s in sockets):
        return None
    ports: set[tuple[str, int, str]] = set()
    for name, protocol in (("tcp", "tcp"), ("tcp6", "tcp"), ("udp", "udp"), ("udp6", "udp")):
        for line in (_text(root / "proc/net" / name) or "").splitlines()[1:]:
            fields = line.split()
            if len(fields) > 3 and fields[3] == _BOUND[protocol]:
                address, _, port = fields[1].partition(":")
                ports.add((_address(address), int(port, 16), protocol))
    return frozenset(ports)


# The states of a socket that waits for connections, and of one that waits for packets from anybody.
_BOUND = {"tcp": "0A", "udp": "07"}


def _address(text: str) -> str:
    """An address of /proc/net, which stands there as words in the machine's own byte order."""
    words = [int(text[at : at + 8], 16).to_bytes(4, sys.byteorder) for at in range(0, len(text), 8)]
    address = ip_address(b"".join(words))
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
