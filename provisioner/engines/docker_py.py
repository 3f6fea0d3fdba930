"""docker-py's connection, which holds to the engine's own certificates. Imported only where it is needed."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING, Any

from docker.api.client import APIClient
from docker.transport.unixconn import UnixHTTPConnection
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:
    import socket


class _ExactResponse(http.client.HTTPResponse):
    """Reads its headers to their last byte and no further: its buffer holds one."""

    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp.close()
        self.fp = sock.makefile("rb", 1)


class _Connection(HTTPConnection):
    response_class = _ExactResponse


class _SecureConnection(HTTPSConnection):
    response_class = _ExactResponse


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


# docker-py's pool for sockets names its class itself, so that there is no other place to choose another.
UnixHTTPConnection.response_class = _ExactResponse


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
                adapter.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def merge_environment_settings(self, url: str, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        own = self.verify if verify is None else verify
        return super().merge_environment_settings(url, proxies, stream, own, cert)
