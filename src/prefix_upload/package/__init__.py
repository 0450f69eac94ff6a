"""Reads and validates conda packages."""
