"""A container's `networks`, keyed by the playbook's name of the network, and its `network_mode`.

Engine API: HostConfig.NetworkMode, NetworkingConfig.EndpointsConfig, POST /networks/{id}/connect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from provisioner.kinds.ownership import FORMER_NAME, NAME
from provisioner.kinds.tool_labels import COMPOSE_PROJECT, names_by_compose
from provisioner.kinds.values import address, pairs
from provisioner.model.change import Impact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from provisioner.kinds.context import DecodeContext, EncodeContext, ParseContext
    from provisioner.model.edges import ComposeBody, EngineBody
    from provisioner.model.specs import Attachment
    from provisioner.model.state import Spec

_BUILT_IN = ("host", "none", "bridge")
# The first Engine API version whose containers can be created on several networks.
SEVERAL_ENDPOINTS = (1, 44)


def parse_networks(body: ComposeBody, context: ParseContext) -> dict[str, Attachment]:
    """The networks a service is attached to; the service's own name is always an alias.

    The service's own `mac_address` is that of its first network.
    """
    if body.get("network_mode"):
        return {}
    first = next(iter(network_order(body)), None)
    result: dict[str, Attachment] = {}
    for key in network_order(body):
        network = body["networks"][key] or {}
        options = {
            "aliases": sorted({context.service, *(network.get("aliases") or [])}),
            "ipv4_address": address(network.get("ipv4_address")),
            "ipv6_address": address(network.get("ipv6_address")),
            "link_local_ips": sorted(address(ip) or "" for ip in network.get("link_local_ips") or []),
            "mac_address": mac_address(network.get("mac_address") or (body.get("mac_address") if key == first else "")),
            "links": links(body, context),
            "driver_opts": _driver_options(network),
            "gw_priority": network.get("gw_priority"),
        }
        result[key] = attachment(**options)
    return result


def attachment(**options: object) -> Attachment:
    """What is said of an attachment, in the keys of that shape: its aliases, and what else has a value."""
    return cast("Attachment", {name: value for name, value in options.items() if value or name == "aliases"})


def without(entry: Attachment, *names: str) -> Attachment:
    """The attachment without some of what is said of it."""
    return attachment(**{name: value for name, value in entry.items() if name not in names})


def _driver_options(network: ComposeBody) -> dict[str, str]:
    options = dict(pairs(network.get("driver_opts"), "="))
    if network.get("interface_name"):
        options["com.docker.network.endpoint.ifname"] = network["interface_name"]
    return options


def network_order(body: ComposeBody) -> tuple[str, ...]:
    """The network keys with the one that gives the default route first: highest priority, then name."""
    networks = body.get("networks") or {}
    return tuple(sorted(networks, key=lambda key: (-int((networks[key] or {}).get("priority") or 0), key)))


def endpoint(entry: Attachment) -> EngineBody:
    """The EndpointSettings of one attachment."""
    settings: EngineBody = {"Aliases": entry["aliases"]}
    addresses: EngineBody = {}
    if entry.get("ipv4_address"):
        addresses["IPv4Address"] = entry["ipv4_address"]
    if entry.get("ipv6_address"):
        addresses["IPv6Address"] = entry["ipv6_address"]
    if entry.get("link_local_ips"):
        addresses["LinkLocalIPs"] = entry["link_local_ips"]
    if addresses:
        settings["IPAMConfig"] = addresses
    if entry.get("mac_address"):
        settings["MacAddress"] = entry["mac_address"]
    if entry.get("driver_opts"):
        settings["DriverOpts"] = entry["driver_opts"]
    if entry.get("links"):
        settings["Links"] = entry["links"]
    if entry.get("gw_priority"):
        settings["GwPriority"] = entry["gw_priority"]
    return settings


def joined_later(attached: Mapping[str, Attachment], api_version: tuple[int, int]) -> list[str]:
    """The networks that a container joins after it was created.

    It is created on the first. From API 1.44 on it can be created on several, and is on those that give it a hardware
    address: an engine takes none from POST /networks/{id}/connect.
    """
    return [key for key, entry in list(attached.items())[1:] if keeps_address_when_joining(entry, api_version)]


def encode_first(raw: EngineBody, attached: Mapping[str, Attachment], context: EncodeContext) -> None:
    """Write the networks that a container is created on, and its hardware addresses.

    Before API 1.44 the hardware address is the container's, from then on its endpoint's.
    """
    later = joined_later(attached, context.api_version)
    endpoints = {context.networks.get(key, key): endpoint(e) for key, e in attached.items() if key not in later}
    first, settings = next(iter(endpoints.items()))
    raw["HostConfig"]["NetworkMode"] = first
    if settings.get("MacAddress") and context.api_version < SEVERAL_ENDPOINTS:
        raw["Config"]["MacAddress"] = settings.pop("MacAddress")
    raw["NetworkingConfig"] = {"EndpointsConfig": endpoints}


def encode_mac(raw: EngineBody, mac: str, context: EncodeContext) -> None:
    """Write the hardware address on the engine's own bridge."""
    if context.api_version < SEVERAL_ENDPOINTS:
        raw["Config"]["MacAddress"] = mac
    else:
        raw["NetworkingConfig"] = {"EndpointsConfig": {"bridge": {"MacAddress": mac}}}


