from __future__ import annotations

import io
import tarfile
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefix_upload.package.archive import tarball
from prefix_upload.package.archive.streams import CorruptArchiveError
from prefix_upload.package.archive.tarball import Tarball
from support.building import TAR_END, pax_header, tar, tar_header, tar_member

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefix_upload.package.archive.tar_headers import Member

NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="\0\n/", exclude_categories=["Cs"]), min_size=1, max_size=150
)


def no_remarks(member: Member, remark: str) -> None:
    """Every client can read the archive."""
    raise AssertionError(member, remark)


def ignore(member: Member, remark: str) -> None:
    """Some client cannot read the archive."""


def members(
    data: bytes, *, piece: int = 700, remark: Callable[[Member, str], None] = no_remarks
) -> list[tuple[Member, bytes]]:
    """All members with their data, from pieces of an awkward size."""
    pieces = [data[start : start + piece] for start in range(0, len(data), piece)]
    return [(member, b"".join(content)) for member, content in Tarball(pieces, remark)]


@given(
    st.lists(st.tuples(NAMES, st.binary(max_size=1500), st.sampled_from(["file", "link", "folder"])), max_size=5),
    st.sampled_from([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
    st.sampled_from(["", "./", "a/b/"]),
)
def test_reads_what_tarfile_writes(entries: list[tuple[str, bytes, str]], style: int, prefix: str) -> None:
    """Names, kinds, sizes and content are those that the standard library wrote, in each of its formats."""
    stream = io.BytesIO()
    kinds = {"file": tarfile.REGTYPE, "link": tarfile.SYMTYPE, "folder": tarfile.DIRTYPE}
    expected = []
    with tarfile.open(fileobj=stream, mode="w", format=style) as archive:
        for name, content, kind in entries:
            info = tarfile.TarInfo(prefix + name)
            info.type, info.linkname = kinds[kind], "target" * 30 * (kind == "link" and style != tarfile.USTAR_FORMAT)
            info.size = len(content) if kind == "file" else 0
            try:
                archive.addfile(info, io.BytesIO(content))
            except ValueError:
                continue  # a name that this format cannot tell
            expected.append((info.name, info.size, content if kind == "file" else b""))
    found = [(member.name, member.size, content) for member, content in members(stream.getvalue())]
    assert [(name.rstrip("/"), *rest) for name, *rest in found] == [(n.rstrip("/"), s, c) for n, s, c in expected]


FILE = tar_member("a", b"x" * 600)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (FILE[:300], "tar header"),
        (FILE[:700], "tar member"),
        (FILE[:1400], "tar header"),
        (b"no tar at all" * 100, "not a tar archive"),
        (b"\x01" + FILE[1:] + TAR_END, "corrupt tar header"),
        (tar(FILE) + b"more", "after its end-of-archive"),
        (tar_header(FILE, size=(124, b"\xff" * 12)) + TAR_END, "corrupt tar header"),
        (tar_header(FILE, size=(124, b"\x80" + b"\x7f" * 11)) + TAR_END, "corrupt tar header"),
        (tar_header(FILE, size=(124, b"\x80" + (2**63).to_bytes(11, "big"))) + TAR_END, "corrupt tar header"),
        (tar_header(FILE, size=(124, b"\x80" + (2**63 - 1).to_bytes(11, "big"))) + TAR_END, "tar member"),
        (tar_header(FILE, size=(124, b"77777777777\0")) + TAR_END, "tar member"),
        (tar_header(FILE, size=(124, b"9999999\0")) + TAR_END, "corrupt tar header"),
        (tar(pax_header(("size", b"-1")), FILE), "an invalid size"),
        (tar(pax_header(("size", b"%d" % (2**63 - 1))), FILE), "tar member"),
        (tar(pax_header(("size", b"%d" % 2**63)), FILE), "an invalid size"),
        (tar(pax_header(("size", b"9" * 20)), FILE), "an invalid size"),
        (tar(tar_member("p", b"99 path=a\n", kind=tarfile.XHDTYPE), FILE), "pax header"),
        (tar(tar_member("p", b"nonsense", kind=tarfile.XHDTYPE), FILE), "pax header"),
    ],
)
def test_damage_is_told(data: bytes, message: str) -> None:
    """What `tarfile` would take for the end of the archive is an error here."""
    with pytest.raises(CorruptArchiveError, match=message):
        members(data)


