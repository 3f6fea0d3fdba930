"""Every key of the language on a plain engine: compared by a field, done by provision itself, told to have no effect,
or refused, with the reason and what to do instead. From here come the checks of a plan and the support matrix.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any

from provisioner.kinds import container, network, volume
from provisioner.kinds.container_structured import PLAIN_ENGINE
from provisioner.kinds.fields import Ignored, Refused
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from provisioner.kinds.fields import Field
    from provisioner.model.edges import ComposeBody, EngineBody

Version = tuple[int, int]


class Treatment(StrEnum):
    """What becomes of a key on a plain engine."""

    COMPARED = "compared"
    CLIENT = "done by provision"
    AT_CREATION = "at creation"
    DESCRIPTIVE = "for people"
    NOTED = "no effect"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Key:
    """One key; `path` is that of its row in the document, '*' is any name or item.

    `fields` are the ones that compare it where they are not called like it. `why` and `instead` are what a plan says
    of a key that is noted or refused; `when` narrows that, and `since`, to some values (it gets the value and the
    body around it). `since` is the first Engine API version that has it, `windows` marks what Linux has not. `swarm` is
    what a Swarm makes of it where its fields do not say that; `swarm_when` narrows it to some values.
    """

    path: str
    how: Treatment = Treatment.COMPARED
    fields: tuple[str, ...] = ()
    why: str = ""
    instead: str = ""
    when: Callable[[Any, EngineBody], bool] | None = None
    since: Version | None = None
    windows: bool = False
    swarm: Refused | Ignored | Treatment | None = None
    swarm_when: Callable[[Any, EngineBody], bool] | None = None
    summary: str = ""


def _client(*paths: str) -> tuple[Key, ...]:
    return tuple(Key(path, Treatment.CLIENT) for path in paths)


def _below(at: str, *keys: Key) -> tuple[Key, ...]:
    return tuple(replace(key, path=f"{at}.{key.path}" if key.path else at) for key in keys)


def _noted(path: str, why: str, instead: str = "", **more: Any) -> Key:
    return Key(path, Treatment.NOTED, why=why, instead=instead, **more)


def _refused(path: str, why: str, instead: str, **more: Any) -> Key:
    return Key(path, Treatment.REFUSED, why=why, instead=instead, **more)


def _is(*words: str) -> Callable[[Any, EngineBody], bool]:
    return lambda value, body: value in words


def _is_name(value: Any, body: ComposeBody) -> bool:
    return value is not None and not str(value).isdecimal()


# The last of 32 bits means none.
_LAST_ID = 2**32 - 2


def _is_beyond(value: Any, body: ComposeBody) -> bool:
    return str(value).isdecimal() and int(value) > _LAST_ID


_NO_RESTART = "the engine itself decides how long it waits between two starts"
_ONE_ENGINE = "there is only one engine"
_MODELS = "it needs Docker Model Runner, which a Docker Engine by itself has not"
_NO_MODELS = Refused("run a model server as a service", why=_MODELS)
_PROVIDER = "what a provider gives to others is known only after it has acted, so that no plan could tell it"
_NO_PROVIDER = Refused("run it before, and hand its variables over with `env_file` or as secrets", why=_PROVIDER)
_GIVEN = Refused("use the service's name", why="tasks get their addresses from it")
_BACK = "a failed rollout goes back one replica after the other, each ready before the next"

_DEPLOY = _below(
    "deploy",
    *_client("", "mode", "replicas"),
    _noted("endpoint_mode", "a name leads to all replicas, as with dnsrr", "put a proxy in front", when=_is("vip")),
    _noted("labels", "they are labels of a Swarm service, and there is none", "put them under `labels`"),
    _noted("placement", _ONE_ENGINE, "name another with `engine.host`"),
    Key("resources", Treatment.CLIENT),
    Key("resources.limits.cpus", fields=("cpus",)),
    Key("resources.limits.memory", fields=("mem_limit",)),
    Key("resources.limits.pids", fields=("pids_limit",)),
    _noted("resources.reservations.cpus", "an engine reserves no CPU time", "give it a weight with `cpu_shares`"),
    Key("resources.reservations.memory", fields=("mem_reservation",)),
    Key("resources.reservations.devices", fields=("gpus",)),
    _noted("resources.reservations.generic_resources", "only Swarm counts them", "use `devices` or `gpus`"),
    Key("restart_policy", fields=("restart",)),
    _noted("restart_policy.delay", _NO_RESTART),
    _noted("restart_policy.window", _NO_RESTART),
    _noted(
        "restart_policy.max_attempts", "attempts are counted only after failures", "say `condition: on-failure`",
        when=lambda value, body: body.get("condition") != "on-failure",
    ),
    Key("update_config", Treatment.CLIENT),
    *_client(*(f"update_config.{key}" for key in ("delay", "monitor", "failure_action", "max_failure_ratio"))),
    _noted("rollback_config", _BACK),
)  # fmt: skip

# What a builder can not do is told of a build that is to be: see builders.py.
_BUILD = _below(
    "build",
    Key("", Treatment.CLIENT),
    Key("isolation", windows=True, how=Treatment.CLIENT),
    *(
        _noted(
            f"secrets.*.{key}", "the `RUN --mount` that reads it says whose the file is", swarm=Ignored("leave it out")
        )
        for key in ("uid", "gid", "mode")
    ),
)

_NETWORKS = _below(
    "networks.*",
    *(Key(key, swarm=_GIVEN) for key in ("ipv4_address", "ipv6_address", "link_local_ips")),
    Key("interface_name", since=(1, 49), swarm=Ignored("leave it out")),
    Key("mac_address", since=(1, 44), swarm=_GIVEN),
    Key("gw_priority", since=(1, 48), swarm=Ignored("leave it out")),
    Key("priority", fields=("default_network",)),
)

_VOLUMES = _below(
    "volumes.*",
    Key("consistency", Treatment.DESCRIPTIVE, summary="Linux has no use for it, and Compose ignores it too."),
    Key("type", since=(1, 48), when=_is("image")),
    Key("bind.create_host_path", Treatment.AT_CREATION),
    Key("bind.selinux", swarm=Treatment.REFUSED),
    Key("bind.recursive", since=(1, 44), when=_is("readonly", "writable")),
    Key("volume.subpath", since=(1, 45)),
    Key("image.subpath", since=(1, 48), swarm=Treatment.REFUSED),
)

SERVICE = _below(
    "services.*",
    Key("attach", Treatment.DESCRIPTIVE, summary="Only what Compose's `up` shows."),
    Key("annotations", since=(1, 43)),
    *_BUILD,
    *_client("backup", "depends_on", "develop", "env_file", "extends", "job", "label_file", "profiles"),
    *_client("pull_policy", "pull_refresh_after", "scale", "update"),
    _noted(
        "command", "an empty command does not take the image's away by itself", "give an `entrypoint` too",
        when=lambda value, body: value == [] and not body.get("entrypoint"),
    ),
    Key(
        "container_name", summary="The container's name, in place of one that is made.",
        swarm=Ignored("tasks are named by Swarm"),
    ),
    Key("cpu_count", windows=True),
    Key("cpu_percent", windows=True),
    Key("credential_spec", fields=("security_opt",), windows=True, swarm=PLAIN_ENGINE),
    *_DEPLOY,
    Key(
        "environment.*.secret",
        swarm=Refused(
            "mount the secret, and name its file in the environment",
            why="whoever may look at a Swarm sees the environment of its services",
        ),
    ),
    Key("external_links", fields=("networks", "links"), swarm=Refused("use a shared network")),
    Key("healthcheck.start_interval", since=(1, 44)),
    Key("isolation", windows=True, when=lambda value, body: value != "default"),
    Key("links", fields=("networks", "links")),
    Key(
        "network_mode", swarm=Refused("put both services on one network", why="a task has its own network"),
        swarm_when=lambda value, body: value not in (None, "host", "bridge", "none"),
    ),
    Key("mac_address", fields=("networks", "mac_address")),
    _refused("models", _MODELS, "run a model server as a service", swarm=_NO_MODELS),
    Key("ports.*.app_protocol", Treatment.DESCRIPTIVE),
    Key("ports.*.host_ip", swarm=Treatment.REFUSED),
    Key(
        "ports.*.mode", Treatment.DESCRIPTIVE, summary="Without Swarm both publish on the engine's host.",
        swarm=Treatment.COMPARED,
    ),
    Key("ports.*.name", Treatment.DESCRIPTIVE),
    _refused("provider", _PROVIDER, _NO_PROVIDER.instead, swarm=_NO_PROVIDER),
    *_client("configs.*.override", "secrets.*.override"),
    *(
        _refused(f"{kind}.*.{key}", "only the container knows its users' names", "write the id", when=_is_name)
        for kind in ("configs", "secrets")
        for key in ("uid", "gid")
    ),
    *(
        _refused(f"{kind}.*.{key}", f"ids end at {_LAST_ID}", "write one that a user or group has", when=_is_beyond)
        for kind in ("configs", "secrets")
        for key in ("uid", "gid")
    ),
    *_NETWORKS,
    _noted("use_api_socket", "the socket is mounted, credentials of registries are not passed on", "mount them",
           fields=("volumes",)),
    *_VOLUMES,
    _refused("volumes.*.type", "only Swarm has cluster volumes", "use a volume or a bind mount", when=_is("cluster")),
    _refused("volumes.*.type", "only engines on Windows have named pipes", "use a bind mount", when=_is("npipe")),
)  # fmt: skip

_FILES = (
    _noted("labels", "a plain engine keeps no such objects that could have labels", swarm=Treatment.COMPARED),
    _refused("driver", "only Swarm has drivers", "use `file`, or another source", swarm=Treatment.COMPARED),
    _refused("driver_opts", "only Swarm has drivers", "use `file`, or another source", swarm=Treatment.COMPARED),
    _refused(
        "template_driver", "only Swarm fills in templates", "write what the file shall hold", swarm=Treatment.COMPARED
    ),
)  # fmt: skip

OBJECTS = (
    *_client(
        "networks.*.name",
        "networks.*.external",
        "volumes.*.name",
        "volumes.*.external",
        "volumes.*.protect",
        "volumes.*.backup",
    ),
    *_below("networks.*", Key("enable_ipv4", since=(1, 48))),
    *_client("services", "services.*", "networks", "networks.*", "volumes", "volumes.*", "configs", "secrets"),
    *_client("networks.*.ipam"),
    *_below("configs.*", *_FILES),
    *_below("secrets.*", *_FILES),
    _refused("models", _MODELS, "run a model server as a service", swarm=_NO_MODELS),
    Key("version", Treatment.DESCRIPTIVE),
    *_client(
        "name", "include", "extends", "env_files", "environment", "vars", "engine", "moved", "verify", "lint", "backup"
    ),
)

KEYS: tuple[Key, ...] = (*SERVICE, *OBJECTS)

_KINDS: Mapping[str, tuple[Field, ...]] = {
    "services": container.FIELDS, "networks": network.FIELDS, "volumes": volume.FIELDS,
}  # fmt: skip


@cache
def keys_at(path: str) -> tuple[Key, ...]:
    """What is said of exactly this path; several for keys whose values are treated differently."""
    return tuple(key for key in KEYS if key.path == path)


@cache
def key_of(path: str) -> Key | None:
    """What is said of a path, or of what it stands in; a key of a kind is compared by the field of that name.

    None for a path that nobody treats.
    """
    parts = path.split(".")
    last = _own_from(parts)
    while len(parts) > last:
        here = ".".join(parts)
        keys = keys_at(here)
        if keys:
            return keys[0]
        if fields_of(here):
            return Key(here)
        parts.pop()
    return None


def _own_from(parts: list[str]) -> int:
    """How many parts of a path say nothing of it: a kind's own keys are each treated by themselves."""
    return 2 if parts[0] in _KINDS and len(parts) > 2 else 0


