"""Where the services of an environment are to be found, after an apply: `web → http://127.0.0.1:8080`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from provisioner.render.paint import PLAIN, Paint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.model.address import Address

# Ports in containers behind which web servers usually listen. Of others nobody can tell what they speak.
_HTTP = frozenset((80, 3000, 3001, 4200, 5000, 5173, 8000, 8008, 8080, 8081, 8090, 8888, 9000, 9001, 9090, 9093))
_HTTPS = frozenset((443, 8443))
_MOST = 12


class PublishedPort(Protocol):
    """One port that is published. `host` is empty for every address of the machine."""

    @property
    def address(self) -> Address: ...
    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def target(self) -> int: ...
    @property
    def protocol(self) -> str: ...


def places(ports: Sequence[PublishedPort], machine: str = "localhost") -> dict[str, list[str]]:
    """By service where it can be reached. `machine` stands for ports that are published on all its addresses."""
    by_service: dict[str, list[str]] = {}
    for port in ports:
        host = port.host or machine
        place = f"{f'[{host}]' if ':' in host else host}:{port.port}"
        scheme = "http://" if port.target in _HTTP else "https://" if port.target in _HTTPS else ""
        shown = f"{scheme}{place}" if port.protocol == "tcp" else f"{place}/{port.protocol}"
        listed = by_service.setdefault(port.address.name, [])
        if shown not in listed:
            listed.append(shown)
    return by_service


def places_text(ports: Sequence[PublishedPort], machine: str = "localhost", *, paint: Paint = PLAIN) -> str:
    """A line for each service, ending with a newline; empty where nothing is published."""
    by_service = places(ports, machine)
    width = max((len(name) for name in by_service), default=0)
    lines = [
        f"{paint.bold(name.ljust(width))} → {', '.join(shown)}" for name, shown in list(by_service.items())[:_MOST]
    ]
    if len(by_service) > _MOST:
        lines.append(paint.dim(f"… {len(by_service) - _MOST} more: provision status"))
    return "".join(f"{line}\n" for line in lines)
