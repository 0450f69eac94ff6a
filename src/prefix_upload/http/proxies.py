"""Proxies from the environment: which one a URL is requested through, and whether its URL is usable.

The variables are those of `requests` (and curl): `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in upper or
lower case. A proxy's URL may contain a password, so no message quotes it.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

import requests.utils

from prefix_upload.errors import Diagnostic
from prefix_upload.urls import host_and_port, is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_VARIABLES = ("https_proxy", "http_proxy", "all_proxy")
_URL = r"""(?ix)https?://(?:(?P<userinfo>[^/?\#\[\]\\\s\x00-\x1f\x7f]*)@)?
    (?P<host>[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]*))?(?:/[^@]*)?"""
# As curl and `requests` take it, too.
_HOST_AND_PORT = r"(?i)[a-z0-9._-]+:(?P<port>[0-9]{1,5})"
_SCHEME = r"(?i)^(?:[a-z][a-z0-9+.-]*:)?/+"
_MAX_PORT = 65535
# Passwords of fewer characters are not looked for in messages, in which they would be a part of many words.
_RECOGNIZABLE = 4
_HINT = (
    "Write 'http://host:port' or 'http://user:password@host:port', and encode special characters of the password as "
    "in a URL: '#' is '%23', '@' is '%40', '/' is '%2F'."
)


def proxy_for(url: str) -> str | None:
    """The URL of the proxy for requests to this URL; `None` if they are sent directly, as to loopback hosts always."""
    return requests.utils.select_proxy(url, proxies_for(url))


def proxies_for(url: str) -> dict[str, str]:
    """The proxies for requests to this URL, as `requests` takes them."""
    return {} if is_loopback(urlsplit(url).hostname) else dict(requests.utils.get_environ_proxies(url))


def proxy_errors(environ: Mapping[str, str], urls: Iterable[str]) -> Iterator[Diagnostic]:
    """Yields the variables that are not the URL of a proxy, or of one that these URLs can't be requested through.

    Args:
        environ: the environment variables.
        urls: addresses to which the run sends requests.
    """
    proxies = {proxy_for(url) for url in urls}
    for name, value in _effective(environ):
        if value.lower().startswith("socks"):
            if value in proxies:
                message = f"{name} names a SOCKS proxy, and only HTTP proxies are supported."
                hint = "Set HTTPS_PROXY to an HTTP proxy, which precedes ALL_PROXY, or list the server in NO_PROXY."
                yield Diagnostic(f"Unsupported {name}", message, hint)
        elif not _is_valid(value):
            message = f"{name} is not a valid proxy URL. It is not shown, because it may contain a password."
            yield Diagnostic(f"Invalid {name}", message, _HINT)


def proxy_secrets(environ: Mapping[str, str]) -> Iterator[str]:
    """Yields the passwords of all proxies, in every form in which a message may contain them."""
    for name in environ:
        if name.lower() in _VARIABLES:
            userinfo = re.sub(_SCHEME, "", environ[name].rpartition("@")[0])
            user, colon, password = userinfo.partition(":")
            plain = unquote(password if colon else user)
            header = base64.b64encode(f"{unquote(user)}:{plain}".encode(errors="replace")).decode()
            encoded = quote(plain, safe="", errors="replace")
            forms = (userinfo, unquote(userinfo), password if colon else user, plain, encoded, header)
            yield from (form for form in forms if len(form) >= _RECOGNIZABLE and plain)


def route_to(url: str) -> str:
    """Host and port of a URL and, if there is one, of the proxy in between, as shown to users."""
    try:
        proxy = proxy_for(url)
    except ValueError:
        return "an invalid URL"
    if proxy and "://" not in proxy:
        proxy = f"http://{proxy}"  # as `requests` takes it
    return host_and_port(url) + (f", through the proxy {host_and_port(proxy)}" if proxy else "")


def _effective(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yields the variables that are in effect: a lower-case name takes precedence, and an empty value is none."""
    for lower in _VARIABLES:
        name = lower if lower in environ else lower.upper()
        if environ.get(name):
            yield name, environ[name]


def _is_valid(url: str) -> bool:
    if match := re.fullmatch(_HOST_AND_PORT, url):
        return 0 < int(match["port"]) <= _MAX_PORT
    match = re.fullmatch(_URL, url)
    if match is None:
        return False
    try:
        # As `requests` and `http.client` encode them.
        unquote(match["userinfo"] or "").encode("latin-1")
        match["host"].encode("idna")
    except UnicodeError:
        return False
    return 0 < int(match["port"] or 1) <= _MAX_PORT
