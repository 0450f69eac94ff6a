"""Requests to servers, and the patience with them: the only package that sends any."""

from prefix_upload.http.client import Answer, Client, NoAnswerError
from prefix_upload.http.patience import Failure, Patience, reason

__all__ = ["Answer", "Client", "Failure", "NoAnswerError", "Patience", "reason"]
