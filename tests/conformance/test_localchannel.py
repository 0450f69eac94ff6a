"""The local channel's own rules, seen by clients without opinions."""

import http.client
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
import requests
import zstandard

from conformance.support import CHANNEL, DELETE_KEY, KEY, PRIVATE, READ_KEY, Build, Client, session, sha256
from localchannel import Access, Channel, LocalChannel

FILE = "demo-1.0-h0_0.conda"
VARIANT = """
query($c: String!, $p: String!, $s: String!, $f: String!) {
  variant(channelName: $c, packageName: $p, platformName: $s, fileName: $f) {
    filename sha256 md5 size version buildString buildNumber platform createdAt attestationsUrl hidden
  }
}
"""
DEMO = {"c": CHANNEL, "p": "demo", "s": "noarch", "f": FILE}


def test_raw_upload_is_stored(client: Client, build: Build) -> None:
    """The documented form of an upload puts the file on the channel."""
    package = build()
    assert client.upload(package).status_code == 200
    assert client.server.files(CHANNEL) == {f"noarch/{FILE}": sha256(package)}
    (request,) = client.server.uploads
    assert (request.file, request.body_size, request.status) == (FILE, package.stat().st_size, 200)


@pytest.mark.parametrize(
    ("channel", "key", "status"),
    [
        (CHANNEL, None, 401),
        ("nobody", None, 401),
        (CHANNEL, "wrong", 401),
        ("nobody", KEY, 404),
        ("nobody", READ_KEY, 404),
        (CHANNEL, READ_KEY, 403),
        (PRIVATE, KEY, 200),
    ],
)
def test_access_is_checked_first(client: Client, build: Build, channel: str, key: str | None, status: int) -> None:
    """Credentials come before the channel, the channel before the right to write."""
    assert client.upload(build(), channel=channel, key=key).status_code == status


@pytest.mark.parametrize(
    ("headers", "status", "words"),
    [
        ({"X-File-Name": None}, 400, "required"),
        ({"X-File-SHA256": None}, 400, "required"),
        ({"X-File-SHA256": "A" * 64}, 400, "lower-case"),
        ({"X-File-SHA256": "0" * 64}, 422, "X-File-SHA256"),
        ({"X-File-Name": "../demo-1.0-h0_0.conda"}, 400, "file name"),
        ({"X-File-Name": "demo.conda"}, 400, "file name"),
        ({"X-File-Name": "demo-1.0-h0_0.zip"}, 400, "file name"),
        ({"X-File-Name": "demo-2.0-h0_0.conda"}, 422, "index.json says demo-1.0-h0_0"),
        ({"X-File-Name": "demo-1.0-h0_0.tar.bz2"}, 422, "not a readable package"),
    ],
)
def test_claims_are_checked(
    client: Client, build: Build, headers: dict[str, str | None], status: int, words: str
) -> None:
    """What the headers say must fit what the file is; nothing is stored otherwise."""
    answer = client.upload(build(), headers=headers)
    assert (answer.status_code, words in answer.text) == (status, True)
    assert client.server.files(CHANNEL) == {}


def test_garbage_is_no_package(client: Client, tmp_path: Path) -> None:
    """A file that only has the right name is refused."""
    path = tmp_path / FILE
    path.write_bytes(b"no zip")
    assert client.upload(path).status_code == 422


def test_length_is_required(client: Client, build: Build) -> None:
    """A body of unknown length gets 411, and the connection ends since its end is unknown too."""
    package = build()
    answer = client.session.post(
        f"{client.server.url}/api/v1/upload/{CHANNEL}",
        data=iter([package.read_bytes()]),
        headers={
            "Authorization": f"Bearer {KEY}",
            "X-File-Name": package.name,
            "X-File-SHA256": sha256(package),
        },
        timeout=60,
    )
    assert (answer.status_code, answer.headers["Connection"]) == (411, "close")


def test_taken_name_says_nothing_of_bytes(client: Client, build: Build) -> None:
    """409 comes alike for the same and for other bytes."""
    old, new = build(content="old\n"), build(content="new\n")
    answers = [client.upload(package) for package in (old, old, new)]
    assert [answer.status_code for answer in answers] == [200, 409, 409]
    assert answers[1].text == answers[2].text
    assert client.server.sha256(CHANNEL, "noarch", FILE) == sha256(old)


