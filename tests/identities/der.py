"""As much of DER (X.690) as the extensions of certificates need."""

from __future__ import annotations

OCTET_STRING, UTF8_STRING = 0x04, 0x0C


def encode(tag: int, content: bytes) -> bytes:
    """One element."""
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content
