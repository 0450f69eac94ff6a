"""Requests to servers, and the patience with them: the only package that sends any."""

from prefix_upload.http.client import Answer, Client, NoAnswerError
from prefix_upload.http.retry import QUESTION_TIMEOUT, Failure, Patience, reason

__all__ = ["QUESTION_TIMEOUT", "Answer", "Client", "Failure", "NoAnswerError", "Patience", "reason"]
