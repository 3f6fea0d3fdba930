"""Runs each verb of `provision` and of an installed Docker Compose on the same project, and compares what they print.

    python tests/conformance/verbs_against_compose.py --compose /usr/libexec/docker/cli-plugins/docker-compose
        [--host URL] [--write docs/operate.md]

The project is made twice, under two names, each by its own tool. Names, ids, times, sizes and addresses are replaced by
words before the comparison. With `--write` the table in the page is made anew, between its two marks.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

FILE = """\
services:
  db:
    image: busybox:1.36
    command: [sleep, infinity]
    stop_signal: SIGKILL
  web:
    image: busybox:1.36
    command: [sh, -c, "echo up; exec sleep infinity"]
    stop_signal: SIGKILL
    depends_on: [db]
    environment: {{A: "1"}}
    ports: ["127.0.0.1:{port}:80"]
    volumes: ["data:/data"]
  once:
    image: busybox:1.36
    command: [sh, -c, "sleep 4; exit 3"]
    profiles: [jobs]
volumes:
  data: {{}}
"""
BEGIN, END = "<!-- begin of what verbs_against_compose.py writes -->", "<!-- end -->"
# What is compared: nothing but the exit code, what is printed too, or only its words in any order.
CODE, OUTPUT, LINES = "exit code", "exit code and output", "exit code and lines in any order"


@dataclass(frozen=True, slots=True)
class Case:
    """One command line, and what of its outcome has to be equal. `ours` where it is typed differently here."""

    line: str
    compared: str = OUTPUT
    ours: str = ""
    stdin: str = ""


CASES = (
    Case("create", CODE),
    Case("start", CODE),
    Case("up -d --wait", CODE, "up -d"),
    Case("up -d", CODE),
    Case("ps -q web"),
    Case("ps --services", LINES),
    Case("ps -a --format '{{.Name}} {{.State}} {{.Service}}'", LINES),
    Case("ps --status exited -q"),
    Case("exec -T web sh -c 'echo $A; echo e >&2; exit 4'"),
    Case("exec -T nope true", CODE),
    Case("exec -T --privileged -u 1 -w /tmp web sh -c 'id -u; pwd'"),
    Case("run --rm -T web sh -c 'echo $A; exit 5'"),
    Case("run --rm -T --no-deps -e B=2 -u 7 -w /tmp web sh -c 'echo $A $B; id -u; pwd'"),
    Case("run --rm -T --no-deps --entrypoint echo web hello"),
    Case("run --rm -T --no-deps web cat", stdin="piped\n"),
    Case("run --rm -T --no-deps -v data:/more web ls -d /more"),
    Case("run --rm -T nope true", CODE),
    Case("run --rm -T web no-such-program", CODE),
    Case("logs --no-log-prefix --no-color web", LINES, "logs --no-log-prefix web"),
    Case("logs --no-log-prefix --no-color --until 1h web", LINES, "logs --no-log-prefix --until 1h web"),
    Case("logs nope", CODE),
    Case("top web", LINES),
    Case("port web 80"),
    Case("port web 81", CODE),
    Case("images -q", LINES),
    Case("images web", LINES),
    Case("volumes -q", LINES),
    Case("volumes", LINES),
    Case("stats --no-stream --format '{{.Name}} {{.PIDs}}'", LINES),
    Case("exec -T --index 1 -e C=3 web sh -c 'echo $A $C'"),
    Case("exec -T --index 9 web true", CODE),
    Case("exec -T -d web true", CODE),
    Case("run --rm -T --no-deps -l a=b web true"),
    Case("run --rm -T --no-deps --cap-drop ALL web sh -c 'grep CapEff /proc/self/status'"),
    Case("logs --no-log-prefix --no-color --tail 1 web", LINES, "logs --no-log-prefix --tail 1 web"),
    Case("port --protocol udp web 80", CODE),
    Case("ps --format json web", CODE),
    Case("ps --filter status=running --services", LINES),
    Case("images --format json web", CODE),
    Case("top", CODE),
    Case("kill -s HUP nope", CODE),
    Case("kill -s NOSUCH web", CODE),
    Case("cp web:/etc/passwd passwd", CODE),
    Case("cp web:/etc/ etc", CODE),
    Case("cp etc/. web:/tmp/", CODE),
    Case("cp --index 9 passwd web:/tmp/x", CODE),
    Case("cp passwd web:/tmp/copied", CODE),
    Case("exec -T web cmp /etc/passwd /tmp/copied"),
    Case("cp web:/no/such/file here", CODE),
    Case("cp passwd nope:/tmp", CODE),
    Case("pause web", CODE),
    Case("ps --status paused --services", LINES),
    Case("unpause web", CODE),
    Case("restart -t 1 web", CODE),
    Case("restart nope", CODE),
    Case("scale db=2", CODE),
    Case("ps -a --services", LINES),
    Case("stop -t 1 web", CODE),
    Case("stop -t 1 web", CODE),
    Case("ps -q web"),
    Case("ps -aq web"),
    Case("exec -T web true", CODE),
    Case("attach web", CODE),
    Case("wait web", CODE),
    Case("pause web", CODE),
    Case("start web", CODE),
    Case("kill web", CODE),
    Case("rm -f web", CODE),
    Case("rm -f web", CODE),
    Case("up -d web", CODE),
    Case("events --json --since 1s --until 0s nope", CODE),
    Case("wait nope", CODE),
    Case("config --services", LINES),
    Case("config --profiles", LINES),
    Case("config --volumes", LINES),
    Case("config --networks", LINES),
    Case("config --variables", LINES),
    Case("config --images", LINES),
    Case("config --environment", CODE),
    Case("config --no-interpolate -q"),
    Case("config nope", CODE),
    Case("config -q"),
    Case("config --hash nope", CODE),
    Case("version --short", CODE),
    Case("ls -q", CODE),
    Case("down -t 1", CODE),
    Case("down -v", CODE, "down -v --yes"),
)


class Tool:
    """One of the two, with a project of its own in a folder of its own."""

    def __init__(self, words: list[str], name: str, folder: Path, port: int, host: str | None) -> None:
        self.words = words
        self.name = name
        self.folder = folder
        folder.mkdir()
        (folder / "compose.yaml").write_text(f"name: {name}\n" + FILE.format(port=port))
        self.environment = {**os.environ, "NO_COLOR": "1", **({"DOCKER_HOST": host} if host else {})}
        self.port = port

    def run(self, line: str, stdin: str) -> tuple[int, str]:
        """Exit code and standard output, without what differs between two runs of anything."""
        done = subprocess.run(
            [*self.words, *shlex.split(line)], cwd=self.folder, env=self.environment, input=stdin, text=True,
            capture_output=True, timeout=180, check=False,
        )  # fmt: skip
        return done.returncode, self._plain(done.stdout)

    def _plain(self, text: str) -> str:
        text = text.replace(self.name, "PROJECT").replace(str(self.port), "PORT")
        for pattern, word in (
            (r"\b(?:sha256:)?[0-9a-f]{12,64}\b", "ID"),
            (r"\b\d{2}:\d{2}(:\d{2})?\b", "TIME"),
            (r"\b(?:About |Less than )?(?:an?|\d+) (?:second|minute|hour|day|week|month|year)s?(?: ago)?\b", "AGO"),
            (r"\b\d+(?:\.\d+)?[kMG]i?B\b", "SIZE"),
            (r"(?<= )\d+(?= +\d+ +\d+ )", "PID"),
        ):
            text = re.sub(pattern, word, text)
        return re.sub(r"[ \t]+", " ", text).strip()


def compare(case: Case, compose: Tool, provision: Tool) -> tuple[bool, str]:
    """Whether both do the same, and what does not."""
    theirs = compose.run(case.line, case.stdin)
    ours = provision.run(case.ours or case.line, case.stdin)
    if theirs[0] != ours[0]:
        return False, f"exit code {ours[0]} here, {theirs[0]} there"
    if case.compared == CODE:
        return True, ""
    shown = [_words(text) if case.compared == LINES else text.splitlines() for text in (theirs[1], ours[1])]
    if shown[0] == shown[1]:
        return True, ""
    return False, f"prints {shown[1]!r} here, {shown[0]!r} there"


def _words(text: str) -> list[str]:
    numbers = re.compile(r"\b\d+\b")
    return sorted(numbers.sub("N", line).strip() for line in text.splitlines())


def table(rows: list[tuple[Case, bool, str]]) -> str:
    """The rows as Markdown."""
    lines = ["| command | compared | outcome |", "| --- | --- | --- |"]
    for case, same, why in rows:
        typed = (case.line + (f"` (here `{case.ours}`)" if case.ours else "`")).replace("|", "\\|")
        lines.append(f"| `{typed} | {case.compared} | {'the same' if same else why.replace('|', chr(92) + '|')} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compose", default="docker compose", help="the command of Compose")
    parser.add_argument("--provision", default="provision", help="the command held against it")
    parser.add_argument("--host", help="the engine, as DOCKER_HOST names it")
    parser.add_argument("--write", type=Path, help="the page whose table is made anew")
    asked = parser.parse_args()
    suffix = f"{os.getpid() % 10000}"
    with tempfile.TemporaryDirectory() as place:
        compose = Tool(shlex.split(asked.compose), f"vc-{suffix}-c", Path(place, "c"), 39431, asked.host)
        provision = Tool(shlex.split(asked.provision), f"vc-{suffix}-p", Path(place, "p"), 39432, asked.host)
        rows = []
        try:
            for case in CASES:
                same, why = compare(case, compose, provision)
                rows.append((case, same, why))
                print(f"{'same     ' if same else 'DIFFERENT'} {case.line}{f': {why}' if why else ''}", flush=True)
        finally:
            compose.run("down -v -t 1 --remove-orphans", "")
            provision.run("destroy --volumes --history --yes", "")
    if asked.write:
        page = asked.write.read_text()
        before, _, rest = page.partition(BEGIN)
        after = rest.partition(END)[2]
        asked.write.write_text(f"{before}{BEGIN}\n{table(rows)}\n{END}{after}")
    return 0 if all(same for _, same, _ in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
