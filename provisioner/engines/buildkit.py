"""Builds through Docker's own client, which drives the BuildKit of the very engine that everything else talks to.

No value of a secret or of a build argument is on its command line, and none of a secret in what it is quoted with.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from provisioner.engines.build_context import without_secret_files
from provisioner.errors import Interrupted, ProvisionError, SecretUnavailable, StepFailed, Unreachable
from provisioner.kinds.builders import is_remote
from provisioner.kinds.refusals import build_hint
from provisioner.model.builder import BuilderKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from provisioner.engines.connect import Endpoint
    from provisioner.model.builder import Builder
    from provisioner.model.edges import BuildRecipe
    from provisioner.model.secret import SecretValue

# Seconds without a line of output after which a build is given up, and until one that is given up is ended by force.
SILENCE = 3600.0
_GRACE = 10.0
# Bytes that a variable of a process can hold on Linux, with its name.
_LONGEST_VARIABLE = 120_000
# Variables that mean something to the client itself; a build argument of such a name is given on the command line.
_CLIENTS_OWN = re.compile(
    r"PATH|HOME|TMPDIR|LANG|NO_COLOR|SSH_(AUTH_SOCK|ASKPASS.*)|SSL_CERT_(FILE|DIR)|GO(DEBUG|GC|MAXPROCS|MEMLIMIT)"
    r"|DOCKER_(HOST|CONFIG|CONTEXT|API_VERSION|BUILDKIT|CERT_PATH|DEFAULT_PLATFORM|CLI_.*|CONTENT_TRUST.*|TLS.*)"
    r"|(BUILDX|BUILDKIT|XDG|OTEL|LC|LD|PROVISION_BUILD_SECRET)_.*"
)
# What would make the client talk to another engine or use another builder than the engine's own.
_CHOOSERS = ("DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_DEFAULT_PLATFORM",
             "BUILDX_BUILDER", "BUILDKIT_HOST")  # fmt: skip
_LOST = re.compile(
    r"Cannot connect to the Docker daemon|error during connect|connection re(set|fused)|broken pipe"
    r"|transport is closing|\bunexpected EOF|: EOF$|no active session|http2: client connection"
)
_MOST_QUOTED = 20


def build(
    endpoint: Endpoint,
    builder: Builder,
    tag: str,
    recipe: BuildRecipe,
    labels: Mapping[str, str],
    *,
    secrets: Mapping[str, SecretValue],
    progress: Callable[[str], None],
    stopped: Callable[[], bool],
) -> None:
    """Build an image. StepFailed for a build that fails, Unreachable where the engine was lost on the way,
    Interrupted when `stopped` says so."""
    environment = {**client_environment(endpoint), **_argument_values(recipe)}
    shown, values = _secrets(recipe, secrets)
    given = {**environment, **values}
    hide = _hiding(secrets.values())
    lines: list[str] = []
    with contextlib.ExitStack() as stack:
        recipe = stack.enter_context(without_secret_files(recipe))
        words = command(builder, tag, recipe, labels, environment=given, secrets=shown)
        inline = recipe.get("dockerfile_inline")
        process = stack.enter_context(_process(words, given, str(inline) if inline is not None else None))
        for line in _lines(process, stopped):
            text = hide(line)
            lines.append(text)
            progress(text)
        code = process.wait()
    if stopped() or code in (130, -signal.SIGINT):
        raise Interrupted("it was given up")
    if code:
        raise _failure(tag, lines)


def command(
    builder: Builder,
    tag: str,
    recipe: BuildRecipe,
    labels: Mapping[str, str],
    *,
    environment: Mapping[str, str],
    secrets: tuple[str, ...] = (),
) -> list[str]:
    """The words of the client's command. `environment` is that of its process, `secrets` what --secret is given."""
    buildx = builder.kind is BuilderKind.BUILDX
    words = [str(builder.command), *(("buildx", "build", "--builder", "default") if buildx else ("build",))]

    def add(option: str, *values: Any) -> None:
        for value in values:
            words.append(f"--{option}={value}")

    add("progress", "plain")
    add("tag", tag)
    root, name = str(recipe["context"]), str(recipe.get("dockerfile") or "Dockerfile")
    inline = recipe.get("dockerfile_inline") is not None
    add("file", "-" if inline else name if is_remote(root) else Path(root) / name)
    for key, value in sorted((recipe.get("args") or {}).items()):
        if value is not None:
            add("build-arg", key if environment.get(key) == str(value) else f"{key}={value}")
    for key, value in sorted({**(recipe.get("labels") or {}), **labels}.items()):
        add("label", f"{key}={value}")
    add("secret", *secrets)
    add("ssh", *(recipe.get("ssh") or ()))
    add("cache-from", *(recipe.get("cache_from") or ()))
    add("add-host", *(f"{host}:{address}" for host, address in host_names(recipe)))
    for option in ("network", "target"):
        if recipe.get(option):
            add(option, recipe[option])
    words += [f"--{key.replace('_', '-')}" for key in ("no_cache", "pull") if recipe.get(key)]
    if recipe.get("platforms"):
        add("platform", ",".join(map(str, recipe["platforms"])))
    if buildx:
        _add_newer(recipe, add)
    return [*words, root]


