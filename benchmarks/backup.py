"""How fast a backup is beside `docker run … tar | zstd`, and its memory: `python benchmarks/backup.py [--mib 1024]`.

One volume of files, half of them random bytes and half text, on the engine that answers. Both ways are taken in turn,
several times, in one run; what counts is the ratio of the best times. Needs the program `zstd`.

`docker run` with `--log-driver none`: otherwise the engine writes all of the stream into a log as well, and the peer is
several times slower than it has to be.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
IMAGE = "busybox:1.36"
# Copies are no help to either: a file is longer than what zstd looks back on.
_FILL = """
mkdir -p /data/f && cd /data/f
dd if=/dev/urandom of=r0 bs=1M count=8 2>/dev/null
seq 1000000 99999999 | head -c 8388608 > t0
i=1; while [ $i -lt {count} ]; do
  cp r0 r$i; cp t0 t$i
  i=$((i + 1))
done
"""


def timed(line: list[str], folder: Path) -> tuple[float, int]:
    """Seconds that a command takes, and the most memory that it or its children had (KiB)."""
    began = time.monotonic()
    process = subprocess.Popen(line, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    if os.waitstatus_to_exitcode(status):
        assert process.stderr is not None
        raise SystemExit(f"{' '.join(line)}: {process.stderr.read().decode()}")
    return seconds, usage.ru_maxrss


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    project = f"benchmark-{secrets.token_hex(3)}"
    volume = f"{project}_files"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        service = {
            "image": IMAGE,
            "command": ["sleep", "infinity"],
            "stop_signal": "SIGKILL",
            "volumes": ["files:/data"],
        }
        document = {"name": project, "services": {"keeper": service}, "volumes": {"files": {}}, "backup": {"to": "./a"}}
        (folder / "compose.yaml").write_text(json.dumps(document))
        provision = [sys.executable, "-m", "provisioner"]
        os.environ["PYTHONPATH"] = str(ROOT)
        try:
            timed([*provision, "apply", "--yes"], folder)
            fill = _FILL.format(count=max(1, options.mib // 16))
            timed(["docker", "run", "--rm", "-v", f"{volume}:/data", IMAGE, "sh", "-c", fill], folder)
            packed = f"{folder}/peer.tar.zst"
            peer = f"docker run --rm --log-driver none -v {volume}:/data:ro {IMAGE} tar -c -C /data ."
            tar = f"{peer} | zstd -q -3 -f -o {packed}"
            ours, theirs = [], []
            for _ in range(options.rounds):
                theirs.append(timed(["bash", "-o", "pipefail", "-c", f"{tar} && sync {packed}"], folder))
                ours.append(timed([*provision, "backup"], folder))
        finally:
            timed([*provision, "destroy", "--yes", "--volumes", "--history"], folder)
    mine, peer = min(ours)[0], min(theirs)[0]
    memory = max(one[1] for one in ours) // 1024
    speed = f"{options.mib / mine:.0f} MiB/s, {memory} MiB of memory"
    line = f"{options.mib} MiB: backup {mine:.2f} s ({speed}), tar | zstd {peer:.2f} s: ratio {peer / mine:.2f}\n"
    sys.stdout.write(line)


if __name__ == "__main__":
    main()
