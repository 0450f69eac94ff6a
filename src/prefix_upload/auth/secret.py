"""A credential on its way."""

from __future__ import annotations


class Secret:
    """A credential that can be sent but not shown: printing, formatting or dumping it gives stars."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The credential itself, for whom it is meant, and for the runner's mask."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"
