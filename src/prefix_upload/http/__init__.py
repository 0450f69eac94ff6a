"""HTTP requests and retries. Every request goes through this package, except those of the `sigstore` library."""

from prefix_upload.http.client import Client
from prefix_upload.http.environment import environment_errors, secure_environment
from prefix_upload.http.errors import RequestError
from prefix_upload.http.proxies import proxy_secrets
from prefix_upload.http.response import Response
from prefix_upload.http.retry import QUERY_RETRIES, QUERY_TIMEOUT, Failure, RetryPolicy, describe_failure
from prefix_upload.http.server import Server

__all__ = [
    "QUERY_RETRIES",
    "QUERY_TIMEOUT",
    "Client",
    "Failure",
    "RequestError",
    "Response",
    "RetryPolicy",
    "Server",
    "describe_failure",
    "environment_errors",
    "proxy_secrets",
    "secure_environment",
]
