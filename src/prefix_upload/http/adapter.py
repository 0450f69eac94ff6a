"""Connections that hear the server out, also where it answers before it has read the whole request.

A server that refuses a package may answer and close the connection while most of the body is still to be sent. Its
answer can be read all the same. urllib3 does so after the errors that a plain socket raises then
(`HTTPConnectionPool._make_request`), but not after the one of TLS.
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
    """Makes such connections, to servers and through proxies."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """For servers that are reached directly."""
        super().init_poolmanager(*args, **options)
        _teach(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **options: Any) -> ProxyManager:
        """For servers behind this proxy."""
        manager: ProxyManager = super().proxy_manager_for(proxy, **options)
        _teach(manager)
        return manager


def _teach(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": HTTPConnectionPool, "https": _Pool}


class _Connection(HTTPSConnection):
    def send(self, data: Any) -> None:
        try:
            super().send(data)
        except ssl.SSLEOFError as error:
            raise BrokenPipeError(str(error)) from error


class _Pool(HTTPSConnectionPool):
    ConnectionCls = _Connection
