"""One user's connection, which repeats nothing by itself."""

import time
from typing import Any

from geventhttpclient.client import HTTPClient, HTTPClientPool
from geventhttpclient.connectionpool import ConnectionPool
from geventhttpclient.url import URL

IDLE = 2.5  # seconds; below every server's own limit, so that a closed idle connection is never met


class PlainPool(ConnectionPool):
    """Without the two things that would hide or invent failures."""

    def __init__(self, host: str, port: int, timeout: float) -> None:
        super().__init__(host, port, host, port, size=1, connection_timeout=timeout, network_timeout=timeout)
        self.size = -1  # geventhttpclient sends a GET whose connection was cut up to size + 1 times more
        self._returned = 0.0

    def return_socket(self, sock: Any) -> None:
        self._returned = time.monotonic()
        super().return_socket(sock)

    def _is_socket_alive(self, sock: Any) -> bool:
        return time.monotonic() - self._returned < IDLE and super()._is_socket_alive(sock)


class PlainClients(HTTPClientPool):
    def __init__(self, timeout: float) -> None:
        super().__init__()
        self._timeout = timeout

    def get_client(self, url: str | URL) -> HTTPClient:
        parts = url if isinstance(url, URL) else URL(url)
        key = (parts.host, parts.port)
        if key not in self.clients:
            client = HTTPClient.from_url(parts)
            client._connection_pool = PlainPool(parts.host, client.port or 80, self._timeout)
            self.clients[key] = client
        return self.clients[key]
