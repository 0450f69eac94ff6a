"""What the server's answers tell of the files, and what they do not."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from graphql import GraphQLSchema, build_schema, parse, validate

from localchannel.schema import SDL
from prefix_upload.prefix_dev.account import channels_query, limits_query
from prefix_upload.prefix_dev.bundles import has_bundle
from prefix_upload.prefix_dev.index_entries import Entry, Listing
from prefix_upload.prefix_dev.records import Record, from_graphql, graphql_query
from prefix_upload.prefix_dev.repodata import RepodataReader, from_repodata
from prefix_upload.prefix_dev.responses import LookupFailedError, Reason
from support.packages import make_package

DEEP = b'{"packages": {}, "x": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"
NUMBER = b'{"packages": {}, "x": ' + b"9" * 5000 + b"}"
A, B = "a" * 64, "b" * 64
FIRST = make_package(sha256=A)
SECOND = FIRST.replace(file_name="other-2-0.tar.bz2", name="other", subdir="linux-64")
CHANNEL: dict[str, Any] = {"channelPath": "octo/stable"}


def graphql(**answer: Any) -> bytes:
    return json.dumps(answer).encode()


def stream(repodata: object) -> io.BytesIO:
    return io.BytesIO(json.dumps(repodata).encode())


def indexed(sha256: str, md5: str | None = None, withheld: str = "") -> Record:
    return Record(sha256, md5, withheld, may_be_outdated=True)


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema(SDL)


@pytest.mark.parametrize("question", [limits_query("octo/stable"), channels_query()], ids=["limits", "channels"])
def test_the_queries_about_an_account_are_valid(schema: GraphQLSchema, question: dict[str, Any]) -> None:
    """By the server's schema."""
    assert validate(schema, parse(question["query"])) == []


@pytest.mark.parametrize("hashes_only", [False, True])
def test_the_query_is_valid(schema: GraphQLSchema, hashes_only: bool) -> None:
    """One query for the whole batch that the server's schema allows, with every variable given."""
    question = graphql_query("octo/stable", [FIRST, SECOND], hashes_only=hashes_only)
    assert validate(schema, parse(question["query"])) == []
    assert sorted(question["variables"].values()) == sorted(
        ["octo/stable", "tool-0", "noarch", FIRST.file_name, "other", "linux-64", SECOND.file_name]
    )


def test_names_are_never_spliced_into_the_query() -> None:
    """A name that is GraphQL stays a value."""
    hostile = FIRST.replace(name='") { sha256 } x: viewer { login } #', file_name='"}')
    question = graphql_query('octo") {', [hostile])
    assert question["query"] == graphql_query("octo", [FIRST])["query"]
    assert hostile.name in question["variables"].values()


def test_records() -> None:
    """A hash, in lower case; or that there is no such file."""
    body = graphql(data={"channel": CHANNEL, "package0": {"sha256": A.upper()}, "package1": None})
    assert from_graphql(body, [FIRST, SECOND]).records == {FIRST.key: Record(A), SECOND.key: Record(None)}


@pytest.mark.parametrize(
    "value",
    [
        *({}, [], "x", 1, True),
        *({"sha256": value} for value in (None, 1, "", "a" * 63, "a" * 65, "a" * 64 + "\n", "g" * 64)),
    ],
    ids=repr,
)
def test_a_record_without_a_hash_is_not_known(value: object) -> None:
    """It is neither there nor missing."""
    body = graphql(data={"channel": CHANNEL, "package0": value, "package1": {"sha256": B}})
    assert from_graphql(body, [FIRST, SECOND]).records == {SECOND.key: Record(B)}


def test_a_field_that_is_missing_because_of_an_error_is_not_known() -> None:
    """A server may leave out what it could not look up."""
    body = graphql(data={"channel": CHANNEL}, errors=[{"message": "timeout", "path": ["package0"]}])
    assert from_graphql(body, [FIRST]).records == {}