@pytest.mark.parametrize("at", [100, 108, 116, 136, 329, 337], ids=["mode", "owner", "group", "time", "major", "minor"])
def test_numeric_fields_must_be_valid(at: int) -> None:
    """An invalid number in any field of a header is an error, because `tarfile` takes it for the end of the archive."""
    with pytest.raises(CorruptArchiveError, match="corrupt tar header"):
        members(tar_header(FILE, number=(at, b"0000009\0")) + TAR_END)
    for number in (b"   644 \0", b"\x80\0\0\0\0\0\1\xa4", b"\xff" * 8):
        data = tar(tar_header(FILE, number=(at, number)))
        assert [member.name for member, _ in members(data, remark=ignore)] == ["a"]


def test_the_limit_of_extended_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names, records and sparse maps may be as large as the limit, and not larger."""
    name = tar_member("././@LongLink", b"b" * 1023 + b"\0", kind=tarfile.GNUTYPE_LONGNAME)
    records = pax_header(("comment", b"x" * 1010))
    sparse = tar_header(tar_member("old", b"", kind=tarfile.GNUTYPE_SPARSE), extended=(482, b"\1" + b"0" * 11))
    more = bytes(504) + b"\1" + bytes(7)
    for header in (name, records, sparse + more + bytes(512)):
        data = tar(header, tar_member("a"))
        monkeypatch.setattr(tarball, "MAX_HEADER_DATA", 1024)
        assert members(data, remark=ignore)
        monkeypatch.setattr(tarball, "MAX_HEADER_DATA", 1023)
        with pytest.raises(CorruptArchiveError, match=r"tar header of 1024 bytes|with too many parts"):
            members(data, remark=ignore)


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE])
def test_claimed_header_sizes_allocate_nothing(kind: bytes) -> None:
    """A header that claims to be huge is refused before anything is read for it."""
    tracemalloc.start()
    try:
        with pytest.raises(CorruptArchiveError, match="tar header of"):
            members(tar_header(tar_member("a", b"", kind=kind), size=(124, b"77777777777\0")) + TAR_END)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_unread_data_is_passed_over() -> None:
    """A caller need not take the data of a member."""
    assert [member.name for member, _ in Tarball([tar(FILE, tar_member("b"))], no_remarks)] == ["a", "b"]


@pytest.mark.parametrize("end", [b"", bytes(512), bytes(1024), bytes(10240)])
def test_the_end_of_archive_marker(end: bytes) -> None:
    """A stream that is whole may lack it, since the members are whole as well."""
    archive = Tarball([FILE + end], no_remarks)
    assert [member.name for member, _ in archive] == ["a"]
    assert archive.has_end == bool(end)


@pytest.mark.parametrize("magic", [b"\x1f\x8b\x08", b"BZh9", b"\x28\xb5\x2f\xfd", b"begin 644 x"])
def test_names_like_compressed_data(magic: bytes) -> None:
    """Libarchive would decompress an archive that begins with such a name."""
    strange = tar_header(tar_member("a"), name=(0, magic))
    with pytest.raises(CorruptArchiveError, match="looks like compressed data"):
        members(tar(strange, FILE))
    assert len(members(tar(FILE, strange))) == 2


def test_alike_members_are_all_found() -> None:
    """Headers that are the same as the one before are not read again, and not mixed up with their neighbors."""
    archive = tar(pax_header(("path", b"x")), FILE, FILE, FILE, pax_header(("path", b"y")), FILE, tar_member("b"), FILE)
    assert [member.name for member, _ in members(archive)] == ["x", "a", "a", "y", "b", "a"]
