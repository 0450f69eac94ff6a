"""Removes secrets from text that is shown, also where only a part of one is left."""

from __future__ import annotations

# Secrets of at least this many characters are recognized by a part of them.
_LONG = 12
# So many consecutive characters of a long secret give it away: fewer may be an ordinary word.
_FRAGMENT = 8
# So many characters at the end of text that may have been truncated are taken for the beginning of a secret.
_BEGINNING = 4
# What may follow the last word of a truncated text, such as the end of a JSON string.
_AFTER_THE_LAST_WORD = " \t\r\n.,:;…\"'`)]}>"
_STARS = "***"


class Redactor:
    """Knows the secrets of a run. Safe to use from several threads."""

    def __init__(self) -> None:
        self._secrets: tuple[str, ...] = ()
        self._fragments: frozenset[str] = frozenset()

    def add(self, secret: str) -> bool:
        """Adds a secret. Returns whether it is a new one."""
        if not secret or secret in self._secrets:
            return False
        # Longest first, because one secret may contain another.
        self._secrets = tuple(sorted({*self._secrets, secret}, key=len, reverse=True))
        if len(secret) >= _LONG:
            self._fragments |= {secret[start : start + _FRAGMENT] for start in range(len(secret) - _FRAGMENT + 1)}
        return True

    def redact(self, text: str) -> str:
        """The text with stars in place of each secret, and of each recognizable part of one."""
        for secret in self._secrets:
            text = text.replace(secret, _STARS)
        return self._without_fragments(text)

    def redact_truncated(self, text: str) -> str:
        """Like `redact`, for text whose end may be missing: the beginning of a secret at the end is removed, too."""
        text = self.redact(text)
        last_words = text.rstrip(_AFTER_THE_LAST_WORD)
        for secret in self._secrets:
            for length in range(min(len(secret), _FRAGMENT) - 1, _BEGINNING - 1, -1):
                if last_words.endswith(secret[:length]):
                    return last_words[:-length] + _STARS + text[len(last_words) :]
        return text

    def _without_fragments(self, text: str) -> str:
        starts = [start for start in range(len(text)) if text[start : start + _FRAGMENT] in self._fragments]
        parts: list[str] = []
        end = 0
        for start in starts:
            if start > end or not parts:
                parts += [text[end:start], _STARS]
            end = start + _FRAGMENT
        return "".join(parts) + text[end:]
