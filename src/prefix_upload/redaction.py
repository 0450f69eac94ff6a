"""Removes secrets from text that is shown, also where only a part of one is left."""

from __future__ import annotations

# So many consecutive characters of a secret give it away anywhere: fewer may be words of our own.
_FRAGMENT = 16
# In a server's message, which is more likely to repeat a secret than to have words in common with one, fewer do.
_FRAGMENT_OF_MESSAGE = 8
# Fragments, and their halves.
_LENGTHS = frozenset({_FRAGMENT, _FRAGMENT // 2, _FRAGMENT_OF_MESSAGE, _FRAGMENT_OF_MESSAGE // 2})
# Secrets of fewer characters are only recognized as a whole, or by their beginning at the end of a message.
_LONG = 12
# So many characters at the end of a message, which may be truncated, are taken for the beginning of a secret.
_BEGINNING = 4
# What may follow the last word of a truncated message, such as the end of a JSON string.
_AFTER_THE_LAST_WORD = " \t\r\n.,:;…\"'`)]}>"
_STARS = "***"


class Redactor:
    """Knows the secrets of a run. Safe to use from several threads."""

    def __init__(self) -> None:
        self._secrets: tuple[str, ...] = ()
        # Parts of the long ones, by their length.
        self._parts: dict[int, frozenset[str]] = dict.fromkeys(_LENGTHS, frozenset())

    def add(self, secret: str) -> bool:
        """Adds a secret. Returns whether it is a new one."""
        if not secret or secret in self._secrets:
            return False
        # Longest first, because one secret may contain another.
        self._secrets = tuple(sorted({*self._secrets, secret}, key=len, reverse=True))
        self._parts = {length: self._parts_of(length) for length in _LENGTHS}
        return True

    def redact(self, text: str) -> str:
        """The text with stars in place of each secret, and of each long part of one."""
        return self._redact(text, _FRAGMENT)

    def redact_message(self, text: str) -> str:
        """The same for a server's message: shorter parts of secrets are removed, too, most of all at its end."""
        text = self._redact(text, _FRAGMENT_OF_MESSAGE)
        last_words = text.rstrip(_AFTER_THE_LAST_WORD)
        for secret in self._secrets:
            for length in range(min(len(secret), _FRAGMENT) - 1, _BEGINNING - 1, -1):
                if last_words.endswith(secret[:length]):
                    return last_words[:-length] + _STARS + text[len(last_words) :]
        return text

    def _redact(self, text: str, length: int) -> str:
        for secret in self._secrets:
            text = text.replace(secret, _STARS)
        return _without(text, self._parts[length], length) if self._may_have_fragment(text, length) else text

    def _may_have_fragment(self, text: str, length: int) -> bool:
        """A quick look, as responses have thousands of characters: wherever a fragment is, one of these halves is."""
        half = length // 2
        parts = self._parts[half]
        return bool(parts) and any(text[start : start + half] in parts for start in range(0, len(text), half))

    def _parts_of(self, length: int) -> frozenset[str]:
        """The parts of long secrets that have this length."""
        long = (secret for secret in self._secrets if len(secret) >= _LONG)
        return frozenset(secret[start : start + length] for secret in long for start in range(len(secret) - length + 1))


def _without(text: str, fragments: frozenset[str], length: int) -> str:
    """The text with stars in place of each sequence of fragments, which overlap or follow each other."""
    parts: list[str] = []
    end = 0
    for start in range(len(text)):
        if text[start : start + length] in fragments:
            if start > end or not parts:
                parts += [text[end:start], _STARS]
            end = start + length
    return "".join(parts) + text[end:]
