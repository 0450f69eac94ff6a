"""Proxies, certificates and key logs of the environment: which of them have effect, and what is shown of them."""

from __future__ import annotations

import ssl
import threading
from base64 import b64encode
from contextlib import suppress
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import TYPE_CHECKING

import pytest
import trustme

from localchannel import Access, Channel, LocalChannel
from prefix_upload.http.proxies import proxy_secrets
from support.building import package
from support.running import CHANNEL, TOKEN
from support.workflow_commands import annotated, places_that_show

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.action import Action

FAR = "https://channel.test"

# What is not the URL of a proxy, and the part that must not be shown.
MALFORMED = {
    "http://user:pass#word@proxy.test": "pass#word",
    "http://user:12345#word@proxy.test": "12345#word",
    "http://user:pass/word@proxy.test:80": "pass/word",
    "http://user:pass?word@proxy.test:80": "pass?word",
    "http://user:pass[word@proxy.test:80": "pass[word",
    "http://user:pass\\word@proxy.test:80": "pass\\word",
    "http://user:pass word@proxy.test:80": "pass word",
    "http://user:pass\tword@proxy.test:80": "pass\tword",
    "http://user:pa\u20acword@proxy.test:80": "pa\u20acword",
    "http://user:pa%E2%82%ACword@proxy.test:80": "pa%E2%82%ACword",
    "http://user:pass\udcffword@proxy.test:80": "pass\udcffword",
    "http://user:password1@": "password1",
    "http://user:password1@:80": "password1",
    "http://user:password1@proxy.test:99999": "password1",
    "http://user:password1@proxy.test:0": "password1",
    "http://user:password1@proxy.test:http": "password1",
    "http://user:password1@proxy..test:80": "password1",
    "http://user:password1@[::1:80": "password1",
    "http:/user:password1@proxy.test:80": "password1",
    "//user:password1@proxy.test:80": "password1",
    "user:password1@proxy.test:80": "password1",
    "ftp://user:password1@proxy.test:80": "password1",
    "http://:secret-proxy": "secret-proxy",
    "secret-proxy": "secret-proxy",
}


@pytest.mark.parametrize(("url", "secret"), MALFORMED.items())
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "ALL_PROXY"])
def test_a_malformed_proxy_is_a_configuration_error(
    action: Action, workspace: Path, url: str, secret: str, name: str
) -> None:
    """Exit code 2 before anything is sent; the variable is named, and nothing of its value is shown."""
    package(workspace)
    finished = action({name: url}, server_url=FAR, glob="*.conda")
    assert finished.exit_code == 2, finished.log
    (error,) = annotated(finished.log, "error")
    assert error.data.startswith(f"{name} is not a valid proxy URL")
    assert "%23" in error.data
    assert places_that_show([secret, url], finished) == []
    assert "Traceback" not in finished.log


def test_problems_of_the_environment_are_told_with_those_of_the_inputs(action: Action) -> None:
    """One run is enough to learn of all."""
    finished = action({"HTTPS_PROXY": "http://u:p@", "SSL_CERT_FILE": "/missing.pem"}, server_url=FAR, force="maybe")
    assert finished.exit_code == 2
    titles = {error.properties["title"] for error in annotated(finished.log, "error")}
    assert titles == {"Invalid 'force'", "Invalid HTTPS_PROXY", "Invalid SSL_CERT_FILE"}


@pytest.mark.parametrize("url", ["socks5://user:password1@proxy.test:1080", "SOCKS5H://proxy.test", "socks4://x:1"])
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "all_proxy"])
def test_socks_is_not_supported(action: Action, name: str, url: str) -> None:
    """It is reported before anything is sent."""
    finished = action({name: url}, server_url=FAR, glob="*.conda")
    assert finished.exit_code == 2
    (error,) = annotated(finished.log, "error")
    assert error.data.startswith(f"{name} names a SOCKS proxy, and only HTTP proxies are supported.")
    assert places_that_show(["password1"], finished) == []