def test_force_replaces_in_the_index_too(client: Client, build: Build) -> None:
    """`force=true` overwrites, and the repodata follows."""
    client.upload(build(content="old\n"))
    client.get(f"{CHANNEL}/noarch/repodata.json")
    new = build(content="new\n")
    assert client.upload(new, query="?force=true").status_code == 200
    index = client.get(f"{CHANNEL}/noarch/repodata.json").json()
    assert index["packages.conda"][FILE]["sha256"] == sha256(new)


def test_one_of_two_concurrent_uploads_wins(server: LocalChannel, build: Build) -> None:
    """Of uploads of one file name at the same time exactly one succeeds."""
    package = build()

    def attempt(_: int) -> int:
        with session() as own:
            return Client(server, own).upload(package).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(attempt, range(8)))
    assert statuses == [200] + [409] * 7


def test_refusal_keeps_the_connection(server: LocalChannel) -> None:
    """The body of a refused upload is read, so the next request can go through the same connection."""
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=60)
    connection.connect()
    connection.auto_open = 0
    with closing(connection):
        for channel, key, status in [(CHANNEL, "wrong", 401), (CHANNEL, READ_KEY, 403), ("nobody", KEY, 404)]:
            head = {"Authorization": f"Bearer {key}"}
            connection.request("POST", f"/api/v1/upload/{channel}", bytes(500_000), head)
            with connection.getresponse() as answer:
                answer.read()
            assert answer.status == status


def form(package: Path, *extra: tuple[str, str], size: int | None = None) -> list[tuple[str, object]]:
    head = {
        "X-File-Name": package.name,
        "X-File-SHA256": sha256(package),
        "Content-Length": str(package.stat().st_size if size is None else size),
    }
    file = (package.name, package.read_bytes(), "application/octet-stream", head)
    return [("file", file), *((name, (None, text)) for name, text in extra)]


def post_form(client: Client, files: list[tuple[str, object]]) -> requests.Response:
    return client.session.post(
        f"{client.server.url}/api/v1/upload/{CHANNEL}",
        files=files,  # type: ignore[arg-type]  # the stubs know no list of parts with headers
        headers={"Authorization": f"Bearer {KEY}"},
        timeout=60,
    )


def test_form_brings_an_attestation(client: Client, build: Build) -> None:
    """The bundle of a multipart upload is kept and served beside the package, as an array."""
    package, bundle = build(), '{"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json"}'
    assert post_form(client, form(package, ("attestation", bundle))).status_code == 200
    assert client.server.sha256(CHANNEL, "noarch", FILE) == sha256(package)
    assert client.server.attestation(CHANNEL, "noarch", FILE) == f"[{bundle}]"
    assert client.get(f"{CHANNEL}/noarch/{FILE}.v0.sigs").json() == [json.loads(bundle)]
    assert client.server.uploads[0].file == FILE


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda package: form(package, size=1), 422),
        (lambda package: form(package, ("attestation", "no JSON")), 422),
        (lambda _: [("other", (None, "x"))], 400),
        (lambda package: form(package) * 2, 400),
    ],
    ids=["wrong length", "attestation is no JSON", "no file", "two files"],
)
def test_form_is_checked(
    client: Client, build: Build, change: Callable[[Path], list[tuple[str, object]]], status: int
) -> None:
    """A form with other parts than it may have, or wrong ones, is refused."""
    assert post_form(client, change(build())).status_code == status
    assert client.server.files(CHANNEL) == {}


def test_variant_tells_the_record(client: Client, build: Build) -> None:
    """GraphQL knows the real hashes and size of a file, and its request is in the journal."""
    package = build()
    client.server.publish(CHANNEL, package)
    record = client.query(VARIANT, DEMO).json()["data"]["variant"]
    assert record["sha256"] == sha256(package)
    assert (record["size"], record["buildNumber"]) == (package.stat().st_size, 0)
    assert len(record["md5"]) == 32
    assert client.server.requests[-1].json["variables"] == DEMO


@pytest.mark.parametrize("other", [{"p": "demon"}, {"s": "linux-64"}, {"c": "nobody"}, {"f": "x-1-0.conda"}])
def test_variant_is_null_for_anything_else(client: Client, build: Build, other: dict[str, str]) -> None:
    """Each of the four names has to be right."""
    client.server.publish(CHANNEL, build())
    assert client.query(VARIANT, {**DEMO, **other}).json() == {"data": {"variant": None}}


