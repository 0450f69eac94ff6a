from __future__ import annotations

import io
import tarfile
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefix_upload.package.archive import tarball
from prefix_upload.package.archive.streams import CorruptArchiveError
from prefix_upload.package.archive.tar_headers import Kind, Member
from prefix_upload.package.archive.tarball import Tarball
from support.building import TAR_END, pax_header, tar, tar_header, tar_member

NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1, max_size=150
)


def members(data: bytes, *, piece: int = 700) -> list[tuple[Member, bytes]]:
    """All members with their data, from pieces of an awkward size."""
    pieces = [data[start : start + piece] for start in range(0, len(data), piece)]
    return [(member, b"".join(content)) for member, content in Tarball(pieces)]


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


@pytest.mark.parametrize(
    ("flag", "kind"),
    [
        (tarfile.REGTYPE, Kind.FILE),
        (tarfile.AREGTYPE, Kind.FILE),
        (tarfile.CONTTYPE, Kind.FILE),
        (tarfile.LNKTYPE, Kind.LINK),
        (tarfile.SYMTYPE, Kind.LINK),
        (tarfile.CHRTYPE, Kind.DEVICE),
        (tarfile.BLKTYPE, Kind.DEVICE),
        (tarfile.FIFOTYPE, Kind.FIFO),
        (tarfile.DIRTYPE, Kind.DIRECTORY),
        (b"Z", Kind.FILE),
    ],
)
def test_kinds(flag: bytes, kind: Kind) -> None:
    """Each type flag becomes what it is unpacked to; an unknown one is a file (POSIX)."""
    ((member, _),) = members(tar(tar_member("a", b"", kind=flag)))
    assert member.kind is kind


def test_old_folders_end_in_a_slash() -> None:
    """Before POSIX a folder was a file whose name ends in a slash."""
    ((member, _),) = members(tar(tar_member("a/", b"", kind=tarfile.AREGTYPE)))
    assert member.kind is Kind.DIRECTORY
    ((member, _),) = members(tar(tar_member("a/", b"", kind=tarfile.REGTYPE)))
    assert member.kind is Kind.FILE


def test_links_have_no_data() -> None:
    """Some writers give a link the size of its file: the next member follows at once all the same."""
    found = members(tar(tar_member("link", b"", kind=tarfile.LNKTYPE, size=9), tar_member("file", b"x")))
    assert [(member.name, member.size, data) for member, data in found] == [("link", 0, b""), ("file", 1, b"x")]


def test_pax_records_override_the_header() -> None:
    """Path and size come from the records before the member, also where they are not UTF-8."""
    data = tar(pax_header(("path", b"caf\xe9"), ("size", b"3")), tar_member("short", b"abc", size=0))
    ((member, content),) = members(data)
    assert (member.name, member.size, content) == ("caf\udce9", 3, b"abc")


@pytest.mark.parametrize("key", ["comment", "mtime", "paths", "size.of", "GNU", "SCHILY.path"])
def test_global_pax_header_is_passed_over(key: str) -> None:
    """A global header with dates, comments or unknown keys changes no member."""
    ((member, _),) = members(tar(pax_header((key, b"x"), kind=tarfile.XGLTYPE), tar_member("a")))
    assert member.name == "a"


@pytest.mark.parametrize("key", ["path", "linkpath", "size", "GNU.sparse.name", "GNU.sparse.major"])
def test_a_global_pax_header_with_keys_of_a_single_member(key: str) -> None:
    """Readers disagree on whether a global name, target, size or sparse map applies, so it is an error."""
    with pytest.raises(CorruptArchiveError, match="global pax header"):
        members(tar(pax_header((key, b"1"), kind=tarfile.XGLTYPE), tar_member("a")))


@pytest.mark.parametrize(
    "header",
    [pax_header(("path", b"b")), tar_member("././@LongLink", b"b\0", kind=tarfile.GNUTYPE_LONGNAME)],
    ids=["pax", "GNU"],
)
def test_duplicate_extended_headers(header: bytes) -> None:
    """Readers disagree on which of two extended headers of the same type applies, so they are an error."""
    assert [member.name for member, _ in members(tar(header, tar_member("a"), header, tar_member("a")))] == ["b", "b"]
    with pytest.raises(CorruptArchiveError, match="two extended headers of one type"):
        members(tar(header, header, tar_member("a")))


def test_a_gnu_name_and_a_pax_path() -> None:
    """A member may have both if they are equal; otherwise the names conflict."""
    gnu = tar_member("././@LongLink", b"b\0", kind=tarfile.GNUTYPE_LONGNAME)
    assert [member.name for member, _ in members(tar(gnu, pax_header(("path", b"b")), tar_member("a")))] == ["b"]
    with pytest.raises(CorruptArchiveError, match="conflicting names"):
        members(tar(gnu, pax_header(("path", b"c")), tar_member("a")))