def encode_mode(raw: EngineBody, mode: str, context: EncodeContext) -> None:
    """HostConfig.NetworkMode; of a service the id of its container."""
    raw["HostConfig"]["NetworkMode"] = namespace(mode, context.ids)


def namespace(mode: str, ids: Mapping[str, str]) -> str:
    """`service:<name>` as the engine says it; `ids` gives the id of a service's container."""
    return f"container:{ids[mode.partition(':')[2]]}" if mode.startswith("service:") else mode


def impact_of(path: str, after: Any) -> Impact:
    """A hardware address is recorded as declared, which can only be done when a container is made."""
    return Impact.REPLACE if path.endswith(".mac_address") else Impact.IN_PLACE


def keeps_address_when_joining(entry: Attachment | None, api_version: tuple[int, int]) -> bool:
    """Whether a container that leaves a network and joins it again, or another of its name, is there as is declared.

    From API 1.44 on an engine takes no hardware address from POST /networks/{id}/connect; before, the container has it.
    """
    return api_version < SEVERAL_ENDPOINTS or not (entry and entry.get("mac_address"))


def declared(attached: Mapping[str, Attachment]) -> list[str]:
    """The paths of the addresses that a spec declares, and that an engine would otherwise choose."""
    return sorted(f"networks.{key}.mac_address" for key, entry in attached.items() if entry.get("mac_address"))


def without_chosen(
    observed: Mapping[str, Attachment], desired: Mapping[str, Attachment], recorded: Iterable[str]
) -> dict[str, Attachment]:
    """Observed attachments without what an engine chose: hardware addresses and aliases that nobody declares.

    `recorded` are the paths of the addresses that were declared when the container was made.
    """
    paths = set(recorded)
    result: dict[str, Attachment] = {}
    for key, entry in observed.items():
        wanted: Attachment = desired.get(key, {})
        kept = "mac_address" in wanted or f"networks.{key}.mac_address" in paths
        left = entry.copy()
        if not kept:
            left.pop("mac_address", None)
        declared_too = set(left.pop("added_aliases", ())) & set(wanted.get("aliases", ()))
        left["aliases"] = sorted({*left["aliases"], *declared_too})
        result[key] = left
    return result


def align(
    desired: Spec, observed: Spec, recorded: frozenset[str]
) -> tuple[dict[str, Attachment], dict[str, Attachment]]:
    """Both sides' attachments, the observed ones without what nobody but the engine chose."""
    return desired["networks"], without_chosen(observed["networks"], desired["networks"], recorded)


def decode_networks(raw: EngineBody, context: DecodeContext) -> dict[str, Attachment]:
    """The attachments from an inspection."""
    mode = raw["HostConfig"].get("NetworkMode") or "default"
    if mode.startswith("container:"):
        return {}
    # Where the mode itself is an attachment, it is not one of `networks`; whatever else is there, is.
    implied = {"default": "bridge"}.get(mode, mode)
    short_id, hostname = raw["Id"][:12], raw["Config"].get("Hostname")
    labels = raw["Config"].get("Labels") or {}
    name_now = str(raw.get("Name") or "").lstrip("/")
    names = {labels.get(NAME) or name_now, labels.get(FORMER_NAME)}
    result: dict[str, Attachment] = {}
    for name, network in (raw.get("NetworkSettings", {}).get("Networks") or {}).items():
        if name == implied and name in _BUILT_IN:
            continue
        addresses = network.get("IPAMConfig") or {}
        options = {
            "ipv4_address": address(addresses.get("IPv4Address")),
            "ipv6_address": address(addresses.get("IPv6Address")),
            "link_local_ips": sorted(address(ip) or "" for ip in addresses.get("LinkLocalIPs") or []),
            # An endpoint tells one only while the container runs; the container, the declared one of its first network.
            "mac_address": mac_address(
                network.get("MacAddress") or (raw["Config"].get("MacAddress") if name == mode else None)
            ),
            "links": decode_links(network.get("Links"), labels),
            "driver_opts": network.get("DriverOpts"),
            "gw_priority": network.get("GwPriority"),
        }
        # The engine adds the short id (API before 1.45), and before DNSNames (API 1.44) the hostname, which may well be
        # a declared alias too. Compose adds the container's own name, to which an engine answers anyway: where that is
        # what is declared, it need not be an alias. It stays when the container is renamed.
        own_aliases = network.get("Aliases") or []
        own_names = names | names_by_compose(labels, own_aliases)
        added = {*own_names, *([hostname] if "DNSNames" not in network else [])} & {*own_aliases}
        options["aliases"] = sorted({*own_aliases} - added - {short_id})
        options["added_aliases"] = sorted({*added, name_now} - {short_id, ""})
        result[context.networks.get(name, name)] = attachment(**options)
    return result