@pytest.mark.parametrize(
    ("md5", "expected"),
    [("D" * 32, "d" * 32), (None, None), ("d" * 31, None), ("d" * 32 + "\n", None), (5, None), ([], None)],
    ids=repr,
)
def test_the_md5_of_a_record(md5: object, expected: str | None) -> None:
    """It is taken from the record where it is one."""
    body = graphql(data={"channel": CHANNEL, "package0": {"sha256": A, "md5": md5}})
    assert from_graphql(body, [FIRST]).records == {FIRST.key: Record(A, expected)}
    repodata = {"packages.conda": {FIRST.file_name: {"sha256": A, "md5": md5}}}
    assert from_repodata(stream(repodata), [FIRST]) == {FIRST.key: indexed(A, md5=expected)}


@pytest.mark.parametrize("errors", [[], None, {}, ""], ids=repr)
def test_no_errors(errors: object) -> None:
    """An empty list of errors is none."""
    body = graphql(data={"channel": CHANNEL, "package0": None}, errors=errors)
    assert from_graphql(body, [FIRST]).records == {FIRST.key: Record(None)}


@pytest.mark.parametrize("path", [["package0"], ["package0", "sha256"], ["package0", 0, "md5"]], ids=repr)
def test_a_field_with_an_error_is_not_known(path: list[object]) -> None:
    """Its null does not mean that there is no such file; the others are known."""
    body = graphql(
        data={"channel": CHANNEL, "package0": None, "package1": None},
        errors=[{"message": "timeout", "path": path}],
    )
    assert from_graphql(body, [FIRST, SECOND]).records == {SECOND.key: Record(None)}


@pytest.mark.parametrize(
    "errors",
    [[{"message": "boom"}], [{"path": []}], [{"path": [0]}], [{"path": "package1"}], ["boom"], {"a": 1}, "boom"],
    ids=repr,
)
def test_an_error_without_a_field_makes_every_null_doubtful(errors: object) -> None:
    """What was found is known all the same."""
    body = graphql(data={"channel": CHANNEL, "package0": None, "package1": {"sha256": B}}, errors=errors)
    assert from_graphql(body, [FIRST, SECOND]).records == {SECOND.key: Record(B)}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not JSON"),
        (b"<html>", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b"{}", "no data"),
        (b'{"data": null}', "no data"),
        (b'{"data": []}', "no data"),
        (b'{"data": null, "errors": [{"message": "rate\\n limited"}]}', "rate limited"),
        (b'{"errors": [{"message": 1}]}', "only errors"),
        (b'{"errors": {}}', "no data"),
        (b'{"data": {"channel": null, "package0": null}}', "no such channel"),
        (b'{"data": {"package0": null}}', "the requested data"),
        (b'{"data": {"channel": {}}}', "the requested data"),
        (b'{"data": {"channel": "x", "package0": null}}', "no such channel"),
    ],
)
def test_unclear_answers(body: bytes, says: str) -> None:
    """Whatever is no answer to the question is none."""
    with pytest.raises(LookupFailedError, match=says):
        from_graphql(body, [FIRST])


def test_a_long_message_is_cut() -> None:
    """The server's words are shown, but not a megabyte of them."""
    with pytest.raises(LookupFailedError) as caught:
        from_graphql(graphql(errors=[{"message": "x" * 10**6}]), [FIRST])
    assert len(str(caught.value)) == 300


def test_repodata() -> None:
    """Each format has a section of its own; what does not stand there may still come."""
    repodata = {
        "packages": {SECOND.file_name: {"sha256": B}, FIRST.file_name: {"sha256": B}},
        "packages.conda": {FIRST.file_name: {"sha256": A}},
    }
    third = FIRST.replace(file_name="third-1-0.conda")
    records = from_repodata(stream(repodata), [FIRST, SECOND, third])
    assert records == {FIRST.key: indexed(A), SECOND.key: indexed(B)}


@pytest.mark.parametrize(
    "repodata",
    [
        {"packages.conda": []},
        {"packages.conda": {FIRST.file_name: {}}},
        {"packages.conda": {FIRST.file_name: None}},
    ],
    ids=repr,
)
def test_repodata_that_does_not_tell(repodata: object) -> None:
    """No entry, or one without a hash: not known."""
    assert from_repodata(stream(repodata), [FIRST]) == {}