@pytest.mark.parametrize(
    "variables",
    [
        {"ALL_PROXY": "socks5://proxy.test:1080"},
        {"HTTP_PROXY": "http://user:password1@proxy.test:3128"},
        {"HTTPS_PROXY": "http://proxy.test", "https_proxy": ""},
        {"HTTPS_PROXY": "http://user:p@ss:word%23@proxy.test:/"},
    ],
)
def test_a_proxy_that_is_not_used(action: Action, workspace: Path, variables: dict[str, str]) -> None:
    """Loopback hosts are reached directly."""
    package(workspace)
    finished = action(variables, glob="*.conda")
    assert (finished.exit_code, annotated(finished.log, "warning")) == (0, [])


class EchoingProxy(ThreadingTCPServer):
    """A proxy that refuses, and repeats in its answer whatever it was sent."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Echo)


class _Echo(StreamRequestHandler):
    def handle(self) -> None:
        """Answers one request."""
        head = b""
        while line := self.rfile.readline().strip():
            head += b" " + line
        with suppress(OSError):
            self.wfile.write(b"HTTP/1.1 407 Denied" + head + b" se#same%2F1\r\nContent-Length: 0\r\n\r\n")


@pytest.fixture
def echoing() -> Iterator[str]:
    """Host and port of such a proxy."""
    with EchoingProxy() as proxy:
        threading.Thread(target=proxy.serve_forever, args=(0.02,), daemon=True).start()
        yield f"127.0.0.1:{proxy.server_address[1]}"
        proxy.shutdown()


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "all_proxy"])
def test_the_password_of_a_proxy_is_shown_nowhere(action: Action, workspace: Path, echoing: str, name: str) -> None:
    """Neither as it is written nor decoded nor as a header; the host is named."""
    package(workspace)
    finished = action({name: f"http://user:se%23same%2F1@{echoing}"}, server_url=FAR, glob="*.conda")
    assert finished.exit_code == 5
    assert f"through the proxy {echoing}" in finished.log
    header = b64encode(b"user:se#same/1").decode()
    forms = ["se%23same%2F1", "se#same/1", "se%23same", "se#same", header, header[:12]]
    assert places_that_show(forms, finished) == []


@pytest.mark.parametrize(
    ("url", "forms"),
    [
        ("http://user:se%23same@h", {"se%23same", "se#same"}),
        ("http://user:sesame@1@h:1", {"sesame@1", "sesame%401"}),
        ("http://token-only@h", {"token-only"}),
        ("http://u:p@h", {"u:p@h"} - {"u:p@h"}),
        ("http://h:80", set()),
    ],
)
def test_the_forms_of_a_password(url: str, forms: set[str]) -> None:
    """As it is written, decoded, and encoded."""
    assert forms <= set(proxy_secrets({"HTTP_PROXY": url, "NO_PROXY": "a:bcdef@h"}))
    assert "h" not in set(proxy_secrets({"HTTP_PROXY": url}))


def test_a_bundle_whose_name_cannot_be(action: Action) -> None:
    """It does not exist, either."""
    finished = action({"SSL_CERT_FILE": "x" * 5000}, server_url=FAR, glob="*.conda")
    assert finished.exit_code == 2
    assert "Traceback" not in finished.log


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_a_bundle_that_the_container_does_not_see(action: Action, name: str) -> None:
    """Variable and path are named."""
    finished = action({name: "/etc/ssl/ours.pem"}, server_url=FAR, glob="*.conda")
    assert finished.exit_code == 2
    (error,) = annotated(finished.log, "error")
    assert f"{name} is '/etc/ssl/ours.pem', but there is no such file here." in error.data
    assert "/github/workspace" in error.data


@pytest.mark.parametrize("folder", ["", "missing"])
def test_sslkeylogfile_is_not_obeyed(action: Action, workspace: Path, tmp_path: Path, folder: str) -> None:
    """Its readers could decrypt the connections; a folder that is missing does no harm."""
    package(workspace)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    log = tmp_path / folder / "keys.log"
    variables = {"SSLKEYLOGFILE": str(log), "SSL_CERT_FILE": str(tmp_path / "ca.pem")}
    keys, channels = {TOKEN: Access.READ_WRITE}, {CHANNEL: Channel()}
    with LocalChannel(tmp_path / "secure", channels, keys, tls=context) as server:
        finished = action(variables, server_url=server.url, glob="*.conda")
    assert finished.exit_code == 0, finished.log
    assert not log.exists()
