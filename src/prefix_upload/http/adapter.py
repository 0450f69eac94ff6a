"""Connections that can read a response that is sent before the whole request has arrived.

A server that refuses a package may respond and close the connection while most of the body is still to be sent. The
response can still be read. urllib3 does so after the errors that a plain socket raises in this case
(`HTTPConnectionPool._make_request`), but not after the one that TLS raises.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import requests.adapters
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:
    from urllib3 import PoolManager, ProxyManager


class Adapter(requests.adapters.HTTPAdapter):
    """A transport adapter that reads early responses, on direct connections and through proxies."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Sets up the pools of direct connections."""
        super().init_poolmanager(*args, **options)
        _use_early_response_pools(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **options: Any) -> ProxyManager:
        """Returns the manager of the connections through this proxy."""
        manager: ProxyManager = super().proxy_manager_for(proxy, **options)
        _use_early_response_pools(manager)
        return manager


def _use_early_response_pools(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": HTTPConnectionPool, "https": _Pool}


class _Connection(HTTPSConnection):
    def send(self, data: Any) -> None:
        try:
            super().send(data)
        except ssl.SSLEOFError as error:
            raise BrokenPipeError(str(error)) from error


class _Pool(HTTPSConnectionPool):
    ConnectionCls = _Connection
