"""docker-py's connection, which holds to the engine's own certificates. Imported only where it is needed."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING, Any

import urllib3
from docker.api.client import APIClient
from docker.transport.unixconn import UnixHTTPConnection

if TYPE_CHECKING:
    import socket

_SCHEMES: dict[str, Any] = {"http": urllib3.HTTPConnectionPool, "https": urllib3.HTTPSConnectionPool}


class Client(APIClient):  # type: ignore[misc]
    """As docker-py's, with two differences.

    Certificates are the engine's own, whatever REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE say. Of a connection that becomes
    a stream (exec, attach) no byte is held back: docker-py reads the stream below the reader of the headers, which had
    taken with them what came at the same moment, and the output of a quick command was lost.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        for adapter in self.adapters.values():
            if hasattr(adapter, "poolmanager"):
                adapter.poolmanager.pool_classes_by_scheme = {
                    scheme: type(pool.__name__, (pool,), {"ConnectionCls": _exact(pool.ConnectionCls)})
                    for scheme, pool in _SCHEMES.items()
                }

    def merge_environment_settings(self, url: str, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        own = self.verify if verify is None else verify
        return super().merge_environment_settings(url, proxies, stream, own, cert)


class _ExactResponse(http.client.HTTPResponse):
    """Reads its headers to their last byte and no further: its buffer holds one."""

    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp.close()
        self.fp = sock.makefile("rb", 1)


def _exact(connection: Any) -> Any:
    return type(connection.__name__, (connection,), {"response_class": _ExactResponse})


# Its pool names the class itself, so that there is no other place to choose another.
UnixHTTPConnection.response_class = _ExactResponse
