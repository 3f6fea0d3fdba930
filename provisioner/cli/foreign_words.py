"""Words of Compose, Terraform, Kamal, Ansible and Helm that are no words here, and what to type instead.

A command that exists is never looked up: an entry counts only as long as there is no command of that name. Nothing is
answered by likeness alone where a wrong guess would delete something.
"""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# What a likeness never leads to: it deletes, or goes back.
DESTRUCTIVE = frozenset({
    "destroy", "rollback", "restore", "down", "rm", "kill", "stop", "pause", "prune", "unset", "rotate", "release",
    "--rerun", "--replace", "--prune", "--volumes", "--force", "--yes", "--auto-approve", "--history", "--rmi", "--fix",
})  # fmt: skip

_SEE_WHAT_GOES = "provision destroy --check shows what would go; nothing is deleted by it"
_STATE = "there is no state file, the engine is looked at each time: provision plan"

COMMANDS: dict[str, str] = {
    # Compose
    "convert": "provision config",
    "publish": "provision export, or provision push for images",
    "commit": "describe the change in a Dockerfile, and provision build",
    "bridge": "provision export",
    # Terraform and OpenTofu
    "validate": "provision lint, or provision config -q",
    "refresh": _STATE,
    "state": f"{_STATE}, provision status",
    "output": "provision config --format json, provision status --json",
    "taint": "an object is replaced where it differs from the playbook: provision plan",
    "untaint": "an object is replaced where it differs from the playbook: provision plan",
    "workspace": "an environment is a playbook: playbooks/SYSTEM/ENVIRONMENT.yml",
    "console": "provision config --explain NAME",
    "providers": "provision doctor",
    "force-unlock": "provision lock status says who holds the lease",
    # Kamal
    "setup": "provision doctor looks whether the engine is fit; provision apply does the rest",
    "deploy": "provision apply",
    "redeploy": "provision apply",
    "app": "provision status, provision logs SERVICE, provision exec SERVICE COMMAND",
    "details": "provision status",
    "accessory": "every service is alike: provision status",
    "audit": "provision history",
    "lock": "provision apply takes the lease by itself, and says who holds it",
    "proxy": "a proxy is a service of the playbook",
    "registry": "docker login",
    "login": "docker login",
    "envify": "provision secrets list",
    "remove": _SEE_WHAT_GOES,
    "prune": "provision plan --prune shows what is no longer declared",
    # Ansible
    "playbook": "provision apply TARGET",
    "vault": "provision secrets list",
    "inventory": "provision doctor; the engine is chosen with --host or --context",
    "facts": "provision doctor",
    # Helm, kubectl, docker stack, and words of no tool
    "install": "provision apply",
    "upgrade": "provision apply",
    "uninstall": _SEE_WHAT_GOES,
    "delete": _SEE_WHAT_GOES,
    "clean": _SEE_WHAT_GOES,
    "template": "provision config",
    "list": "provision status",
    "get": "provision status",
    "describe": "provision status --json",
    "inspect": "provision status --json",
    "services": "provision config --services",
    "image": "provision images",
    "rmi": "provision images lists them; an image that is used no more stays where it is",
    "container": "provision ps",
    "network": "provision status",
    "volume": "provision volumes",
    "system": "provision doctor looks at the engine and its disk",
    "tasks": "provision status",
    "stack": "provision apply, provision status",
    "service": "provision status",
    "check": "provision lint for the files, provision verify for the running system",
    "test": "provision verify",
    "preview": "provision plan",
    "sync": "provision apply; provision secrets sync for secrets",
    "update": "provision apply",
    "converge": "provision apply",
    "release": "provision apply",
    "health": "provision status, provision verify",
    "shell": "provision exec SERVICE sh",
    "sh": "provision exec SERVICE sh",
    "env": "provision config --explain NAME",
}

# In front of whose words there is nothing here.
TOOLS = frozenset({"docker", "compose", "docker-compose", "podman", "podman-compose"})

_BY_ITSELF = "apply does that by itself"
_NO_DETACH = "apply returns when everything runs; nothing has to be detached"
_TARGET = "--target service.NAME, with what it needs"
_ANONYMOUS = "what is replaced keeps its anonymous volumes; a `tmpfs:` is empty each time"
_VARIABLE = "-e NAME=VALUE"