def follows_from_address(network: ComposeBody) -> bool:
    """Whether the hardware address of an endpoint is the one that engines before 28.0 make of its IPv4 address."""
    parts = [part for part in str(network.get("IPAddress") or "").split(".") if part.isdecimal()]
    made = "02:42:" + ":".join(f"{int(part):02x}" for part in parts)
    return len(parts) == 4 and mac_address(network.get("MacAddress")) == made


def parse_default(body: ComposeBody) -> str | None:
    """The network that comes first because of its `priority`; None where no priority says so."""
    attached = body.get("networks") or {}
    ranked = any((network or {}).get("priority") for network in attached.values())
    return network_order(body)[0] if ranked and len(attached) > 1 and not body.get("network_mode") else None


def decode_default(raw: EngineBody, context: DecodeContext) -> str | None:
    """The key of the network in HostConfig.NetworkMode; None where no network of ours stands there."""
    return context.networks.get(raw["HostConfig"].get("NetworkMode") or "")


def decode_mac(raw: EngineBody) -> str | None:
    """The hardware address on the engine's own bridge."""
    if raw["HostConfig"].get("NetworkMode") not in ("bridge", "default", "", None):
        return None
    attached = raw.get("NetworkSettings", {}).get("Networks") or {}
    return mac_address(raw["Config"].get("MacAddress") or (attached.get("bridge") or {}).get("MacAddress"))


def links(body: ComposeBody, context: ParseContext) -> list[str]:
    """`links` and `external_links` as `container:alias`."""
    own_links = {text for entry in body.get("links") or [] for text in _link(entry, context.containers)}
    return sorted(own_links | {text for entry in body.get("external_links") or [] for text in _link(entry, None)})


def on_bridge(body: ComposeBody) -> bool:
    """Whether a service is on the engine's own bridge, and on no network of the playbook's."""
    return bool(body.get("network_mode") == "bridge")


def _link(entry: str, containers: Mapping[str, tuple[str, ...]] | None) -> Iterator[str]:
    """A link as `container:alias`; `containers` gives those of a service, None takes the name for a container's.

    A service without an alias needs no link: its name is known on the network.
    """
    name, _, alias = entry.partition(":")
    if containers is None:
        yield f"{name}:{alias or name}"
    elif alias and alias != name:
        yield from (f"{container}:{alias}" for container in containers.get(name, (name,)))


def decode_links(texts: Iterable[str] | None, labels: EngineBody) -> list[str]:
    """Links as `container:alias`, from `container:alias` or `/container:/me/alias`.

    Of a service SERVICE Compose links the names SERVICE-N and PROJECT-SERVICE-N too, and SERVICE where no alias is
    given: a network knows them anyway. Source: docker/compose pkg/compose/convergence.go, getLinks.
    """
    linked = {
        (container.lstrip("/"), alias.rpartition("/")[2])
        for container, _, alias in (text.partition(":") for text in texts or ())
    }
    project = f"{labels.get(COMPOSE_PROJECT) or ''}-"
    for container, alias in tuple(linked):
        numbered = alias.removeprefix(project)
        if numbered != alias and (container, numbered) in linked:
            linked -= {(container, alias), (container, numbered), (container, numbered.rpartition("-")[0])}
    return sorted(f"{container}:{alias}" for container, alias in linked)


def mac_address(text: str | None) -> str | None:
    """A hardware address in its canonical form, `02:42:ac:11:00:02`."""
    return text.lower().replace("-", ":") if text else None


def parse_mode(body: ComposeBody) -> str | None:
    """`network_mode` as it is written; `none` for a service on no network, None for one on the playbook's."""
    mode = body.get("network_mode")
    if mode:
        return str(mode)
    return None if body.get("networks") else "none"


def decode_mode(raw: EngineBody, context: DecodeContext) -> str | None:
    """`network_mode` as the playbook says it."""
    mode = raw["HostConfig"].get("NetworkMode") or "default"
    if mode.startswith("container:"):
        return shared(mode, context.services)
    if mode in ("host", "none"):
        return str(mode)
    return "bridge" if mode in ("bridge", "default") else None


def shared(mode: str, services: Mapping[str, str]) -> str:
    """`container:<id>` as `service:<name>` where the container is one of ours."""
    identity = mode.partition(":")[2]
    return f"service:{services[identity]}" if identity in services else mode