def _add_newer(recipe: BuildRecipe, add: Callable[..., None]) -> None:
    """What only buildx has."""
    add("build-context", *(f"{name}={value}" for name, value in (recipe.get("additional_contexts") or {}).items()))
    privileges = list(recipe.get("entitlements") or ())
    if recipe.get("privileged") and "security.insecure" not in privileges:
        privileges.append("security.insecure")
    add("allow", *privileges)
    add("cache-to", *(recipe.get("cache_to") or ()))
    if recipe.get("no_cache_filter"):
        add("no-cache-filter", ",".join(map(str, recipe["no_cache_filter"])))
    for key in ("provenance", "sbom"):
        if recipe.get(key) not in (None, ""):
            add(key, str(recipe[key]).lower() if isinstance(recipe[key], bool) else recipe[key])
    if recipe.get("shm_size"):
        add("shm-size", int(recipe["shm_size"]))
    for name, limit in (recipe.get("ulimits") or {}).items():
        add("ulimit", f"{name}={limit['soft']}:{limit['hard']}" if isinstance(limit, dict) else f"{name}={limit}")


def client_environment(endpoint: Endpoint) -> dict[str, str]:
    """The environment in which Docker's client talks to this endpoint, whatever else is chosen in that of today."""
    variables = {key: value for key, value in os.environ.items() if key not in _CHOOSERS}
    variables |= {"DOCKER_HOST": endpoint.url, "DOCKER_BUILDKIT": "1", "DOCKER_CLI_HINTS": "false"}
    if endpoint.tls is not None:
        variables["DOCKER_TLS_VERIFY" if endpoint.tls.verify else "DOCKER_TLS"] = "1"
        certificate = endpoint.tls.ca_cert or (endpoint.tls.cert or ("",))[0]
        if certificate:
            variables["DOCKER_CERT_PATH"] = str(Path(certificate).parent)
    return variables


def host_names(recipe: BuildRecipe) -> Iterator[tuple[str, str]]:
    """The names of `extra_hosts` with their addresses."""
    hosts = recipe.get("extra_hosts")
    if isinstance(hosts, dict):
        yield from ((name, str(address)) for name, address in hosts.items())
        return
    for entry in hosts or ():
        name, _, address = str(entry).replace("=", ":", 1).partition(":")
        yield name, address


def _argument_values(recipe: BuildRecipe) -> dict[str, str]:
    """The build arguments that can be variables of the client's process."""
    arguments = {key: str(value) for key, value in (recipe.get("args") or {}).items() if value is not None}
    return {key: value for key, value in arguments.items() if key and not _CLIENTS_OWN.fullmatch(key)}


