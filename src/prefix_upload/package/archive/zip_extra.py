"""The extra fields of ZIP members. Some of them change a member's size, name or type for some readers only."""

from __future__ import annotations

import struct
import zlib

# APPNOTE.TXT 6.3.10, section 4.5.3; Info-ZIP's proginfo/extrafld.txt; libarchive's archive_read_support_format_zip.c.
_ZIP64 = 0x0001
_UNICODE_NAME = 0x7075
_TIMES = 0x5455
_LIBARCHIVE_ATTRIBUTES = 0x6C78
_AES, _STRONG_ENCRYPTION = 0x9901, 0x0017
_FIELD = struct.Struct("<2H")
_UNICODE_VERSION, _UNICODE_START = 1, 5
UNKNOWN_SIZE = 0xFFFFFFFF


class ExtraError(ValueError):
    """Readers would see different members because of an extra field. The message completes "the ZIP member has …"."""


def extra_fields(extra: bytes, name: bytes) -> dict[int, bytes]:
    """The extra fields of a member by their identifiers.

    Raises:
        ExtraError: a field is truncated, occurs twice, or gives the member another name, type or content.
    """
    fields: dict[int, bytes] = {}
    if not extra:  # nearly always
        return fields
    at = 0
    while at < len(extra):
        if len(extra) - at < _FIELD.size:
            raise ExtraError("a truncated extra field")
        identifier, size = _FIELD.unpack_from(extra, at)
        at += _FIELD.size
        if at + size > len(extra):
            raise ExtraError("a truncated extra field")
        if identifier in fields:
            raise ExtraError("an extra field more than once, and readers use different ones")
        fields[identifier] = extra[at : at + size]
        at += size
    _check_fields(fields, name)
    return fields


def _check_fields(fields: dict[int, bytes], name: bytes) -> None:
    unicode_name = fields.get(_UNICODE_NAME)
    if unicode_name is not None and unicode_name[_UNICODE_START:] != name:
        raise ExtraError("an extra field with another name, which only some readers use")
    if unicode_name is not None and not _is_unicode_name(unicode_name, name):
        raise ExtraError("an extra field with a name that some readers cannot read")
    if fields.get(_TIMES) == b"":  # libarchive refuses it
        raise ExtraError("an extra field for times without any")
    if not fields.keys().isdisjoint({_LIBARCHIVE_ATTRIBUTES, _AES, _STRONG_ENCRYPTION}):
        raise ExtraError("an extra field that changes its type or content for some readers")


def _is_unicode_name(field: bytes, name: bytes) -> bool:
    return field[:_UNICODE_START] == struct.pack("<BL", _UNICODE_VERSION, zlib.crc32(name))


def actual_values(stored: tuple[int, ...], fields: dict[int, bytes]) -> tuple[tuple[int, ...], bool]:
    """Replaces the values of a header that do not fit into 32 bits by those in its zip64 extra field.

    Args:
        stored: uncompressed size, compressed size and, in the directory, offset.
        fields: the extra fields.

    Returns:
        The values, and whether there is a field that is not needed.

    Raises:
        ExtraError: the field is missing, or has other values than the header needs.
    """
    zip64 = fields.get(_ZIP64, b"")
    if not zip64 and UNKNOWN_SIZE not in stored:  # nearly always
        return stored, _ZIP64 in fields
    if len(zip64) % 8:
        raise ExtraError("a zip64 extra field of an unexpected length")
    values = list(struct.unpack(f"<{len(zip64) // 8}Q", zip64))
    if UNKNOWN_SIZE in stored:
        if len(values) != stored.count(UNKNOWN_SIZE):
            raise ExtraError("no zip64 extra field with the values that its header refers to")
        return tuple(values.pop(0) if value == UNKNOWN_SIZE else value for value in stored), False
    # NOTE: earlier versions of rattler-build wrote zeros, which readers ignore or refuse.
    if any(values) and values != list(stored[: len(values)]):
        raise ExtraError("a zip64 extra field with other values than its header")
    return stored, _ZIP64 in fields
