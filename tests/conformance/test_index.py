"""The local channel's index: real clients read it, and it lags and lies as tests want it to."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
import requests

from conformance.support import CHANNEL, KEY, PRIVATE, READ_KEY, Build, Client, sha256
from localchannel import Answer, Fault
from localchannel.shards import unpacked
from support.installing import install

FILE = "demo-1.0-h0_0.conda"
REPODATA = f"{CHANNEL}/noarch/repodata.json"
SHARDS = f"{CHANNEL}/noarch/repodata_shards.msgpack.zst"


def listed(client: Client) -> tuple[str | None, str | None]:
    """The hash of the package in `repodata.json` and in the shards."""
    entry = client.get(REPODATA).json()["packages.conda"].get(FILE, {})
    index = unpacked(client.get(SHARDS).content)
    if "demo" not in index["shards"]:
        return entry.get("sha256"), None
    content = client.get(f"{CHANNEL}/noarch/shards/{index['shards']['demo'].hex()}.msgpack.zst").content
    shard = unpacked(content)
    assert hashlib.sha256(content).digest() == index["shards"]["demo"]
    found = shard["packages.conda"].get(FILE)
    return entry.get("sha256"), found and found["sha256"].hex()


@pytest.mark.parametrize("is_moved", [False, True], ids=["beside the index", "on another host"])
def test_a_real_client_reads_the_shards(client: Client, build: Build, tmp_path: Path, is_moved: bool) -> None:
    """A package is installed by rattler although there is no `repodata.json` to fall back to."""
    client.server.publish(CHANNEL, build())
    if is_moved:
        client.server.move_shards(CHANNEL)
    client.server.fail(Fault(Answer(500), path="/noarch/repodata.json", times=None))
    prefix = install(f"{client.server.url}/{CHANNEL}", "demo", tmp_path)
    assert (prefix / "share" / "demo.txt").read_text() == "hello\n"
    origins = {request.origin for request in client.server.requests if f"/shards/{CHANNEL}/" in request.path}
    assert origins == ({"storage"} if is_moved else set())


def test_a_real_client_reads_repodata_without_shards(client: Client, build: Build, tmp_path: Path) -> None:
    """The same client falls back after a 404."""
    client.server.publish(CHANNEL, build())
    client.server.fail(Fault(Answer(404), path="repodata_shards", times=None))
    assert install(f"{client.server.url}/{CHANNEL}", "demo", tmp_path).is_dir()


def test_a_real_client_fails_if_a_shard_is_missing(client: Client, build: Build, tmp_path: Path) -> None:
    """It does not fall back if the index of the shards is there."""
    client.server.publish(CHANNEL, build())
    client.server.fail(Fault(Answer(404), path="/shards/", times=None))
    with pytest.raises(Exception, match="404"):
        install(f"{client.server.url}/{CHANNEL}", "demo", tmp_path)


def test_shards_and_repodata_agree(client: Client, build: Build) -> None:
    """Both list a package with its hash."""
    package = build()
    client.server.publish(CHANNEL, package)
    assert listed(client) == (sha256(package), sha256(package))


@pytest.mark.parametrize("path", [REPODATA, SHARDS])
def test_conditional_requests(client: Client, build: Build, path: str) -> None:
    """An index file with the client's `ETag` is not sent again, a changed one is."""
    first = client.get(path)

    def again() -> requests.Response:
        headers = {"If-None-Match": first.headers["ETag"]}
        return client.session.get(f"{client.server.url}/{path}", headers=headers, timeout=60)

    unchanged = again()
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    client.server.publish(CHANNEL, build())
    assert again().status_code == 200


@pytest.mark.parametrize(
    ("channel", "key", "status"),
    [(CHANNEL, KEY, 202), (PRIVATE, KEY, 202), (CHANNEL, None, 401), (CHANNEL, READ_KEY, 403), ("nobody", KEY, 404)],
)
def test_who_may_reindex(client: Client, channel: str, key: str | None, status: int) -> None:
    """As who may write."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    url = f"{client.server.url}/api/v1/reindex/{channel}/noarch"
    assert client.session.post(url, headers=headers, timeout=60).status_code == status


@pytest.mark.parametrize("is_stuck", [False, True])
def test_reindexing(client: Client, build: Build, is_stuck: bool) -> None:
    """It updates a frozen index, unless that is stuck, and only that of the subdir."""
    client.server.publish(CHANNEL, build("native", subdir="linux-64"))
    client.server.freeze_index(CHANNEL, is_stuck=is_stuck)
    package = build()
    client.server.publish(CHANNEL, package)
    client.server.publish(CHANNEL, build("other", subdir="linux-64"))
    assert listed(client) == (None, None)
    headers = {"Authorization": f"Bearer {KEY}"}
    client.session.post(f"{client.server.url}/api/v1/reindex/{CHANNEL}/noarch", headers=headers, timeout=60)
    assert listed(client) == ((None, None) if is_stuck else (sha256(package), sha256(package)))
    native = client.get(f"{CHANNEL}/linux-64/repodata.json").json()
    assert list(native["packages.conda"]) == ["native-1.0-h0_0.conda"]
    client.server.heal()
    assert listed(client) == (sha256(package), sha256(package))


@pytest.mark.parametrize("part", ["repodata", "shards"])
def test_a_part_of_the_index_can_be_stale(client: Client, build: Build, part: Any) -> None:
    """The other part follows."""
    package = build()
    client.server.freeze_index(CHANNEL, parts=[part])
    client.server.publish(CHANNEL, package)
    assert listed(client) == ((None, sha256(package)) if part == "repodata" else (sha256(package), None))


@pytest.mark.parametrize("part", ["repodata", "shards"])
def test_a_part_of_the_index_can_lie(client: Client, build: Build, part: Any) -> None:
    """The address of a shard is its hash all the same."""
    package = build()
    client.server.publish(CHANNEL, package)
    client.server.edit_index(CHANNEL, "noarch", FILE, {"sha256": "0" * 64}, parts=[part])
    expected = ["0" * 64, sha256(package)]
    assert listed(client) == tuple(expected if part == "repodata" else reversed(expected))
    client.server.edit_index(CHANNEL, "noarch", FILE, None, parts=[part])
    assert listed(client).count(None) == 1


def test_the_index_can_lag(client: Client, build: Build) -> None:
    """Each file is as it was before, for as many looks."""
    client.server.freeze_index(CHANNEL)
    client.server.freeze_index(CHANNEL, frozen=False)
    client.server.lag_index(CHANNEL, 2)
    client.server.publish(CHANNEL, build())
    seen = [bool(client.get(REPODATA).json()["packages.conda"]) for _ in range(3)]
    assert seen == [False, False, True]
    seen = [bool(unpacked(client.get(SHARDS).content)["shards"]) for _ in range(3)]
    assert seen == [False, False, True]