def _secrets(recipe: BuildRecipe, values: Mapping[str, SecretValue]) -> tuple[tuple[str, ...], dict[str, str]]:
    """What --secret is given for each secret, and the variables that hold the values."""
    shown, variables = [], {}
    for index, entry in enumerate(recipe.get("secrets") or ()):
        source = str(entry["source"])
        value = values.get(source)
        if value is None:
            raise SecretUnavailable(
                f"the build needs the value of secret {source}, and only the Swarm has it",
                hint="let it come from env_local or aws",
            )
        if value.size > _LONGEST_VARIABLE or b"\0" in value.reveal():
            raise SecretUnavailable(
                f"secret {source} is too long or not text, and can not be given to a build",
                hint=f"at most {_LONGEST_VARIABLE} bytes without a zero byte; encode it, for example with base64",
            )
        variable = f"PROVISION_BUILD_SECRET_{index}"
        variables[variable] = os.fsdecode(value.reveal())
        shown.append(f"id={entry.get('target') or source},env={variable}")
    return tuple(shown), variables


def _hiding(secrets: Any) -> Callable[[str], str]:
    """What takes the values of secrets, and each of their lines, out of a text: a build may print what it is given."""
    texts: set[str] = set()
    for secret in secrets:
        whole = secret.reveal().decode(errors="replace").strip()
        texts |= {whole, *(line.strip() for line in whole.splitlines() if len(line.strip()) > 3)}
    ordered = sorted(texts - {""}, key=len, reverse=True)

    def hide(text: str) -> str:
        for value in ordered:
            text = text.replace(value, "(sensitive)")
        return text

    return hide


@contextlib.contextmanager
def _process(words: list[str], environment: Mapping[str, str], stdin: str | None) -> Iterator[subprocess.Popen[str]]:
    """The client's process, in a group of its own; it has ended when the block is left."""
    try:
        process = subprocess.Popen(
            words, env=dict(environment), text=True, encoding="utf-8", errors="replace", process_group=0,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
    except (OSError, ValueError) as error:
        raise ProvisionError(f"{words[0]} can not be started: {error}", hint="check the build arguments") from error
    try:
        if process.stdin is not None and stdin is not None:
            with contextlib.suppress(OSError), process.stdin:
                process.stdin.write(stdin)
        yield process
    finally:
        _end(process)
        if process.stdout is not None:
            process.stdout.close()


def _lines(process: subprocess.Popen[str], stopped: Callable[[], bool]) -> Iterator[str]:
    """What the process prints, line by line, until it ends, is given up or has been silent for too long."""
    lines: SimpleQueue[str | None] = SimpleQueue()

    def read() -> None:
        for line in process.stdout or ():
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    heard = time.monotonic()
    while not stopped():
        try:
            line = lines.get(timeout=0.2)
        except Empty:
            if time.monotonic() - heard > SILENCE:
                raise Unreachable(f"the build has been silent for {SILENCE:.0f} s") from None
            continue
        heard = time.monotonic()
        if line is None:
            return
        if line.strip():
            yield line.rstrip()
    _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    """End the client and its plugins as Ctrl-C does, in the end by force; nothing where it has ended."""
    for sign, seconds in ((signal.SIGINT, _GRACE), (signal.SIGKILL, None)):
        if process.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)


def _failure(tag: str, lines: list[str]) -> StepFailed | Unreachable:
    """What a client said that failed: the error itself, the step of the Dockerfile, and the lines before."""
    errors = [line for line in lines if line.startswith(("ERROR: ", "error: "))] or lines[-1:] or ["no word of why"]
    text = re.sub(r"^(ERROR: |error: )?(failed to build: )?", "", errors[-1], flags=re.IGNORECASE)
    step = next((line.removeprefix(" > ").rstrip(":") for line in reversed(lines) if line.startswith(" > ")), "")
    evidence = tuple(line for line in lines if line != errors[-1])[-_MOST_QUOTED:]
    if _LOST.search(text):
        return Unreachable(f"the engine was lost while image {tag} was built: {text}", detail="\n".join(evidence))
    message = f"image {tag} can not be built: {f'{step}: ' if step else ''}{text}"
    return StepFailed(message, hint=build_hint(text), evidence=evidence)
