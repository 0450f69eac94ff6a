"""The files that a channel lists, whatever changes meanwhile."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from graphql import build_schema, parse, validate

from localchannel import Answer, At, Call, Fault
from localchannel.schema import SDL
from prefix_upload.prefix_dev.listing import ChannelListing
from prefix_upload.prefix_dev.responses import LookupFailedError, Reason
from support.running import CHANNEL

if TYPE_CHECKING:
    from collections.abc import Callable

    from localchannel import LocalChannel
    from prefix_upload.package.channel_file import ChannelFile
    from support.connecting import Connect

GRAPHQL = "/api/graphql"
START = datetime(2026, 1, 1, tzinfo=UTC)
MALFORMED: list[Any] = [
    {"data": {}},
    {"data": None},
    {"data": {"channel": {}, "package0": {}}},
    {"data": {"channel": {}, "package0": []}},
    {"data": {"channel": {}, "package0": {"variants": {"page": [], "pages": "1"}}}},
    {"data": {"channel": {}, "package0": {"variants": {"page": [1], "pages": 1}}}},
    {"data": {"channel": {}, "package0": {"variants": {"page": [{"filename": 1}], "pages": 1}}}},
    [],
]


@pytest.fixture
def listing(connect: Connect) -> ChannelListing:
    """The listing of the channel."""
    return ChannelListing(connect(retries=0).queries, CHANNEL)


@pytest.fixture
def fill(server: LocalChannel) -> Callable[..., None]:
    """Puts so many builds of packages on the channel, each a second after the one before."""
    count = 0

    def put(*names: str, builds: int = 1, subdir: str = "noarch") -> None:
        nonlocal count
        for name in names:
            for build in range(builds):
                count += 1
                created = START + timedelta(seconds=count)
                server.invent(CHANNEL, f"{name}-1.0-{build}.conda", subdir, created=created, size=count)

    return put


def labels(files: list[ChannelFile]) -> list[str]:
    """What the files are, each once."""
    found = [file.label for file in files]
    assert len(set(found)) == len(found)
    return sorted(found)


def test_everything_is_listed(server: LocalChannel, fill: Callable[..., None], listing: ChannelListing) -> None:
    """Packages and files come in pages of some size, and none is missing."""
    fill(*(f"package-{number}" for number in range(25)), builds=7)
    fill("package-3", builds=30, subdir="linux-64")
    server.page_size(4)
    assert labels(list(listing.files())) == sorted(server.files(CHANNEL))
    assert labels(list(listing.files(["package-3", "package-24", "missing"]))) == sorted(
        name for name in server.files(CHANNEL) if "/package-3-" in name or "/package-24-" in name
    )


def test_what_a_file_is(server: LocalChannel, fill: Callable[..., None], listing: ChannelListing) -> None:
    """Its names, size, hash and age, and what keeps solvers from it; hidden files are listed, too."""
    fill("demo", subdir="linux-64")
    server.change(CHANNEL, "linux-64", "demo-1.0-0.conda", yanked="broken", hidden=True)
    (file,) = listing.files()
    assert (file.name, file.version, file.build, file.subdir, file.size) == ("demo", "1.0", "0", "linux-64", 1)
    assert file.sha256 == server.sha256(CHANNEL, "linux-64", "demo-1.0-0.conda")
    assert file.created == START + timedelta(seconds=1)
    assert file.withheld == "yanked (broken), hidden"


def test_several_packages_in_a_request(
    server: LocalChannel, fill: Callable[..., None], listing: ChannelListing
) -> None:
    """The number of requests does not grow with each package."""
    fill(*(f"package-{number}" for number in range(30)))
    list(listing.files())
    assert len(server.requests) == 1 + 3


def test_the_queries_are_valid(server: LocalChannel, fill: Callable[..., None], listing: ChannelListing) -> None:
    """By the server's schema, and names are no part of them."""
    fill("demo")
    list(listing.files(['") { x }', "demo"]))
    listing.subdirs()
    for request in server.requests:
        assert validate(build_schema(SDL), parse(request.json["query"])) == []
        assert "demo" not in request.json["query"]
        assert request.json["variables"]["channel"] == CHANNEL


