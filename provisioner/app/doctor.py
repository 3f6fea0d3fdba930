"""`doctor`: whether everything that an apply needs is there, each thing looked at by itself. Reads only."""

from __future__ import annotations

import json
import os
import shutil
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from provisioner.app.load import load_playbook
from provisioner.app.wiring import open_engine, tier_context
from provisioner.errors import ProvisionError, Unreachable
from provisioner.kinds.values import moment
from provisioner.ledger.revisions import last_revision
from provisioner.model.address import Address
from provisioner.model.dataclass import dataclass
from provisioner.platforms.swarm import needs_swarm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from provisioner.app.request import Request
    from provisioner.engines.docker_api import DockerEngine
    from provisioner.model.playbook import Playbook
    from provisioner.model.state import Facts

State = Literal["ok", "unknown", "warning", "failed"]
OLDEST_API = (1, 41)
# Bytes that an engine's disk should have, and must have.
_ENOUGH, _LEAST = 5 << 30, 512 << 20
_SKEW = 10.0
_HUB = "https://index.docker.io/v1/"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `hint` says how to mend it."""

    name: str
    state: State
    message: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Everything that was found. `exit_code` is 0, 1, or 69 where no engine answers."""

    title: str
    findings: tuple[Finding, ...]
    reachable: bool

    @property
    def exit_code(self) -> int:
        if not self.reachable:
            return Unreachable.exit_code
        return 1 if any(finding.state == "failed" for finding in self.findings) else 0


def examine(request: Request) -> Diagnosis:
    """Look at the engine, and with a playbook also at what that needs. Never raises for what it finds wrong."""
    findings: list[Finding] = []
    playbook = None
    if request.files:
        try:
            playbook = load_playbook(request, allow_unset=True)
            findings.append(Finding("playbook", "ok", f"{playbook.title} is valid"))
        except ProvisionError as error:
            findings.append(_failure("playbook", error))
    engine: DockerEngine | None = None
    try:
        engine = open_engine(request, playbook.engine if playbook else None, manages=False)
        findings += _engine(engine, playbook)
    except ProvisionError as error:
        findings.append(_failure("engine", error))
    findings += _credentials(request, playbook)
    if playbook is not None:
        findings += _registry(playbook, engine)
        findings += _secrets(request, playbook, engine)
    return Diagnosis(playbook.title if playbook else "this machine", tuple(findings), engine is not None)


def _failure(name: str, error: ProvisionError) -> Finding:
    return Finding(name, "failed", error.message, error.hint)


def _engine(engine: DockerEngine, playbook: Playbook | None) -> Iterator[Finding]:
    facts, info = engine.facts(), engine.info()
    version = f"{facts.engine_version}, API {'.'.join(map(str, facts.api_version))}"
    if facts.api_version < OLDEST_API:
        yield Finding("engine", "warning", f"{engine.url}: engine {version} is older than 20.10", "update the engine")
    else:
        rootless = any("rootless" in str(option) for option in info.get("SecurityOptions") or ())
        yield Finding(
            "engine", "ok", f"{engine.url}: {facts.engine_name}, engine {version}{' (rootless)' if rootless else ''}"
        )
    yield _permission(engine.url)
    wants = playbook is not None and (playbook.engine.mode == "swarm" or needs_swarm(playbook))
    yield from _swarm(facts, info.get("Swarm") or {}, wants=wants)
    yield _disk(engine.url, str(info.get("DockerRootDir") or ""), str(info.get("Name") or ""))
    yield from _clock(str(info.get("SystemTime") or ""))
    for warning in info.get("Warnings") or ():
        yield Finding("engine", "warning", str(warning).removeprefix("WARNING: "))
    yield _builder(engine)


def _builder(engine: DockerEngine) -> Finding:
    """What builds images here. Less than BuildKit through buildx is told, and no fault: most builds need no more."""
    builders = engine.builders()
    text = str(builders.available[0])
    return Finding("builder", "ok", f"{text}; {builders.lacking}" if builders.lacking else text)


def _permission(url: str) -> Finding:
    path = url.removeprefix("unix://")
    if not url.startswith("unix://"):
        said = "through ssh" if url.startswith("ssh://") else "through TCP"
        plain = url.startswith(("tcp://", "http://")) and not os.environ.get("DOCKER_TLS_VERIFY")
        if plain:
            text = f"{said} without TLS: whoever reaches that port is root there"
            return Finding("permission", "warning", text, "use ssh://, or TLS (DOCKER_TLS_VERIFY)")
        return Finding("permission", "ok", said)
    try:
        mode = stat.S_IMODE(Path(path).stat().st_mode)
    except OSError:
        return Finding("permission", "ok", "the socket can be used")
    if mode & 0o002:
        text = f"everybody on this machine can use {path} (mode {mode:04o}), which is as good as root"
        return Finding("permission", "warning", text, f"chmod o-rw {path}")
    return Finding("permission", "ok", f"{path} can be used (mode {mode:04o})")