@cache
def fields_of(path: str) -> tuple[Field, ...]:
    """The fields that compare the key at a path."""
    section, _, rest = path.partition(".*.")
    wanted = next((key.fields for key in keys_at(path) if key.fields), ()) or (rest,)
    return tuple(field for field in _KINDS.get(section, ()) if field.key in wanted)


@cache
def since_of(path: str) -> Version | None:
    """The first Engine API version that has the key at a path, where that is newer than every engine's."""
    own = [key.since for key in keys_at(path) if key.since]
    newest = max((field.since for field in fields_of(path)), default=(1, 24))
    return own[0] if own else newest if newest > (1, 41) else None


@cache
def swarm_answer(path: str) -> Refused | Ignored | Treatment | None:
    """What a Swarm makes of the key at exactly this path, where that is not just what it makes of what it stands in."""
    if own := next((key.swarm for key in keys_at(path) if key.swarm), None):
        return own
    fields = fields_of(path) if path.startswith("services.") else ()
    called_like_it = [field for field in fields if path.endswith(f".{field.key}")]
    answers = (field.swarm for field in (*called_like_it, *fields)[:1])
    return next((answer for answer in answers if isinstance(answer, Refused | Ignored)), None)


@cache
def _answer_on_swarm(path: str) -> Treatment | Refused | Ignored | None:
    """The answer of the nearest place that has one."""
    parts = path.split(".")
    paths = [".".join(parts[:end]) for end in range(len(parts), _own_from(parts), -1)]
    return next((answer for place in paths if (answer := swarm_answer(place))), None)


def why_not_on_swarm(path: str) -> str:
    """Why a Swarm has not the key at a path, and what to do instead; empty where it has, or none is given."""
    answer = _answer_on_swarm(path)
    why = answer.why if isinstance(answer, Refused | Ignored) else ""
    instead = answer.instead if isinstance(answer, Refused) else ""
    return f"{why}; instead: {instead}" if why and instead else why or instead


def on_swarm(path: str) -> str:
    """What becomes of the key at a path on Swarm, in the words of the reference."""
    parts = path.split(".")
    answer = _answer_on_swarm(path)
    if isinstance(answer, Refused) or answer is Treatment.REFUSED:
        some = any(key.swarm_when for key in keys_at(path))
        return "yes, some values not" if some else Treatment.REFUSED.value
    if isinstance(answer, Ignored):
        return Treatment.NOTED.value
    key = key_of(path)
    how = answer or (key.how if key else Treatment.COMPARED)
    described = how is Treatment.DESCRIPTIVE or (how is Treatment.CLIENT and "deploy" not in parts)
    return how.value if described else "yes"
