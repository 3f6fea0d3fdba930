"""The ports that a service publishes on its host, read from its canonical body."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provisioner.model.node import Node
    from provisioner.model.span import Span

_EVERYWHERE = ("", "0.0.0.0", "::")


@dataclass(frozen=True, slots=True)
class Published:
    """One published port. `first` and `last` are equal for a fixed port, both 0 where the engine picks any."""

    target: int
    first: int
    last: int
    protocol: str
    host_ip: str
    mode: str
    index: int
    span: Span

    @property
    def fixed(self) -> bool:
        return self.first == self.last != 0

    @property
    def everywhere(self) -> bool:
        """Open on every interface of the host."""
        return self.host_ip in _EVERYWHERE

    @property
    def loopback(self) -> bool:
        return self.host_ip.startswith("127.") or self.host_ip in ("::1", "localhost")

    def collides(self, other: Published) -> bool:
        """Whether both can not be bound on one host."""
        if not (self.fixed and other.fixed) or self.first != other.first or self.protocol != other.protocol:
            return False
        return self.host_ip == other.host_ip or self._covers(other) or other._covers(self)

    def _covers(self, other: Published) -> bool:
        # Engines bind each family by itself: 0.0.0.0 and :: stand beside each other, as 127.0.0.1 and :: do.
        if not self.host_ip:
            return True
        wildcard = "::" if ":" in other.host_ip else "0.0.0.0"
        return bool(other.host_ip) and self.host_ip == wildcard

    def __str__(self) -> str:
        ports = str(self.first) if self.first == self.last else f"{self.first}-{self.last}"
        return f"{self.host_ip}:{ports}" if self.host_ip else ports


def published(body: Node) -> Iterator[Published]:
    """The ports in file order; entries that only expose a port are left out, as is everything in host networking."""
    ports = body.get("ports")
    mode = body.get("network_mode")
    if ports is None or not ports.is_sequence or (mode is not None and mode.value == "host"):
        return
    for index, item in enumerate(ports.items):
        if not item.is_mapping:
            continue
        fields = item.mapping
        text = str(fields["published"].value or "") if "published" in fields else ""
        first, _, last = text.partition("-")
        if not (first.isdecimal() or first == "") or not (last.isdecimal() or last == ""):
            continue
        target = fields["target"].value if "target" in fields else 0
        yield Published(
            target=int(target) if isinstance(target, int) or (isinstance(target, str) and target.isdecimal()) else 0,
            first=int(first or 0),
            last=int(last or first or 0),
            protocol=_text(fields.get("protocol")) or "tcp",
            host_ip=_text(fields.get("host_ip")).strip("[]"),
            mode=_text(fields.get("mode")) or "ingress",
            index=index,
            span=item.span,
        )


def _text(node: Node | None) -> str:
    return "" if node is None or node.value is None else str(node.value)
