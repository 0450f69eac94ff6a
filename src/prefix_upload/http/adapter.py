"""Connects `requests` with our own connections, directly and through proxies.

A server that refuses a package may respond and close the connection while most of the body is still to be sent. The
response can still be read. urllib3 does so after the errors that a plain socket raises in this case
(`HTTPConnectionPool._make_request`), and our connections raise the same ones with TLS.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import requests.adapters
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from prefix_upload.http.connection import Connection, TlsConnection

if TYPE_CHECKING:
    from collections.abc import Callable

    from urllib3 import PoolManager, ProxyManager


class Adapter(requests.adapters.HTTPAdapter):
    """A transport adapter.

    Args:
        connections: how many connections to keep open.
        clock: monotonic seconds.
    """

    def __init__(self, connections: int, clock: Callable[[], float]) -> None:
        self._clock = clock
        super().__init__(pool_maxsize=connections)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Sets up the pools of direct connections."""
        super().init_poolmanager(*args, **options)
        self._use_our_connections(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **options: Any) -> ProxyManager:
        """Returns the manager of the connections through this proxy."""
        manager: ProxyManager = super().proxy_manager_for(proxy, **options)
        self._use_our_connections(manager)
        return manager

    def _use_our_connections(self, manager: PoolManager) -> None:
        # urllib3 declares classes, and only calls them.
        pools: dict[str, Any] = {
            "http": partial(_Pool, clock=self._clock),
            "https": partial(_TlsPool, clock=self._clock),
        }
        manager.pool_classes_by_scheme = pools


class _Pool(HTTPConnectionPool):
    ConnectionCls = Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = TlsConnection