@pytest.mark.parametrize("request_number", range(5))
def test_what_changes_meanwhile(
    server: LocalChannel, fill: Callable[..., None], listing: ChannelListing, request_number: int
) -> None:
    """What stays is listed once, however pages shift; what comes or goes may be listed or not."""
    fill("a", "b", "c", "d", builds=5)
    server.page_size(2)
    before = set(server.files(CHANNEL))
    seen = 0

    def change() -> None:
        nonlocal seen
        if seen == request_number:
            fill("aa", "bb", builds=2)
            fill("c", builds=3, subdir="linux-64")
            for build in (0, 3):
                server.remove(CHANNEL, "noarch", f"b-1.0-{build}.conda")
            server.remove(CHANNEL, "noarch", "d-1.0-4.conda")
        seen += 1

    server.fail(Fault(Call(change), path=GRAPHQL, times=None))
    listed = set(labels(list(listing.files())))
    after = set(server.files(CHANNEL))
    assert seen > request_number
    assert listed <= before | after
    # Pages that shift towards the start may skip what stays, but only of the packages that lose files.
    assert {name for name in before & after if "/b-" not in name and "/d-" not in name} <= listed


def test_a_package_that_is_gone_meanwhile(
    server: LocalChannel, fill: Callable[..., None], listing: ChannelListing
) -> None:
    """It has no files."""
    fill("a", "b")
    server.fail(Fault(Call(lambda: server.remove(CHANNEL, "noarch", "a-1.0-0.conda")), at=At.DONE, path=GRAPHQL))
    assert labels(list(listing.files())) == ["noarch/b-1.0-0.conda"]


@pytest.mark.parametrize("number", range(3))
def test_a_page_that_fails(
    server: LocalChannel, fill: Callable[..., None], listing: ChannelListing, number: int
) -> None:
    """A listing of a part would pass for all there is, so there is none."""
    fill("a", "b", builds=3)
    server.page_size(2)
    if number:
        server.fail(Fault(Call(lambda: None), path=GRAPHQL, times=number))
    server.fail(Fault(Answer(500, "no"), path=GRAPHQL, times=None))
    with pytest.raises(LookupFailedError) as caught:
        list(listing.files())
    assert caught.value.reason is Reason.UNAVAILABLE


def test_a_field_that_fails(server: LocalChannel, fill: Callable[..., None], listing: ChannelListing) -> None:
    """A package that the server could not list is not one without files."""
    fill("a")
    body = {
        "data": {"viewer": None, "channel": {}, "package0": None},
        "errors": [{"message": "x", "path": ["package0"]}],
    }
    server.fail(Fault(Answer(200, json.dumps(body)), path=GRAPHQL))
    with pytest.raises(LookupFailedError, match="x"):
        list(listing.files(["a"]))


@pytest.mark.parametrize("body", MALFORMED, ids=json.dumps)
def test_an_answer_that_is_none(server: LocalChannel, listing: ChannelListing, body: object) -> None:
    """Neither an error page nor half an answer means that there are no files."""
    server.fail(Fault(Answer(200, json.dumps(body)), path=GRAPHQL))
    with pytest.raises(LookupFailedError) as caught:
        list(listing.files(["a"]))
    assert caught.value.reason is Reason.MALFORMED


@pytest.mark.parametrize(
    "listed",
    [None, {}, {"packages": None}, {"packages": {"page": [{"name": 1}], "pages": 1}}, {"packages": {"page": []}}],
)
def test_names_that_are_none(server: LocalChannel, listing: ChannelListing, listed: object) -> None:
    """The same goes for the list of packages."""
    server.fail(Fault(Answer(200, json.dumps({"data": {"channel": {}, "listed": listed}})), path=GRAPHQL))
    with pytest.raises(LookupFailedError) as caught:
        list(listing.files())
    assert caught.value.reason is Reason.MALFORMED


def test_a_list_without_an_end(server: LocalChannel, listing: ChannelListing) -> None:
    """A server that always promises another page is asked until it has nothing new to say, and the listing fails."""
    page = {"page": [{"name": "a"}], "pages": 10**9}
    server.fail(
        Fault(Answer(200, json.dumps({"data": {"channel": {}, "listed": {"packages": page}}})), path=GRAPHQL, times=2)
    )
    with pytest.raises(LookupFailedError, match="pages of the listing do not fit together"):
        list(listing.files())
    assert len(server.requests) == 2


def entry(file_name: str, subdir: str = "noarch", size: int = 1) -> dict[str, object]:
    """A file as a server lists it."""
    fields = {"filename": file_name, "platform": subdir, "version": "1", "buildString": "0", "buildNumber": 0}
    return fields | {"size": size, "sha256": "a" * 64}


PAGES = {
    "is empty, and others follow": {"page": [], "pages": 3},
    "repeats the first one, and others follow": {"page": [entry("a-1-0.conda")], "pages": 3},
    "is beyond the last one, but has files": {"page": [entry("a-2-0.conda")], "pages": 1},
    "is one of none, but has files": {"page": [entry("a-2-0.conda")], "pages": 0},
    "is one of less than none": {"page": [entry("a-2-0.conda")], "pages": -1},
}


