"""Environment variables that libraries read by themselves."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from prefix_upload.http.certificates import MISSING_FILE_HINT, ca_bundle, ca_bundle_errors, exists
from prefix_upload.http.proxies import proxy_errors
from prefix_upload.urls import LOOPBACK_HOSTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, MutableMapping, Sequence

    from prefix_upload.errors import Diagnostic


def environment_errors(
    environ: Mapping[str, str], urls: Sequence[str], missing_file_hint: str = MISSING_FILE_HINT
) -> Iterator[Diagnostic]:
    """Yields the variables with which requests to these URLs can't be sent.

    Args:
        environ: the environment variables.
        urls: the URLs of the requests.
        missing_file_hint: what to do about a file that is not there.
    """
    yield from proxy_errors(environ, urls)
    if any(url.startswith("https:") for url in urls):
        yield from ca_bundle_errors(environ, missing_file_hint)


def secure_environment(environ: MutableMapping[str, str]) -> None:
    """Changes the environment so that libraries with connections of their own are as strict as `Client`.

    * `SSLKEYLOGFILE` is removed: its readers can decrypt the connections, tokens included. Python's `ssl`
      and urllib3 obey it, also with `python -I`.
    * `NETRC` names an empty file. Otherwise, requests would replace a token with the credentials that `~/.netrc` has
      for the host.
    * `NO_PROXY` includes the loopback hosts.
    * `REQUESTS_CA_BUNDLE` and `SSL_CERT_FILE` are set if either of them or `CURL_CA_BUNDLE` is, since each part of the
      `sigstore` library reads only one of them.
    """
    environ.pop("SSLKEYLOGFILE", None)
    environ["NETRC"] = os.devnull
    no_proxy = environ.get("no_proxy") or environ.get("NO_PROXY", "")
    if no_proxy.strip() != "*":  # which only counts alone
        environ["no_proxy"] = ",".join(filter(None, (no_proxy, *sorted(LOOPBACK_HOSTS))))
    bundle = ca_bundle(environ)
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        if bundle and not exists(environ.get(name, "")):
            environ[name] = bundle
