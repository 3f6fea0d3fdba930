"""services.*.ports and expose: ranges, host addresses, protocols."""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import ip_address

from provisioner.document.attributes.shapes import AS_TEXT, LIST, STRUCT, TEXT, as_text, field, one_of, text_key
from provisioner.document.quantities import to_integer
from provisioner.document.shape import INTEGER, NUMBER, STRING, Place, Row, Shape, left_out, mapping, scalar, sequence
from provisioner.model.node import Node

_RANGE = re.compile(r"(?P<first>[0-9]+)(?:-(?P<last>[0-9]+))?\Z")
_PROTOCOLS = ("tcp", "udp", "sctp")
_EXAMPLE = 'write it like "8080:80", "127.0.0.1:8080:80/tcp" or {target: 80, published: 8080}'


class _BadPort(ValueError):
    pass


def _to_published(node: Node) -> str:
    text = as_text(node)
    if isinstance(node.value, float) or (text and _RANGE.match(text) is None):
        raise ValueError('expected a port, or a range like "8000-8010"')
    if text:
        try:
            _ports(text, "published port", 0)
        except _BadPort as error:
            raise ValueError(str(error)) from None
    return text


def _ports(text: str, what: str, lowest: int = 1) -> range:
    match = _RANGE.match(text)
    if match is None:
        raise _BadPort(f"'{text}' is no {what}")
    first = int(match["first"])
    last = int(match["last"]) if match["last"] else first
    if not lowest <= first <= last <= 65535:
        raise _BadPort(f"the {what} {text} is not in {lowest} to 65535")
    return range(first, last + 1)


def _is_address(text: str) -> bool:
    try:
        ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True


def _address(text: str, following: str) -> str:
    bracketed = text.startswith("[") and text.endswith("]")
    bare = text[1:-1] if bracketed else text
    if ":" in bare and not bracketed:
        if _is_address(bare):
            raise _BadPort(f"an IP address of version 6 stands in brackets: [{bare}]{following}")
        raise _BadPort(f"'{bare}' is no IP address")
    if not bare:
        return ""
    if not _is_address(bare):
        raise _BadPort(f"'{bare}' is no IP address")
    return bare


def parse(text: str) -> list[dict[str, str | int]]:
    """The canonical ports of one short form, in Compose's order. Raises ValueError with what is wrong."""
    body, slash, protocol = text.rpartition("/") if "/" in text else (text, "", "tcp")
    protocol = protocol.lower()
    if slash and protocol not in _PROTOCOLS:
        raise _BadPort(f"'{protocol}' is no protocol, expected one of {', '.join(_PROTOCOLS)}")
    rest, _, target = body.rpartition(":")
    host, _, published = rest.rpartition(":") if ":" in rest else ("", "", rest)
    if not target:
        raise _BadPort("no port of the container")
    address = _address(host, text[len(host) :])
    targets = _ports(target, "container port")
    shown = [published] * len(targets)
    if published:
        hosts = _ports(published, "host port", 0)
        if len(hosts) != len(targets) and len(targets) != 1:
            raise _BadPort(f"the ranges {published} and {target} differ in length")
        if len(hosts) == len(targets):
            shown = [str(port) for port in hosts]
    entries: list[dict[str, str | int]] = []
    for port, outside in zip(targets, shown, strict=True):
        entry: dict[str, str | int] = {"mode": "ingress", "target": port, "protocol": protocol}
        if outside:
            entry["published"] = outside
        if address:
            entry["host_ip"] = address
        entries.append(entry)
    return sorted(entries, key=lambda entry: f"{entry['target']}/{protocol}")


def _expand(node: Node, place: Place) -> Node | None:
    """Ports of the short form become mappings; one text may stand for a whole range."""
    items: list[Node] = []
    for index, item in enumerate(node.items):
        if isinstance(item.value, bool) or not isinstance(item.value, (str, int)):
            items.append(item)
            continue
        where = Place((*place.path, str(index)), place.directory, place.home, place.findings)
        try:
            entries = parse(str(item.value))
        except ValueError as error:
            where.wrong(str(error), item.span, _EXAMPLE)
            items.append(left_out(item))
            continue
        items.extend(
            mapping({key: scalar(value, item) for key, value in entry.items()}, Node({}, item.span))
            for entry in entries
        )
    return sequence(items, node)


def _key(node: Node) -> str:
    if isinstance(node.value, str):
        # Its variables are to stay, and may be anything.
        return node.value
    host = field(node, "host_ip") or "0.0.0.0"
    protocol = field(node, "protocol") or "tcp"
    return f"{host}:{field(node, 'published')}:{field(node, 'target')}/{protocol}"


_PORT = Shape(
    (INTEGER, NUMBER, STRING), "a port from 1 to 65535", to_integer, minimum=1, maximum=65535, format="integer"
)
_PUBLISHED = Shape((STRING, INTEGER), "a port or a range of ports", _to_published, format="ports")


def _host_ip(node: Node) -> str:
    try:
        ip_address(str(node.value))
    except ValueError:
        raise ValueError("expected an IP address") from None
    return str(node.value)


_HOST_IP = Shape((STRING,), "an IP address", _host_ip)

ROWS = (
    Row("services.*.ports", LIST, "Ports published on the host.", _expand, ("sequence",), unique=_key),
    Row("services.*.ports.*", replace(STRUCT, expected="a port like 8080:80, or a mapping", required=("target",))),
    Row("services.*.ports.*.name", TEXT, "A name for people."),
    Row("services.*.ports.*.mode", one_of("ingress", "host"), "Through the mesh, or on each node.", default="ingress"),
    Row("services.*.ports.*.host_ip", _HOST_IP, "The host's address to bind to."),
    Row("services.*.ports.*.target", _PORT, "The port inside the container."),
    Row("services.*.ports.*.published", _PUBLISHED, "The port, or range of ports, on the host."),
    Row("services.*.ports.*.protocol", one_of(*_PROTOCOLS), default="tcp"),
    Row("services.*.ports.*.app_protocol", TEXT, "The protocol spoken over it, such as http."),
    Row("services.*.expose", LIST, "Ports opened to other services only.", unique=text_key),
    Row(
        "services.*.expose.*",
        replace(
            AS_TEXT,
            kinds=(STRING, INTEGER),
            pattern=r"[0-9]+(-[0-9]+)?(/(tcp|udp|sctp))?",
            expected="a port, or a range, with a protocol if it is not tcp",
        ),
    ),
)