@pytest.mark.parametrize("second", PAGES.values(), ids=PAGES)
def test_pages_that_do_not_fit_together(
    server: LocalChannel, listing: ChannelListing, second: dict[str, object]
) -> None:
    """The second of three: files are missing, so the listing fails."""
    for page in ({"page": [entry("a-1-0.conda")], "pages": 3}, second):
        data = {"channel": {}, "package0": {"variants": page}}
        server.fail(Fault(Answer(200, json.dumps({"data": data})), path=GRAPHQL))
    with pytest.raises(LookupFailedError) as caught:
        list(listing.files(["a"]))
    assert caught.value.reason is Reason.MALFORMED


def test_a_list_that_became_shorter(server: LocalChannel, listing: ChannelListing) -> None:
    """Files were deleted after the first page was read."""
    for page in ({"page": [entry("a-1-0.conda")], "pages": 3}, {"page": [], "pages": 1}):
        data = {"channel": {}, "package0": {"variants": page}}
        server.fail(Fault(Answer(200, json.dumps({"data": data})), path=GRAPHQL))
    assert [file.file_name for file in listing.files(["a"])] == ["a-1-0.conda"]


@pytest.mark.parametrize(
    "odd",
    [
        entry(".conda"),
        entry("...tar.bz2"),
        entry("a.conda"),
        entry("other-1-0.conda"),
        entry("a-1-0/../b.conda"),
        entry("a-1-0\\b.conda"),
        entry("a-1\ud800-0.conda"),
        entry("a-1\n-0.conda"),
        entry("a-1-0.conda", ".."),
        entry("a-1-0.conda", "linux/64"),
        entry("a-1-0.conda", "\ud800"),
        entry("a-1-0.conda", size=-1),
        entry("a-1-0.conda", size=10**4299),
    ],
    ids=repr,
)
def test_files_that_can_not_be_of_the_package(
    server: LocalChannel, listing: ChannelListing, odd: dict[str, object]
) -> None:
    """Their names would become a part of the requests that delete them."""
    data = {"channel": {}, "package0": {"variants": {"page": [odd], "pages": 1}}}
    server.fail(Fault(Answer(200, json.dumps({"data": data})), path=GRAPHQL))
    with pytest.raises(LookupFailedError, match="does not have the requested data"):
        list(listing.files(["a"]))


@pytest.mark.parametrize("name", ["", "..", "a-1-0", "a-1-0.zip", "a-1-py3-none-any.whl"])
def test_files_that_are_no_conda_packages(server: LocalChannel, listing: ChannelListing, name: str) -> None:
    """They are left out, also where a page has nothing else."""
    for page in ([entry(name)], [entry("a-1-0.conda")]):
        data = {"channel": {}, "package0": {"variants": {"page": page, "pages": 2}}}
        server.fail(Fault(Answer(200, json.dumps({"data": data})), path=GRAPHQL))
    assert [file.file_name for file in listing.files(["a"])] == ["a-1-0.conda"]


def test_upper_case_in_a_name(server: LocalChannel, listing: ChannelListing) -> None:
    """The server may list a package by its name in lower case."""
    data = {"channel": {}, "package0": {"variants": {"page": [entry("A-1-0.tar.bz2")], "pages": 1}}}
    server.fail(Fault(Answer(200, json.dumps({"data": data})), path=GRAPHQL))
    assert [file.file_name for file in listing.files(["a"])] == ["A-1-0.tar.bz2"]


@pytest.mark.parametrize(("viewer", "reason"), [({"login": "me"}, Reason.NO_CHANNEL), (None, Reason.NOT_VISIBLE)])
def test_a_channel_that_is_not_there(
    server: LocalChannel, listing: ChannelListing, viewer: object, reason: Reason
) -> None:
    """It may be private if the server does not know who is asking."""
    server.fail(
        Fault(Answer(200, json.dumps({"data": {"viewer": viewer, "channel": None, "listed": None}})), path=GRAPHQL)
    )
    with pytest.raises(LookupFailedError) as caught:
        list(listing.files())
    assert caught.value.reason is reason


def test_subdirs(server: LocalChannel, fill: Callable[..., None], listing: ChannelListing) -> None:
    """Each subdir that has a package, once."""
    fill("a", "b", "c")
    fill("c", subdir="linux-64")
    server.page_size(1)
    assert listing.subdirs() == ["linux-64", "noarch"]
    server.fail(
        Fault(
            Answer(
                200,
                json.dumps({"data": {"channel": {}, "listed": {"packages": {"page": [{"name": "a"}], "pages": 1}}}}),
            ),
            path=GRAPHQL,
        )
    )
    with pytest.raises(LookupFailedError):
        listing.subdirs()