def _swarm(facts: Facts, swarm: Mapping[str, Any], *, wants: bool) -> Iterator[Finding]:
    state = str(swarm.get("LocalNodeState") or "inactive")
    if facts.swarm_manager:
        yield Finding(
            "swarm", "ok", f"a manager; {swarm.get('Nodes') or '?'} nodes, {swarm.get('Managers') or '?'} managers"
        )
    elif wants:
        hint = "`provision engine init` makes a Swarm of one node" if state == "inactive" else "name a manager"
        yield Finding("swarm", "failed", f"the playbook runs on Swarm, and this engine is no manager ({state})", hint)
    else:
        yield Finding("swarm", "ok", "none, and none is needed" if state == "inactive" else f"not a manager ({state})")
    if not (facts.swarm_manager or wants):
        return
    if facts.ipvs is None:
        yield Finding("ipvs", "unknown", "the engine's kernel can not be looked at from here")
    elif facts.ipvs:
        yield Finding("ipvs", "ok", "the kernel balances virtual addresses")
    else:
        yield Finding(
            "ipvs", "warning",
            "the kernel has no IPVS: services with a virtual address, and ports published through ingress, hang",
            "say `deploy: {endpoint_mode: dnsrr}`, and publish ports with `mode: host`; or `modprobe ip_vs`",
        )  # fmt: skip


def _disk(url: str, folder: str, name: str) -> Finding:
    if not url.startswith("unix://") or not Path(folder or "/nonexistent").is_dir() or name != os.uname().nodename:
        return Finding("disk", "unknown", "the engine's disk can not be looked at from here")
    usage = shutil.disk_usage(folder)
    free = f"{usage.free / (1 << 30):.1f} GiB free in {folder}"
    if usage.free < _LEAST:
        return Finding("disk", "failed", free, "docker system df shows what can go")
    return Finding("disk", "ok", free) if usage.free >= _ENOUGH else Finding("disk", "warning", free, "make room")


def _clock(text: str) -> Iterator[Finding]:
    engine_time = moment(text)
    if engine_time is None:
        return
    off = abs((datetime.now(UTC) - engine_time).total_seconds())
    if off > _SKEW:
        yield Finding(
            "clock", "warning", f"the engine's clock is {off:.0f} s away from this machine's", "use NTP on both"
        )


def _credentials(request: Request, playbook: Playbook | None) -> Iterator[Finding]:
    """What the Docker client's configuration has for the registries of the playbook."""
    folder = request.shell.get("DOCKER_CONFIG") or f"{request.shell.get('HOME', '')}/.docker"
    path = Path(folder, "config.json")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        content = {}
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not JSON"
        yield Finding("credentials", "failed", f"{path} can not be read: {reason}", "docker login writes it anew")
        return
    auths = content.get("auths") if isinstance(content.get("auths"), dict) else {}
    helpers = content.get("credHelpers") if isinstance(content.get("credHelpers"), dict) else {}
    if any(isinstance(auth, dict) and auth.get("auth") for auth in auths.values()) and path.stat().st_mode & 0o077:
        yield Finding(
            "credentials", "warning", f"{path} holds passwords and can be read by others", f"chmod 600 {path}"
        )
    for helper in sorted({*helpers.values(), content.get("credsStore")} - {None, ""}):
        if shutil.which(f"docker-credential-{helper}") is None:
            text = f"{path} names docker-credential-{helper}, which is not installed"
            yield Finding("credentials", "failed", text, f"install it, or take it out of {path}")
    for registry in sorted({_registry_of(service.image) for service in playbook.services.values()} if playbook else ()):
        known = registry in auths or registry in helpers or bool(content.get("credsStore"))
        if registry != _HUB:
            said = "credentials are there" if known else "no credentials; fine where it is public"
            yield Finding("credentials", "ok", f"{registry}: {said}")


def _registry_of(image: str) -> str:
    """The registry of an image reference, as the Docker client's configuration names it."""
    first = image.partition("/")[0]
    return first if "/" in image and ("." in first or ":" in first or first == "localhost") else _HUB


