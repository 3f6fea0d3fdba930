"""docker-py's connection, which holds to the engine's own certificates. Imported only where it is needed."""

from __future__ import annotations

from typing import Any

from docker.api.client import APIClient


class Client(APIClient):  # type: ignore[misc]
    """As docker-py's, whatever REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE say: those would take the certificates' place."""

    def merge_environment_settings(self, url: str, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        own = self.verify if verify is None else verify
        return super().merge_environment_settings(url, proxies, stream, own, cert)
