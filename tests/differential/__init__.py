"""The same packages, read by the action and by the real clients: `make differential`."""
