"""Validates conda packages and publishes them to a prefix.dev channel."""

__version__ = "1.0.0"
