"""Extracts packages with libarchive, like mamba does (libmamba/src/core/package_handling.cpp)."""

from __future__ import annotations

import bz2
import ctypes
import ctypes.util
import importlib.metadata
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_OK, _EOF = 0, 1
_TIME, _PERM, _UNLINK = 0x0004, 0x0002, 0x0010
_SECURE_SYMLINKS, _SECURE_NODOTDOT, _SECURE_NOABSOLUTEPATHS = 0x0100, 0x0200, 0x10000
_FLAGS = _TIME | _PERM | _UNLINK | _SECURE_SYMLINKS | _SECURE_NODOTDOT | _SECURE_NOABSOLUTEPATHS
_SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "archive_read_new": (ctypes.c_void_p, []),
    "archive_read_free": (ctypes.c_int, [ctypes.c_void_p]),
    "archive_read_support_format_tar": (ctypes.c_int, [ctypes.c_void_p]),
    "archive_read_support_format_zip": (ctypes.c_int, [ctypes.c_void_p]),
    "archive_read_support_filter_all": (ctypes.c_int, [ctypes.c_void_p]),
    "archive_read_support_filter_zstd": (ctypes.c_int, [ctypes.c_void_p]),
    "archive_read_open_filename": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]),
    "archive_read_open_memory": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]),
    "archive_read_next_header": (ctypes.c_int, [ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p)]),
    "archive_read_data": (ctypes.c_ssize_t, [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]),
    "archive_read_data_block": (
        ctypes.c_int,
        [
            ctypes.c_void_p,
            ctypes.POINTER(ctypes.c_void_p),
            ctypes.POINTER(ctypes.c_size_t),
            ctypes.POINTER(ctypes.c_longlong),
        ],
    ),
    "archive_error_string": (ctypes.c_char_p, [ctypes.c_void_p]),
    "archive_entry_pathname": (ctypes.c_char_p, [ctypes.c_void_p]),
    "archive_entry_size": (ctypes.c_longlong, [ctypes.c_void_p]),
    "archive_write_disk_new": (ctypes.c_void_p, []),
    "archive_write_disk_set_options": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_int]),
    "archive_write_disk_set_standard_lookup": (ctypes.c_int, [ctypes.c_void_p]),
    "archive_write_header": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_void_p]),
    "archive_write_data_block": (
        ctypes.c_ssize_t,
        [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_longlong],
    ),
    "archive_write_finish_entry": (ctypes.c_int, [ctypes.c_void_p]),
    "archive_write_free": (ctypes.c_int, [ctypes.c_void_p]),
}


class LibarchiveError(Exception):
    """libarchive failed, or warned: mamba fails in both cases."""


class Libarchive:
    """The library that the package `archi` brings along; elsewhere that of the system."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(_library_path())
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(self._library, name)
            function.restype, function.argtypes = result, arguments

    def extract(self, package: Path, folder: Path) -> None:
        """Extracts a package into a folder.

        Raises:
            LibarchiveError: it cannot be extracted.
        """
        reader = self._library.archive_read_new()
        self._library.archive_read_support_format_zip(reader)
        is_tarball = package.name.endswith(".tar.bz2")
        if is_tarball:
            self._library.archive_read_support_format_tar(reader)
            self._library.archive_read_support_filter_all(reader)
        # NOTE: the library of `archi` cannot decompress bzip2. What comes out is tried as a compressed file again.
        data = bz2.decompress(package.read_bytes()) if is_tarball else b""
        before = os.getcwd()  # noqa: PTH109 - libarchive extracts to the current folder
        os.chdir(folder)
        try:
            if is_tarball:
                self._check(self._library.archive_read_open_memory(reader, data, len(data)), reader)
                self._extract_members(reader)
            else:
                self._check(self._library.archive_read_open_filename(reader, os.fsencode(package), 10240), reader)
                self._extract_tarballs(reader)
        finally:
            os.chdir(before)
            self._library.archive_read_free(reader)

    def _extract_tarballs(self, outer: int) -> None:
        while (entry := self._next(outer)) is not None:
            name = (self._library.archive_entry_pathname(entry) or b"").rpartition(b"/")[2]
            if not name.endswith(b".zst") or name.partition(b"-")[0] not in {b"info", b"pkg"}:
                continue
            data = self._content(outer)
            inner = self._library.archive_read_new()
            try:
                self._library.archive_read_support_filter_zstd(inner)
                self._library.archive_read_support_format_tar(inner)
                self._check(self._library.archive_read_open_memory(inner, data, len(data)), inner)
                self._extract_members(inner)
            finally:
                self._library.archive_read_free(inner)

    def _extract_members(self, reader: int) -> None:
        writer = self._library.archive_write_disk_new()
        try:
            self._library.archive_write_disk_set_options(writer, _FLAGS)
            self._library.archive_write_disk_set_standard_lookup(writer)
            while (entry := self._next(reader)) is not None:
                self._check(self._library.archive_write_header(writer, entry), writer)
                if self._library.archive_entry_size(entry) > 0:
                    self._copy(reader, writer)
                self._check(self._library.archive_write_finish_entry(writer), writer)
        finally:
            self._library.archive_write_free(writer)

    def _copy(self, reader: int, writer: int) -> None:
        data, size, offset = ctypes.c_void_p(), ctypes.c_size_t(), ctypes.c_longlong()
        while True:
            result = self._library.archive_read_data_block(
                reader, ctypes.byref(data), ctypes.byref(size), ctypes.byref(offset)
            )
            if result == _EOF:
                return
            self._check(result, reader)
            self._check(self._library.archive_write_data_block(writer, data, size, offset), writer)

    def _content(self, reader: int) -> bytes:
        buffer = ctypes.create_string_buffer(2**18)
        parts = []
        while size := self._library.archive_read_data(reader, buffer, len(buffer)):
            self._check(min(size, 0), reader)
            parts.append(buffer.raw[:size])
        return b"".join(parts)

    def _next(self, reader: int) -> int | None:
        entry = ctypes.c_void_p()
        result = self._library.archive_read_next_header(reader, ctypes.byref(entry))
        if result == _EOF:
            return None
        self._check(result, reader)
        return entry.value

    def _check(self, result: int, archive: int) -> None:
        if result < _OK:
            raise LibarchiveError(
                (self._library.archive_error_string(archive) or b"no reason").decode("utf-8", "replace")
            )


def _library_path() -> str:
    try:
        files = importlib.metadata.files("archi") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    bundled = [str(file.locate()) for file in files if file.name.startswith("libarchive") and ".so" in file.name]
    path = next(iter(bundled), None) or ctypes.util.find_library("archive")
    if path is None:
        raise LibarchiveError("libarchive is missing: neither the package archi nor the system has it")
    return path