@pytest.mark.parametrize("body", [b"<html>", b"{}", b"null", b'"text"', b"5", b"[" * 100_000])
def test_invalid_attestations(body: bytes) -> None:
    """A response that is not a JSON list is a failed look-up, not a missing attestation."""
    with pytest.raises(LookupFailedError, match=r"^the response is not (a JSON array|JSON)$"):
        has_bundle(body, {})


@pytest.mark.parametrize(("body", "expected"), [(b"[]", False), (b'[5, {"a": 1}]', True), (b'[{"a": 2}]', False)])
def test_attestations(body: bytes, expected: bool) -> None:
    """The list must contain exactly the bundle that was sent."""
    assert has_bundle(body, {"a": 1}) is expected


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"data": {}}', b'{"packages": ', DEEP, NUMBER])
def test_what_is_no_repodata(body: bytes) -> None:
    """An error page is no empty channel."""
    with pytest.raises(LookupFailedError) as caught:
        from_repodata(io.BytesIO(body), [FIRST])
    assert caught.value.reason is Reason.MALFORMED


def test_repodata_of_version_3() -> None:
    """Entries are keyed by the file name without its extension (CEP 48)."""
    repodata = {
        "packages.conda": {},
        "v3": {
            "conda": {FIRST.file_name.removesuffix(".conda"): {"sha256": A}},
            "tar.bz2": {SECOND.file_name.removesuffix(".tar.bz2"): {"sha256": B}},
        },
    }
    assert from_repodata(stream(repodata), [FIRST, SECOND]) == {FIRST.key: indexed(A), SECOND.key: indexed(B)}


@pytest.mark.parametrize("size", [1, 7, 2**16])
def test_repodata_in_pieces(size: int) -> None:
    """It does not matter where a piece ends."""
    body = stream({"info": {}, "packages.conda": {FIRST.file_name: {"depends": ["é"], "sha256": A}}, "removed": ["x"]})
    reader = RepodataReader([FIRST.file_name])
    while piece := body.read(size):
        reader.write(piece)
    assert reader.close() == Listing({FIRST.file_name: [Entry(A)]}, frozenset())


@pytest.mark.parametrize(
    ("repodata", "hashes"),
    [
        ('{"packages.conda": {"first-1-0.conda": {"sha256": "A", "sha256": "B"}}}', ["A", "B"]),
        ('{"packages.conda": {"first-1-0.conda": {"sha256": "A"}, "first-1-0.conda": {"sha256": "B"}}}', ["A", "B"]),
        ('{"packages.conda": {"first-1-0.conda": {"sha256": "A"}}, "packages.conda": {}}', ["A"]),
        ('{"packages": {"first-1-0.conda": {"sha256": "A"}}, "v3": {"conda": {"first-1-0": {}}}}', ["A", None]),
        ('{"v3": {"conda": {"first-1-0.conda": {"sha256": "A"}}}}', []),
        ('{"v3": {"tar.bz2": {"first-1-0": {"sha256": "A"}}}}', []),
        ('{"packages": {"first-1-0.conda": {"x": {"sha256": "A"}, "y": [{"sha256": "B"}]}}}', [None]),
        ('{"packages": {"x": {"first-1-0.conda": {"sha256": "A"}}}}', []),
        ('{"packages": {"first-1-0.conda": {}, "x": {"sha256": "A"}}, "sha256": "B"}', [None]),
        ('{"other": {"first-1-0.conda": {"sha256": "A"}}, "packages": {}}', []),
        ('{"packages": [{"first-1-0.conda": {"sha256": "A"}}]}', []),
    ],
)
def test_entries_of_repodata(repodata: str, hashes: list[str | None]) -> None:
    """All entries of a file are found where clients look for them, and nowhere else."""
    reader = RepodataReader(["first-1-0.conda"])
    reader.write(repodata.encode())
    entries = reader.close().entries.get("first-1-0.conda", ())
    assert [entry.sha256 for entry in entries] == hashes


@pytest.mark.parametrize(
    ("removed", "is_removed"),
    [
        ('["first-1-0.conda"]', True),
        ('[["first-1-0.conda"]]', False),
        ('{"a": "first-1-0.conda"}', False),
        ("5", False),
    ],
)
def test_removed_files(removed: str, is_removed: bool) -> None:
    """The list has their names."""
    reader = RepodataReader(["first-1-0.conda"])
    reader.write(f'{{"packages": {{}}, "removed": {removed}}}'.encode())
    assert (reader.close().removed == {"first-1-0.conda"}) is is_removed


def test_repodata_that_lists_a_package_as_removed() -> None:
    """Its entry may remain, but solvers do not choose it."""
    repodata = {"packages.conda": {FIRST.file_name: {"sha256": A}}, "removed": ["other.conda", FIRST.file_name, 1]}
    assert from_repodata(stream(repodata), [FIRST]) == {FIRST.key: indexed(A, withheld="removed from the index")}


@pytest.mark.parametrize(
    ("fields", "withheld"),
    [
        ({"yankedReason": "broken  build"}, "yanked (broken build)"),
        ({"yankedReason": ""}, "yanked"),
        ({"hidden": True}, "hidden"),
        ({"isDownloadBlocked": True}, "blocked from being downloaded"),
        ({"activeQuarantines": [{"action": "YANK", "reason": "malware"}]}, "quarantined (malware)"),
        ({"activeQuarantines": [None]}, "quarantined"),
        ({"yankedReason": "old", "hidden": True}, "yanked (old), hidden"),
        ({"yankedReason": None, "hidden": False, "isDownloadBlocked": False, "activeQuarantines": []}, ""),
        ({"hidden": "yes", "activeQuarantines": {}, "yankedReason": 1}, ""),
    ],
    ids=repr,
)
def test_what_solvers_do_not_get(fields: dict[str, Any], withheld: str) -> None:
    """The record says why a package that is there is not offered."""
    body = graphql(data={"channel": CHANNEL, "package0": {"sha256": A, **fields}})
    record = from_graphql(body, [FIRST]).records[FIRST.key]
    assert record.withheld == withheld
    assert (record.yanked is not None, record.is_hidden) == ("yanked" in withheld, "hidden" in withheld)


@pytest.mark.parametrize(
    ("viewer", "knows_user"),
    [({"login": "octo"}, True), (None, False), (..., None)],
    ids=["known", "unknown", "silent"],
)
def test_whether_the_server_accepted_the_token(viewer: object, knows_user: bool | None) -> None:
    """A viewer that is null means that it did not; a response without one says nothing."""
    data = {"channel": CHANNEL, "package0": None} | ({} if viewer is ... else {"viewer": viewer})
    assert from_graphql(graphql(data=data), [FIRST]).knows_user is knows_user


@pytest.mark.parametrize(
    ("settings", "allows_v3"),
    [
        ({"allowV3Uploads": True}, True),
        ({"allowV3Uploads": False}, False),
        ({"allowV3Uploads": None}, None),
        ({"allowV3Uploads": "no"}, None),
        ({}, None),
        ([], None),
        (None, None),
        (..., None),
    ],
    ids=repr,
)
@pytest.mark.parametrize("errors", [[], [{"message": "no", "path": ["settings", "allowV3Uploads"]}]], ids=["", "error"])
def test_whether_the_channel_takes_packages_for_repodata_v3(
    settings: object, allows_v3: bool | None, errors: list[object]
) -> None:
    """If it is not known, the rest of the response counts all the same."""
    data = {"channel": CHANNEL, "package0": None} | ({} if settings is ... else {"settings": settings})
    result = from_graphql(graphql(data=data, errors=errors), [FIRST])
    assert (result.allows_v3, result.records) == (allows_v3, {FIRST.key: Record(None)})


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"viewer": {"login": "octo"}, "channel": None, "package0": None}, Reason.NO_CHANNEL),
        ({"viewer": None, "channel": None, "package0": None}, Reason.NOT_VISIBLE),
        ({"channel": None, "package0": None}, Reason.NOT_VISIBLE),
    ],
    ids=["known user", "unknown user", "silent"],
)
def test_a_channel_that_is_null(data: dict[str, Any], reason: Reason) -> None:
    """It does not exist for a user whom the server knows; otherwise it may be private."""
    with pytest.raises(LookupFailedError) as caught:
        from_graphql(graphql(data=data), [FIRST])
    assert caught.value.reason is reason
