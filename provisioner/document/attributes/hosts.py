"""Names and addresses: extra_hosts, dns, hostname and what else a container's network view is made of."""

from __future__ import annotations

from provisioner.document.attributes.shapes import LIST, TEXT, text_key, to_list
from provisioner.document.shape import MAPPING, SEQUENCE, STRING, Merge, Place, Row, Shape, left_out, sequence
from provisioner.document.tree import RESET
from provisioner.model.node import Node

_EXAMPLE = 'write it like "db=10.0.0.5"'
HOSTS = Shape((SEQUENCE,), "a list of HOST=ADDRESS, or a mapping")


def expand_hosts(node: Node, place: Place) -> Node | None:
    """HOST:ADDRESS, HOST=ADDRESS, or a mapping from hosts to addresses, as a list of HOST=ADDRESS."""
    items: list[Node] = []
    if node.is_mapping:
        for host, item in node.mapping.items():
            if item.tag == RESET:
                items.append(Node(host, item.span, None, {}, RESET))
                continue
            for address in item.items if item.is_sequence else (item,):
                if address.value in (None, ""):
                    where = Place((*place.path, host), place.directory, place.home, place.findings)
                    where.wrong("expected an address, found nothing", address.span, _EXAMPLE)
                    items.append(left_out(address))
                    continue
                items.extend(_addresses(host, str(address.value), address, item.tag))
        return sequence(items, node)
    for index, item in enumerate(node.items):
        text = item.value if isinstance(item.value, str) else ""
        separator = "=" if "=" in text else ":"
        name, separated, target = text.partition(separator)
        if not separated or not name or not target:
            where = Place((*place.path, str(index)), place.directory, place.home, place.findings)
            where.wrong("expected HOST=ADDRESS", item.span, _EXAMPLE)
            items.append(left_out(item))
            continue
        items.extend(_addresses(name, target, item, item.tag))
    return sequence(items, node)


def _some(node: Node, place: Place) -> Node | None:
    """A single text as a list of one; an empty text says nothing."""
    return to_list(node, place) if node.value else None


def _addresses(host: str, addresses: str, near: Node, tag: str | None) -> list[Node]:
    """One host has one address or several, apart by commas."""
    return [Node(f"{host}={_bare(address)}", near.span, near.text, {}, tag) for address in addresses.split(",")]


def _bare(address: str) -> str:
    return address[1:-1] if address.startswith("[") and address.endswith("]") else address


ROWS = (
    Row(
        "services.*.extra_hosts",
        HOSTS,
        "More names it knows.",
        expand_hosts,
        (SEQUENCE, MAPPING),
        merge=Merge.BY_HOST,
        unique=text_key,
        ordered=True,
    ),
    Row("services.*.extra_hosts.*", TEXT),
    Row("services.*.dns", LIST, "Its DNS servers.", _some, (STRING,), unique=text_key),
    Row("services.*.dns.*", TEXT),
    Row("services.*.dns_opt", LIST, unique=text_key),
    Row("services.*.dns_opt.*", TEXT),
    Row("services.*.dns_search", LIST, "Its search domains.", to_list, (STRING,), unique=text_key),
    Row("services.*.dns_search.*", TEXT),
    Row("services.*.domainname", TEXT),
    Row("services.*.hostname", TEXT, "Its own name."),
    Row("services.*.mac_address", TEXT),
    Row("services.*.network_mode", TEXT, "bridge, host, none, service:NAME or container:NAME."),
)
