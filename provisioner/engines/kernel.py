"""What the kernel under a local engine can do. Reads files of this machine, and says nothing of any other."""

from __future__ import annotations

import os
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


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
