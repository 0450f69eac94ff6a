"""Requests to servers, and the patience with them: the only package that sends any."""

from prefix_upload.http.client import Client, RequestError, Response
from prefix_upload.http.retry import QUERY_TIMEOUT, Failure, RetryPolicy, reason

__all__ = ["QUERY_TIMEOUT", "Client", "Failure", "RequestError", "Response", "RetryPolicy", "reason"]
