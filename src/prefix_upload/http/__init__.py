"""Requests to servers, and when to try again: the only package that sends any."""

from prefix_upload.http.client import Client
from prefix_upload.http.errors import RequestError
from prefix_upload.http.response import Response
from prefix_upload.http.retry import QUERY_TIMEOUT, Failure, RetryPolicy, reason

__all__ = ["QUERY_TIMEOUT", "Client", "Failure", "RequestError", "Response", "RetryPolicy", "reason"]
