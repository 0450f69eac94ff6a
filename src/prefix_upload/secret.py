"""A wrapper that keeps credentials out of messages."""

from __future__ import annotations


class Secret:
    """A credential that can be sent but is not shown: its `str()` and `repr()` have stars in its place."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The credential itself, for sending it and for masking it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"
