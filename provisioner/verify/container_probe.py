"""Open a TCP connection from inside a running container with whatever its image happens to bring.

Tells "nothing to try with" apart from "tried and failed": a missing tool never counts as an unreachable port.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from provisioner.errors import EngineRefused, Reason
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provisioner.ports import EngineWriter

_OPEN, _CLOSED, _NONE = "provision-open", "provision-closed", "provision-none"

_PYTHON = f"""
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), float(sys.argv[3])).close()
    print("{_OPEN}")
except Exception as error:
    print("{_CLOSED}", error)
"""
_PERL = f"""
use IO::Socket::INET;
my $s = IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => $ARGV[1], Proto => "tcp", Timeout => $ARGV[2]);
print $s ? "{_OPEN}\\n" : "{_CLOSED} $@\\n";
"""
_NODE = f"""
const [host, port, limit] = process.argv.slice(-3);
const end = (text) => {{ console.log(text); process.exit(0); }};
const socket = require("net").connect({{host, port: Number(port)}}, () => end("{_OPEN}"));
socket.setTimeout(Number(limit) * 1000, () => end("{_CLOSED} timed out"));
socket.on("error", (error) => end("{_CLOSED} " + (error.code || error.message)));
"""
_PHP = f"""
$s = @fsockopen($argv[1], (int) $argv[2], $code, $text, (float) $argv[3]);
echo $s ? "{_OPEN}\\n" : "{_CLOSED} $text\\n";
"""
_RUBY = f"""
require "socket"
begin
  Socket.tcp(ARGV[0], ARGV[1].to_i, connect_timeout: ARGV[2].to_f).close
  puts "{_OPEN}"
rescue StandardError => e
  puts "{_CLOSED} #{{e.message}}"
end
"""
# $1 host, $2 port, $3 seconds. A connect in bash has no time limit of its own. Its process is waited for, and nothing
# else is left to end by itself: what loses its parent is the first process's, and few of those ever ask for it.
_SHELL = f"""
has() {{ command -v "$1" >/dev/null 2>&1; }}
if has bash && has sleep; then
  said=$(bash -c '
    ( exec 3<>"/dev/tcp/$1/$2" ) & connecting=$!
    ends=$((SECONDS + $3))
    while kill -0 "$connecting" 2>/dev/null && [ "$SECONDS" -le "$ends" ]; do sleep 0.05 2>/dev/null || sleep 1; done
    kill "$connecting" 2>/dev/null
    wait "$connecting"' probe "$1" "$2" "$3" 2>&1) && echo {_OPEN} || echo {_CLOSED} "$said"
elif has python3; then python3 -c "$PROVISION_PYTHON" "$1" "$2" "$3"
elif has python; then python -c "$PROVISION_PYTHON" "$1" "$2" "$3"
elif has perl; then perl -e "$PROVISION_PERL" "$1" "$2" "$3"
elif has node; then node -e "$PROVISION_NODE" "$1" "$2" "$3"
elif has php; then php -r "$PROVISION_PHP" -- "$1" "$2" "$3"
elif has ruby; then ruby -e "$PROVISION_RUBY" "$1" "$2" "$3"
elif has nc || has busybox; then
  if has nc; then tool=nc; else tool="busybox nc"; fi
  case "$($tool -h 2>&1; $tool --help 2>&1)" in
    *applet\\ not\\ found*) echo {_NONE}; exit 0 ;;
    *-z*) zero=-z ;;
    *) zero= ;;
  esac
  said=$($tool $zero -w "$3" "$1" "$2" </dev/null 2>&1 >/dev/null) && echo {_OPEN} || echo {_CLOSED} "$said"
else echo {_NONE}
fi
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """`open` is None when nobody could try; `reason` says why it is not open."""

    open: bool | None
    reason: str


NO_TOOL = (
    "the image has none of bash, python, perl, node, php, ruby, nc and busybox to open a connection with; "
    "use 'from: host', or an exec check with a tool of its own"
)


def probe(engine: EngineWriter, container_id: str, host: str, port: int, seconds: float) -> Answer:
    """Try `host:port` from the container, with a time limit in seconds (rounded up: most tools count whole ones)."""
    for command, scripts, limit in commands(host, port, seconds):
        answer = answer_in(_output(engine, container_id, command, scripts), limit)
        if answer is not None:
            return answer
    return Answer(None, NO_TOOL)


def commands(host: str, port: int, seconds: float) -> Iterator[tuple[tuple[str, ...], dict[str, str], str]]:
    """What to try one after the other: a command, the variables that it needs, and its time limit."""
    limit = str(max(1, math.ceil(seconds)))
    target = (host, str(port), limit)
    scripts = {
        "PROVISION_PYTHON": _PYTHON,
        "PROVISION_PERL": _PERL,
        "PROVISION_NODE": _NODE,
        "PROVISION_PHP": _PHP,
        "PROVISION_RUBY": _RUBY,
    }
    yield ("sh", "-c", _SHELL, "probe", *target), scripts, limit
    for program, option, script in (("python3", "-c", _PYTHON), ("node", "-e", _NODE), ("perl", "-e", _PERL)):
        yield (program, option, script, *target), scripts, limit


def _output(engine: EngineWriter, container_id: str, command: tuple[str, ...], scripts: dict[str, str]) -> str:
    """What the command printed; nothing when the image does not have it."""
    try:
        code, output, _ = engine.execute(container_id, command, environment=scripts)
    except EngineRefused as error:
        # Engines tell a missing program with 400 or 404, or with exit code 126 or 127.
        if error.reason is not Reason.NO_PROGRAM:
            raise
        return ""
    return "" if code in (126, 127) else output.decode("utf-8", "replace")


def answer_in(output: str, limit: str) -> Answer | None:
    """What the output of one of the commands says; None when it says nothing."""
    for line in output.splitlines():
        if line.startswith(_OPEN):
            return Answer(True, "")
        if line.startswith(_CLOSED):
            said = line.removeprefix(_CLOSED).strip()
            return Answer(False, _reason(said, limit))
    return None


def _reason(said: str, limit: str) -> str:
    text = said.lower()
    if "refused" in text:
        return "connection refused"
    unknown = ("not known", "bad address", "enotfound", "not resolve", "resolution", "no address", "bad hostname")
    if any(word in text for word in (*unknown, "eai_again", "getaddrinfo")):
        return "the name does not resolve"
    if not said or any(word in text for word in ("timed out", "timeout", "terminated")):
        return f"no answer within {limit} s"
    return said.rpartition(": ")[2]
