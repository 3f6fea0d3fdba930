"""Which keys of `build` need which builder, and the choice of one for a build. Pure.

The choice changes nothing in what is compared: an image is as good from one builder as from another.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from provisioner.model.builder import BuilderKind, Choice, Lack
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

    from provisioner.model.builder import Builder, Builders
    from provisioner.model.edges import BuildRecipe
    from provisioner.model.state import Facts

_BUILDX = frozenset({BuilderKind.BUILDX})
_BUILDKIT = frozenset({BuilderKind.BUILDX, BuilderKind.CLIENT})
# Engine 23.0, the first whose BuildKit knows named contexts and the limits of a build's processes.
_MODERN = (1, 42)
_MODERN_RELEASE = "23.0"
# The key of a build's mapping, beside Compose's own, with the playbook's folder: no build gets the secrets kept there.
PLAYBOOK_FOLDER = "playbook_folder"
INSTALL = "install buildx, the plugin of Docker's client (package docker-buildx or docker-buildx-plugin)"
STORE_HINT = "switch it on (`features: {containerd-snapshotter: true}` in the engine's daemon.json)"


def _given(value: Any) -> bool:
    return value not in (None, False, "", 0, "false", [], {})


@dataclass(frozen=True, slots=True)
class Demand:
    """What a key of `build` asks of the builder.

    `kinds` are the builders that can do it, BuildKit's of them only from Engine API `since` on, and with `store` only
    on an engine with the containerd image store. `when` narrows it to some values. What is not `needed` is left out
    by a builder that has it not, and told. `word` is what it is called in messages.
    """

    key: str
    kinds: frozenset[BuilderKind] = _BUILDX
    when: Callable[[Any], bool] = _given
    since: tuple[int, int] | None = None
    store: bool = False
    needed: bool = True
    word: str = ""
    instead: str = ""


def _several(value: Any) -> bool:
    return len(value or ()) > 1


def _own_network(value: Any) -> bool:
    return _given(value) and value not in ("default", "none", "host")


def _typed(value: Any) -> bool:
    return any("type=" in str(entry) and "type=registry" not in str(entry) for entry in value or ())


def _exported(value: Any) -> bool:
    return any("type=inline" not in str(entry) for entry in value or ())


_ANY_NETWORK = frozenset({BuilderKind.CLASSIC})
_SHARED_MEMORY = frozenset({BuilderKind.BUILDX, BuilderKind.CLASSIC})
# The remote contexts that the classic builder takes too.
_CLASSIC_ADDRESSES = ("http://", "https://", "git://", "github.com/", "git@")
DEMANDS = (
    Demand("secrets", _BUILDKIT, instead="mount them where the service runs"),
    Demand("ssh", _BUILDKIT, instead="put what it fetches into the context"),
    Demand("additional_contexts", since=_MODERN, instead="copy what it needs into the context"),
    Demand("entitlements", instead="leave it out"),
    Demand("privileged", instead="leave it out"),
    Demand("platforms", when=_several, store=True, word="an image for several platforms", instead="name one"),
    Demand("network", _ANY_NETWORK, _own_network, instead="say default, host or none"),
    Demand("shm_size", _SHARED_MEMORY, since=_MODERN, instead="leave it out"),
    Demand("cache_to", needed=False),
    Demand("cache_to", when=_exported, store=True, needed=False, word="another cache than type=inline"),
    Demand("cache_from", when=_typed, needed=False, word="a cache that is no image"),
    Demand("no_cache_filter", needed=False),
    Demand("provenance", store=True, needed=False),
    Demand("sbom", store=True, needed=False),
    Demand("ulimits", since=_MODERN, needed=False),
)  # fmt: skip
# What only BuildKit reads: `RUN --mount`, `COPY --link`; a here-document ends in a line of its own.
_OPTION = re.compile(
    r"^\s*(?:RUN\s+--(?:mount|network|security)\b"
    r"|(?:COPY|ADD)\s+(?:--\S+\s+)*--(?:link|parents|exclude|chmod|checksum|keep-git-dir)\b)",
    re.IGNORECASE,
)
_HERE_DOCUMENT = re.compile(r"""^\s*(?:RUN|COPY|ADD)\s.*<<-?(["']?)([A-Za-z_]\w*)\1""", re.IGNORECASE)


def needs_buildkit(dockerfile: str) -> str:
    """The first line of a Dockerfile that only BuildKit can read; empty where there is none."""
    lines = dockerfile.splitlines()
    for index, line in enumerate(lines):
        if _OPTION.match(line):
            return line.strip()
        opened = _HERE_DOCUMENT.match(line)
        if opened and any(later.strip() == opened[2] for later in lines[index + 1 :]):
            return line.strip()
    return ""


def asks(build: BuildRecipe, dockerfile: str) -> bool:
    """Whether it matters for a build which builder there is."""
    return bool(_demands(build, dockerfile))


def choose(build: BuildRecipe, dockerfile: str, builders: Builders, facts: Facts) -> Choice:
    """The first builder that can do all that a build needs; where there is none, the best one, and what it lacks."""
    demands = _demands(build, dockerfile)
    needed = [demand for demand in demands if demand.needed]
    for builder in builders.available:
        if all(_does(demand, builder, facts) for demand in needed):
            lost: dict[str, Demand] = {}
            for demand in demands:
                if not demand.needed and not _does(demand, builder, facts):
                    lost.setdefault(demand.key, demand)
            return Choice(builder, lost=tuple(_lack(demand, builder, builders, facts) for demand in lost.values()))
    # Several may lack something: the one that lacks least says what to mend.
    lacks = {
        builder: [demand for demand in needed if not _does(demand, builder, facts)] for builder in builders.available
    }
    best = min(builders.available, key=lambda builder: len(lacks[builder]))
    return Choice(best, refused=tuple(_lack(demand, best, builders, facts) for demand in lacks[best]))


def words(key: str) -> str:
    """What a key of `build` needs, for the reference: 'BuildKit', 'docker buildx'; empty where every builder does."""
    of_key = [demand for demand in DEMANDS if demand.key == key]
    if not of_key or BuilderKind.CLASSIC in of_key[0].kinds:
        return ""
    what = "BuildKit" if BuilderKind.CLIENT in of_key[0].kinds else "docker buildx"
    return f"{what} for some values" if of_key[0].when is not _given else what


def is_remote(context: Any) -> bool:
    """Whether a context is fetched from elsewhere; Compose takes an address of GitHub without a scheme too."""
    text = str(context or "")
    return "://" in text or text.startswith(("git@", "github.com/"))


def _demands(build: BuildRecipe, dockerfile: str) -> list[Demand]:
    demands = [demand for demand in DEMANDS if demand.when(build.get(demand.key))]
    context, inline = str(build.get("context") or ""), build.get("dockerfile_inline") is not None
    if is_remote(context) and inline:
        demands.append(Demand("dockerfile_inline", word="a Dockerfile that is not in the remote context"))
    if is_remote(context) and not context.startswith(_CLASSIC_ADDRESSES):
        demands.append(Demand("context", _BUILDKIT, instead="check the sources out and name the folder"))
    line = needs_buildkit(dockerfile)
    if line and all(BuilderKind.CLASSIC in demand.kinds for demand in demands if demand.needed):
        key = "dockerfile_inline" if inline else "dockerfile"
        demands.append(Demand(key, _BUILDKIT, word=f"`{line}`", instead="write the Dockerfile without it"))
    return demands


def _does(demand: Demand, builder: Builder, facts: Facts) -> bool:
    if builder.kind not in demand.kinds:
        return False
    if builder.kind is BuilderKind.CLASSIC:
        return True
    if demand.store and not facts.containerd_store:
        return False
    return demand.since is None or facts.api_version >= demand.since


def _lack(demand: Demand, builder: Builder, builders: Builders, facts: Facts) -> Lack:
    """Why a builder can not do what is asked for: the builder itself, the engine's age, or its store of images."""
    what = f"{demand.word} needs" if demand.word else "needs"
    instead = f", or {demand.instead}" if demand.instead else ""
    if builder.kind in demand.kinds and demand.since is not None and facts.api_version < demand.since:
        text = f"{what} Docker Engine {_MODERN_RELEASE}, and this engine is {facts.engine_version}"
        return Lack(demand.key, text, f"upgrade the engine{instead}")
    if builder.kind in demand.kinds:
        return Lack(demand.key, f"{what} the containerd image store, and this engine has another", STORE_HINT + instead)
    if demand.kinds == _ANY_NETWORK:
        text = f"{what} the engine's classic builder, and the rest of this build needs BuildKit"
        return Lack(demand.key, text, demand.instead)
    wanted = "BuildKit" if BuilderKind.CLIENT in demand.kinds else "BuildKit through docker buildx"
    why = f"and {builders.lacking}" if builders.lacking else "which is not to be had here"
    return Lack(demand.key, f"{what} {wanted}, {why}", f"{builders.remedy or INSTALL}{instead}")