def test_query_answers_a_whole_batch(client: Client, build: Build) -> None:
    """Aliases ask for many files in one request."""
    client.server.publish(CHANNEL, build())
    part = '{name}: variant(channelName: $c, packageName: "demo", platformName: $s, fileName: ${name}) {{ size }}'
    names = [f"f{number}" for number in range(300)]
    head = ", ".join(f"${name}: String!" for name in names)
    query = f"query($c: String!, $s: String!, {head}) {{ {' '.join(part.format(name=name) for name in names)} }}"
    variables = {"c": CHANNEL, "s": "noarch"} | dict.fromkeys(names, "other-1-0.conda") | {"f7": FILE}
    data = client.query(query, variables).json()["data"]
    assert [name for name in names if data[name]] == ["f7"]


def test_invalid_query_is_an_error_in_the_answer(client: Client) -> None:
    """A query that does not fit the schema gets 200 with `errors`, one that is no JSON gets 400."""
    assert "errors" in client.query("{ nonsense }", {}).json()
    url = f"{client.server.url}/api/graphql"
    assert client.session.post(url, data=b"<html>", timeout=60).status_code == 400


def test_private_channel_hides_from_strangers(client: Client, build: Build) -> None:
    """Without a valid key a private channel has no record, no variant and no files."""
    client.server.publish(PRIVATE, build())
    channel, variables = "query($c: String!) { channel(name: $c) { isPublic } }", {**DEMO, "c": PRIVATE}
    for key, seen in [(None, False), ("wrong", False), (READ_KEY, True)]:
        assert bool(client.query(channel, {"c": PRIVATE}, key).json()["data"]["channel"]) is seen
        assert bool(client.query(VARIANT, variables, key).json()["data"]["variant"]) is seen
        for file in (FILE, "repodata.json"):
            assert client.get(f"{PRIVATE}/noarch/{file}", key).status_code == (200 if seen else 401)


def test_viewer_is_the_key_s_owner(client: Client) -> None:
    """`viewer` is null for strangers."""
    answers = [client.query("{ viewer { login } }", {}, key).json()["data"]["viewer"] for key in (None, KEY)]
    assert answers == [None, {"login": "local"}]


def test_reads_go_to_the_other_origin(client: Client, build: Build) -> None:
    """A read is a 303 to a signed link on another origin, and no other link works there."""
    package = build()
    client.server.publish(CHANNEL, package)
    redirect = client.get(f"{CHANNEL}/noarch/{FILE}", follow=False)
    link = redirect.headers["Location"]
    assert redirect.status_code == 303
    assert link.startswith(f"{client.server.storage_url}/{CHANNEL}/noarch/{FILE}?signature=")
    assert client.session.get(link, timeout=60).content == package.read_bytes()
    head = client.session.head(link, timeout=60)
    assert (head.headers["Content-Length"], head.content) == (str(package.stat().st_size), b"")
    for forged in (link.split("?")[0], link[:-1] + ("0" if link[-1] != "0" else "1")):
        assert client.session.get(forged, timeout=60).status_code == 403


def test_missing_things_are_not_found(client: Client) -> None:
    """Unknown channels, files and endpoints are 404."""
    for path in (
        "nobody/noarch/repodata.json",
        f"{CHANNEL}/noarch/{FILE}",
        "api/v2/x",
        "api/v1/upload/x",
        "channels/nobody",
    ):
        assert client.get(path).status_code == 404


def test_empty_channel_has_an_index(client: Client) -> None:
    """`noarch/repodata.json` is always there, plain and compressed."""
    plain = client.get(f"{CHANNEL}/noarch/repodata.json")
    packed = client.get(f"{CHANNEL}/noarch/repodata.json.zst")
    assert plain.json()["packages.conda"] == {}
    assert zstandard.ZstdDecompressor().decompressobj().decompress(packed.content) == plain.content


def test_deleted_package_is_gone(client: Client, build: Build) -> None:
    """DELETE takes a package from the channel and its index, for keys that may delete."""
    client.upload(build())
    url = f"{client.server.url}/api/v1/delete/{CHANNEL}/noarch/{FILE}"
    statuses = [
        client.session.delete(url, headers={"Authorization": f"Bearer {key}"}, timeout=60).status_code
        for key in ("wrong", READ_KEY, KEY, DELETE_KEY, DELETE_KEY)
    ]
    assert statuses == [401, 403, 403, 204, 404]
    assert client.get(f"{CHANNEL}/noarch/repodata.json").json()["packages.conda"] == {}