def test_the_limit_of_member_names() -> None:
    """A name may have 4096 bytes, and not one more."""
    assert [len(member.name) for member, _ in members(tar(tar_member("a" * 4096)))] == [4096]
    with pytest.raises(CorruptArchiveError, match="has 4097 bytes"):
        members(tar(tar_member("a" * 4097)))


def test_sparse_members_are_not_expanded() -> None:
    """Whichever way a member says that it is sparse, only what is stored of it is read."""
    pax = tar(
        pax_header(
            ("GNU.sparse.major", b"1"), ("GNU.sparse.name", b"real"), ("path", b"x"), ("GNU.sparse.realsize", b"9" * 15)
        ),
        tar_member("GNUSparseFile.0/real", b"map"),
        tar_member("next"),
    )
    assert [(m.name, m.kind, m.size) for m, _ in members(pax)][:1] == [("real", Kind.SPARSE_FILE, 3)]
    old = tar_header(tar_member("old", b"data", kind=tarfile.GNUTYPE_SPARSE), extended=(482, b"\1"))
    old = tar(old[:512] + bytes(512) + old[512:], tar_member("next"))
    assert [(m.name, m.kind, m.size) for m, _ in members(old)] == [
        ("old", Kind.SPARSE_FILE, 4),
        ("next", Kind.FILE, 6),
    ]


def test_a_sparse_link_is_a_link() -> None:
    """Records of a sparse file do not turn a link into a file."""
    link = tar_member("link", b"", kind=tarfile.SYMTYPE)
    ((member, _),) = members(tar(pax_header(("GNU.sparse.major", b"1")), link))
    assert member.kind is Kind.LINK


def test_sparse_map_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A map that always says that there is more of it ends in an error."""
    monkeypatch.setattr(tarball, "MAX_HEADER_DATA", 2048)
    header = tar_header(tar_member("old", b"", kind=tarfile.GNUTYPE_SPARSE), extended=(482, b"\1"))
    with pytest.raises(CorruptArchiveError, match="sparse"):
        members(header + (bytes(504) + b"\1" + bytes(7)) * 10)


FILE = tar_member("a", b"x" * 600)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "end-of-archive"),
        (FILE, "end-of-archive"),
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
        (tar(pax_header(("size", b"9" * 19)), FILE), "tar member"),
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
        assert [member.name for member, _ in members(tar(tar_header(FILE, number=(at, number))))] == ["a"]


def test_the_limit_of_extended_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names, records and sparse maps may be as large as the limit, and not larger."""
    name = tar_member("././@LongLink", b"b" * 1023 + b"\0", kind=tarfile.GNUTYPE_LONGNAME)
    records = pax_header(("comment", b"x" * 1010))
    sparse = tar_header(tar_member("old", b"", kind=tarfile.GNUTYPE_SPARSE), extended=(482, b"\1"))
    more = bytes(504) + b"\1" + bytes(7)
    for header in (name, records, sparse + more + bytes(512)):
        data = tar(header, tar_member("a"))
        monkeypatch.setattr(tarball, "MAX_HEADER_DATA", 1024)
        assert members(data)
        monkeypatch.setattr(tarball, "MAX_HEADER_DATA", 1023)
        with pytest.raises(CorruptArchiveError, match=r"tar header of 1024 bytes|with too many parts"):
            members(data)


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


def test_signed_checksums_and_large_numbers() -> None:
    """Old writers summed signed bytes; sizes that octal digits cannot tell are big-endian."""
    member = bytearray(tar_member("caf\u00e9", b"x"))
    member[148:156] = b" " * 8
    signed = sum(byte - 256 * (byte > 127) for byte in member[:512])
    member[148:156] = b"%06o\0 " % signed
    assert [m.size for m, _ in members(tar(bytes(member)))] == [1]
    large = tar_header(tar_member("a", b"x"), size=(124, b"\x80" + (1).to_bytes(11, "big")))
    assert [m.size for m, _ in members(tar(large))] == [1]


def test_posix_prefix_is_part_of_the_name() -> None:
    """A ustar name may stand in two fields; in GNU's own format the second one is something else."""
    long = "folder/" * 20 + "file"
    assert [m.name for m, _ in members(tar(tar_member(long, style=tarfile.USTAR_FORMAT)))] == [long]
    gnu = tar_header(tar_member("a", style=tarfile.GNU_FORMAT), prefix=(345, b"123"))
    assert [m.name for m, _ in members(tar(gnu))] == ["a"]


def test_unread_data_is_passed_over() -> None:
    """A caller need not take the data of a member."""
    assert [member.name for member, _ in Tarball([tar(FILE, tar_member("b"))])] == ["a", "b"]