def _registry(playbook: Playbook, engine: DockerEngine | None) -> Iterator[Finding]:
    """Images that have to be pulled: whether a registry has them."""
    if engine is None:
        return
    services = playbook.services.values()
    pulled = sorted({service.image for service in services} - {service.image for service in services if service.builds})
    absent = [image for image in pulled if engine.inspect("image", image) is None]
    lost = [image for image in absent if engine.distribution(image) is None]
    if lost:
        text = f"not on the engine, and no registry tells of them: {', '.join(lost)}"
        yield Finding("registry", "warning", text, "check names and tags, the network, and `docker login`")
    elif absent:
        yield Finding("registry", "ok", f"{len(absent)} of {len(pulled)} images are to be pulled, and can be found")
    elif pulled:
        yield Finding(
            "registry", "ok", f"{', '.join(pulled[:4])}{', …' if len(pulled) > 4 else ''}: on the engine already"
        )


def _secrets(request: Request, playbook: Playbook, engine: DockerEngine | None) -> Iterator[Finding]:
    from provisioner.app.secrets import UNCLEAR, list_secrets

    yield from _as_findings("env_local", lambda: _env_local(request, playbook))
    yield from _as_findings("keyring", lambda: _keyring(request, playbook))
    yield from _as_findings("fingerprint key", lambda: _key(request, playbook, engine))
    if not playbook.secrets:
        return
    try:
        inventory = list_secrets(request)
    except ProvisionError as error:
        yield _failure("secrets", error)
        return
    bad = [secret.row for secret in inventory.secrets if secret.row.state in ("missing", UNCLEAR)]
    for row in bad:
        yield Finding(
            "secrets", "failed", f"{row.key} is {row.state}: {'; '.join(row.tried)}", "provision secrets list"
        )
    if not bad:
        tiers = sorted({secret.row.tier for secret in inventory.secrets})
        yield Finding("secrets", "ok", f"all {len(inventory.secrets)} are there ({', '.join(tiers)})")


def _as_findings(name: str, look: Callable[[], Finding | None]) -> Iterator[Finding]:
    try:
        finding = look()
    except ProvisionError as error:
        yield _failure(name, error)
    else:
        if finding is not None:
            yield finding


def _env_local(request: Request, playbook: Playbook) -> Finding | None:
    from provisioner.secrets.env_local import files, load

    paths = files(tier_context(request, playbook, None))
    loaded = [(path, *load(path)) for path in paths]
    private = [(path, document) for path, document, _, _ in loaded if document is not None]
    if not private:
        missing = " and no ".join(map(str, paths))
        return Finding("env_local", "ok", f"there is no {missing}") if playbook.secrets else None
    if cautions := [text for _, _, _, findings in loaded for text in findings]:
        return Finding("env_local", "warning", "; ".join(cautions))
    findings = [f"{path} is private, {len(document.entries)} values" for path, document in private]
    return Finding("env_local", "ok", "; ".join(findings))


def _keyring(request: Request, playbook: Playbook) -> Finding | None:
    """The keyring matters where a value points to it; elsewhere it is only told which one there is."""
    from provisioner.secrets.env_local import files, keyring_of, load

    if not playbook.secrets:
        return None
    context = tier_context(request, playbook, None)
    documents = [document for path in files(context) if (document := load(path)[0]) is not None]
    points = [entry.key for document in documents for entry in document.entries.values() if entry.keyring]
    try:
        backend = keyring_of(context).backend
    except ProvisionError as error:
        if points:
            return Finding("keyring", "failed", f"{', '.join(points)} lie there: {error.message}", error.hint)
        return Finding("keyring", "ok", f"not used; {error.message}")
    return Finding("keyring", "ok", f"{backend}{f', {len(points)} values' if points else ', not used'}")


def _key(request: Request, playbook: Playbook, engine: DockerEngine | None) -> Finding | None:
    from provisioner.secrets.fingerprint import FingerprintKey, find_key

    if not playbook.secrets:
        return None
    key = find_key(tier_context(request, playbook, None))
    last = last_revision(engine, playbook.project) if engine is not None else None
    recorded = last.inputs["versions"].items() if last else ()
    applied = {
        version.partition(".")[0]
        for name, version in recorded
        if Address.from_listed(name).kind == "secret" and "." in version
    }
    bring = "bring the key from where it was applied (provision secrets key export there, import here)"
    if isinstance(key, FingerprintKey):
        if applied and key.id not in applied:
            text = f"{key.id} is not the one of the last apply ({', '.join(sorted(applied))})"
            return Finding("fingerprint key", "failed", text, bring)
        return Finding("fingerprint key", "ok", f"{key.id}")
    if applied:
        return Finding("fingerprint key", "failed", f"{key.tried}, and the last apply used {', '.join(applied)}", bring)
    return Finding("fingerprint key", "ok", f"{key.tried}; the first apply makes it")