# By option, or by command and option where one means something else there.
OPTIONS: dict[str, str] = {
    "--dry-run": "provision plan shows what would be done, and apply --check",
    "--force-recreate": "apply replaces what differs from the playbook, and nothing else: provision plan",
    "--no-recreate": "provision create makes what is not there and leaves the rest, provision start starts it",
    "--always-recreate-deps": "depends_on: {NAME: {restart: true}} says so in the playbook",
    "--menu": "provision watch, provision logs -f: they are commands of their own",
    "--watch": "provision watch",
    "-w": "provision watch",
    "-V": _ANONYMOUS,
    "--force": "--yes answers the question; what is refused stays refused",
    "--parallel": "it stands after the command, where that does several things at once",
    "rollback --version": "the number of a revision is an argument: provision history lists them",
    "create --force-recreate": "create leaves what is there as it is; provision up --force-recreate",
    "--builder": "the builder is the one of the engine that the rest goes to: --context or --host choose that",
    "build --check": "provision lint reads Dockerfiles too",
    "--memory": "BuildKit has no such limit",
    "-m": "BuildKit has no such limit",
    "--print": "provision config --format json has the `build:` sections; provision export writes a Compose file",
    "--provenance": "`build: {provenance: …}` in the playbook",
    "--sbom": "`build: {sbom: …}` in the playbook",
    "--models": "models need Docker Model Runner, which an engine by itself has not",
    "--no-path-resolution": "paths are of this machine; the files themselves have them as they are written",
    "--remove-orphans": "provision plan --prune shows what is no longer declared",
    "--build": f"{_BY_ITSELF}, where a build context has changed; provision build builds",
    "--no-build": "provision plan shows what would be built; without `build:` nothing is",
    "--pull": "`pull_policy:` in the playbook, or provision pull",
    "--no-deps": _TARGET,
    "--wait": _BY_ITSELF,
    "--detach": _NO_DETACH,
    "-d": _NO_DETACH,
    "--no-start": "provision create",
    "--timeout": "`stop_grace_period:` of the service",
    "-t": "`stop_grace_period:` of the service",
    "--attach": "provision logs -f SERVICE",
    "--attach-dependencies": "without --attach lines of all are shown",
    "--rmi": "images stay; docker image rm removes one",
    "--renew-anon-volumes": _ANONYMOUS,
    "--abort-on-container-exit": "provision up --abort-on-container-exit; provision verify runs the checks",
    "--exit-code-from": "provision up --exit-code-from; a service with `job:` fails apply where it fails",
    "--quiet-pull": "--quiet",
    "--ansi": "--no-color",
    "--progress": "--quiet, --verbose or --json",
    "--compatibility": "names are those of Compose 2; nothing has to be compatible",
    "--all-resources": "--profile '*'",
    "--no-interpolate": "the files themselves have the variables; provision config --explain NAME",
    "--resolve-image-digests": "provision plan shows the digest of what runs",
    "--hash": "provision plan compares field by field",
    "--var": _VARIABLE,
    "--var-file": "--env-file FILE",
    "--extra-vars": _VARIABLE,
    "--out": "-o FILE",
    "--replace": "an object is replaced where it differs from the playbook: provision plan",
    "--refresh-only": "provision drift",
    "--destroy": _SEE_WHAT_GOES,
    "--state": "there is no state file: the engine is looked at each time",
    "--chdir": "-C DIR",
    "--lock": "apply takes the lease by itself",
    "--lock-timeout": "the message about the lease says who holds it; try again later",
    "--parallelism": "--parallel N",
    "--inventory": "--host URL or --context NAME",
    "--ask-vault-pass": "secrets come from their tiers: provision secrets list",
    "--namespace": "-p NAME",
    "--set": _VARIABLE,
    "--values": "--env-file FILE",
    "--destination": "a TARGET: provision apply SYSTEM/ENVIRONMENT",
    "--version": "provision --version",
}

# Terraform writes long options with one dash, which would be read as several short ones.
_ONE_DASH = {
    "auto-approve": "--yes", "target": "--target", "var": _VARIABLE, "var-file": "--env-file", "out": "-o FILE",
    "json": "--json", "destroy": _SEE_WHAT_GOES, "detailed-exitcode": "--detailed-exitcode", "no-color": "--no-color",
    "parallelism": "--parallel N", "replace": OPTIONS["--replace"], "refresh-only": OPTIONS["--refresh-only"],
    "chdir": "-C DIR", "input": "--yes", "lock": OPTIONS["--lock"], "help": "--help", "version": "provision --version",
}  # fmt: skip


def nearest_command(name: str, known: Iterable[str]) -> str:
    """The command that `name` is most like; empty where none is near or the near one is destructive."""
    from provisioner.document.findings import closest

    near = closest(name, known)
    return "" if near in DESTRUCTIVE else near


def same_verb(arguments: Sequence[str], known: Iterable[str]) -> str:
    """What to type instead of the words of another tool (`docker compose -f x ps`): the same verb, if there is one."""
    verbs = set(known)
    verb = next((word for word in arguments if word in verbs or (word in COMMANDS and word not in TOOLS)), "")
    if verb in verbs and verb not in DESTRUCTIVE:
        return f"provision {verb}"
    tool = " ".join(takewhile(TOOLS.__contains__, arguments))
    return COMMANDS.get(verb) or f"leave `{tool}` out: provision --help shows the commands"


def harmless(options: Sequence[str]) -> list[str]:
    """Of options that are like what was typed, those that delete nothing."""
    return [option for option in options if option not in DESTRUCTIVE]


def single_dash(arguments: Sequence[str]) -> tuple[str, str] | None:
    """The first Terraform-style option among arguments (`-out=x`), and what it is called here."""
    for argument in arguments:
        if argument == "--":
            return None
        name = argument[1:].partition("=")[0]
        if argument.startswith("-") and name in _ONE_DASH:
            return f"-{name}", _ONE_DASH[name]
    return None