def test_yanked_package_says_so(client: Client, build: Build) -> None:
    """A key that may write yanks a package for a reason and takes it back."""
    client.upload(build())
    seen = []
    for verb, body, key in [
        ("yank", {"reason": "broken"}, "wrong"),
        ("yank", {"reason": "broken"}, READ_KEY),
        ("yank", {}, KEY),
        ("yank", {"reason": "broken"}, KEY),
        ("unyank", None, KEY),
    ]:
        url = f"{client.server.url}/api/v1/{verb}/{CHANNEL}/noarch/{FILE}"
        answer = client.session.post(url, json=body, headers={"Authorization": f"Bearer {key}"}, timeout=60)
        seen.append((answer.status_code, client.server.state(CHANNEL, "noarch", FILE)[0]))
    assert seen == [(401, None), (403, None), (400, None), (200, "broken"), (200, None)]


def test_lists_come_in_pages(client: Client, build: Build) -> None:
    """Pages start at 0 and have at most so many entries; hidden files are listed for those who ask for them."""
    for name in ("a", "b", "c"):
        client.server.publish(CHANNEL, build(name))
    client.server.change(CHANNEL, "noarch", "a-1.0-h0_0.conda", hidden=True)
    names = """query($c: String!, $page: Int) { channel(name: $c) {
        packages(limit: 2, page: $page, orderBy: {byField: {field: NAME}}) { page { name } current pages totalCount }
    } }"""
    pages = [
        client.query(names, {"c": CHANNEL, "page": page}).json()["data"]["channel"]["packages"] for page in (0, 1, 2)
    ]
    assert [[entry["name"] for entry in page["page"]] for page in pages] == [["a", "b"], ["c"], []]
    assert [(page["current"], page["pages"], page["totalCount"]) for page in pages] == [(0, 2, 3), (1, 2, 3), (2, 2, 3)]
    files = """query($c: String!, $hidden: Boolean) {
        package(channelName: $c, name: "a") { variants(includeHidden: $hidden) { page { filename hidden } } }
    }"""
    counts = [
        len(client.query(files, {"c": CHANNEL, "hidden": hidden}).json()["data"]["package"]["variants"]["page"])
        for hidden in (True, False)
    ]
    assert counts == [1, 0]


def test_server_can_lie(client: Client, build: Build) -> None:
    """`tamper` changes fields of one record, denies it, or invents one."""
    client.server.publish(CHANNEL, build())
    for lie, reported in [({"sha256": "0" * 64}, "0" * 64), (None, None)]:
        client.server.tamper(CHANNEL, "noarch", FILE, lie)
        record = client.query(VARIANT, DEMO).json()["data"]["variant"]
        assert (record and record["sha256"]) == reported


def test_index_can_be_frozen(client: Client, build: Build) -> None:
    """A frozen index does not see what comes after, a thawed one does."""
    seen = []
    client.server.freeze_index(CHANNEL)
    client.server.publish(CHANNEL, build())
    for frozen in (True, False):
        client.server.freeze_index(CHANNEL, frozen)
        seen.append(list(client.get(f"{CHANNEL}/noarch/repodata.json").json()["packages.conda"]))
    assert seen == [[], [FILE]]


def test_channel_outlives_the_server(tmp_path: Path, build: Build) -> None:
    """A server started on the same folder has the packages of the one before."""
    root, package = tmp_path / "root", build()
    with LocalChannel(root, {"ns": Channel()}, {}) as first:
        first.publish("ns", package)
    with LocalChannel(root, {"ns": Channel()}, {}) as second:
        assert second.files("ns") == {f"noarch/{FILE}": sha256(package)}


def test_latency_slows_uploads_only(tmp_path: Path, build: Build) -> None:
    """With `latency` an upload takes at least that long, refused ones too."""
    channels, keys = {CHANNEL: Channel()}, {KEY: Access.READ_WRITE}
    with LocalChannel(tmp_path / "root", channels, keys, latency=0.2) as server:
        client, package = Client(server), build()
        with client.session:
            assert client.upload(package).elapsed.total_seconds() >= 0.2
            assert client.upload(package, key="wrong").elapsed.total_seconds() >= 0.2
