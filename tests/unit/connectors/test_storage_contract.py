"""What every storage owes, run over each adapter; then what only one of them does."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from smyth.aws.storage import BucketStorage
from smyth.connectors.storage.folder import FolderStorage
from smyth.connectors.storage.port import ListedObject, Storage, StorageError, StoredObject

from .conftest import Clock, Cloud

KEY = "files/a/b ü.txt"


def storage_of(request: pytest.FixtureRequest, clock: Clock, tenant: str) -> Storage:
    if request.param == "folder":
        return FolderStorage(request.getfixturevalue("tmp_path"), tenant, clock=clock)
    cloud: Cloud = request.getfixturevalue("cloud")
    return BucketStorage(cloud.bucket, tenant, clock=clock)


@pytest.fixture(params=["folder", "bucket"])
def both(request: pytest.FixtureRequest, clock: Clock) -> tuple[Storage, Storage]:
    """The storages of two tenants in one place."""
    return storage_of(request, clock, "ten-a"), storage_of(request, clock, "ten-b")


@pytest.fixture
def storage(both: tuple[Storage, Storage]) -> Storage:
    return both[0]


def keys(found: list[ListedObject]) -> list[str]:
    return [one.key for one in found]


def test_what_was_put_is_had_again_with_all_that_was_said_of_it(storage: Storage) -> None:
    info = storage.put(KEY, b"\x00hello", "text/x-thing", metadata={"made-by": "Grüße"})
    assert (info.key, info.size, info.content_type, info.metadata) == (KEY, 6, "text/x-thing", {"made-by": "Grüße"})
    assert storage.get(KEY) == StoredObject(info, b"\x00hello")
    assert storage.head(KEY) == info


def test_what_is_not_there_is_none(storage: Storage) -> None:
    assert storage.get(KEY) is None
    assert storage.head(KEY) is None
    assert storage.start(KEY, 10) == b""
    assert storage.list_objects("") == []
    storage.delete(KEY)


def test_a_second_put_replaces_all_of_the_first(storage: Storage) -> None:
    first = storage.put(KEY, b"one", "text/plain", metadata={"a": "1"}, seconds=60)
    second = storage.put(KEY, b"other", "image/png")
    assert first.etag != second.etag
    assert storage.get(KEY) == StoredObject(second, b"other")
    assert (second.metadata, second.ends) == ({}, None)
    assert storage.list_objects("") == [ListedObject(KEY, 5)]


def test_an_object_is_gone_when_its_time_is_over(storage: Storage, clock: Clock) -> None:
    storage.put(KEY, b"x", "text/plain", seconds=60)
    clock.now += 59
    assert storage.head(KEY) is not None
    clock.now += 1
    assert storage.get(KEY) is None
    assert storage.head(KEY) is None


def test_a_deleted_object_is_gone_and_its_neighbours_stay(storage: Storage) -> None:
    for key in ("a", "a/b", "a/b/c"):
        storage.put(key, key.encode(), "text/plain")
    storage.delete("a/b")
    assert storage.get("a/b") is None
    assert keys(storage.list_objects("")) == ["a", "a/b/c"]
    storage.delete("a/b/c")
    storage.delete("a")
    assert storage.list_objects("") == []


def test_objects_are_listed_by_prefix_in_the_order_of_bytes_page_by_page(storage: Storage) -> None:
    # "-" comes before "/", and capitals before small letters.
    for key in ("x/b", "x/a/z", "x/a-b", "x/B", "x/ü", "y/a", "xy"):
        storage.put(key, b"12", "text/plain")
    assert keys(storage.list_objects("x/")) == ["x/B", "x/a-b", "x/a/z", "x/b", "x/ü"]
    assert keys(storage.list_objects("x/", limit=2)) == ["x/B", "x/a-b"]
    assert keys(storage.list_objects("x/", after="x/a-b", limit=2)) == ["x/a/z", "x/b"]
    assert storage.list_objects("x/", after="x/b") == [ListedObject("x/ü", 2)]
    assert keys(storage.list_objects("x")) == ["x/B", "x/a-b", "x/a/z", "x/b", "x/ü", "xy"]


def test_a_beginning_is_read_alone(storage: Storage) -> None:
    storage.put(KEY, b"0123456789", "text/plain")
    storage.put("empty", b"", "text/plain")
    assert storage.start(KEY, 4) == b"0123"
    assert storage.start(KEY, 40) == b"0123456789"
    assert storage.start("empty", 4) == b""


def test_more_than_was_asked_for_is_not_read(storage: Storage) -> None:
    storage.put(KEY, b"12345", "text/plain")
    assert storage.get(KEY, most=5) is not None
    with pytest.raises(StorageError, match="5 bytes; up to 4"):
        storage.get(KEY, most=4)


def test_a_download_has_an_address(storage: Storage) -> None:
    storage.put(KEY, b"x", "text/plain")
    assert storage.download_url(KEY, "ä.txt", seconds=60).startswith(("file:///", "https://"))


def test_tenants_do_not_see_each_others_objects(both: tuple[Storage, Storage]) -> None:
    ours, theirs = both
    ours.put(KEY, b"ours", "text/plain")
    assert theirs.get(KEY) is None
    assert theirs.list_objects("") == []
    theirs.delete(KEY)
    assert ours.get(KEY) is not None


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/etc/passwd",
        "../ten-b/files/x",
        "files/../../x",
        "files/./x",
        "files//x",
        "files/",
        "files/...",
        "..",
        "a\\..\\b",
        "a\x00b",
        "a\nb",
        "half \ud83d",
        "x/" * 500,
        "ü" * 460,
    ],
)
def test_keys_that_could_lead_elsewhere_are_refused(storage: Storage, key: str) -> None:
    for attempt in (
        lambda: storage.put(key, b"x", "text/plain"),
        lambda: storage.get(key),
        lambda: storage.head(key),
        lambda: storage.delete(key),
        lambda: storage.start(key, 1),
    ):
        with pytest.raises(StorageError):
            attempt()
    assert storage.list_objects("") == []


@pytest.mark.parametrize(
    "key",
    [
        *("%2e%2e/x", "~about.json", "a/~about.json", "~lock", "con", "a?versionId=1", "é", "e\u0301"),
        *("x" * 300, "日" * 250, "\u202egpj.exe", "a:b", "*", " "),
    ],
)
def test_odd_names_are_only_names(storage: Storage, key: str) -> None:
    storage.put(key, b"odd", "text/plain")
    found = storage.get(key)
    assert found is not None
    assert (found.info.key, found.content) == (key, b"odd")
    assert keys(storage.list_objects("")) == [key]
    storage.delete(key)
    assert storage.list_objects("") == []


@pytest.mark.parametrize("tenant", ["..", "", "a/../b", "/abs"])
def test_a_tenant_is_no_way_out(tmp_path: Path, cloud: Cloud, tenant: str) -> None:
    with pytest.raises(StorageError):
        FolderStorage(tmp_path, tenant)
    with pytest.raises(StorageError):
        BucketStorage(cloud.bucket, tenant)


def test_readers_of_a_folder_get_whole_objects_while_others_write(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path, "ten-a")
    contents = [bytes([number]) * 40_000 for number in range(4)]
    storage.put(KEY, contents[0], "text/plain", metadata={"n": "0"})

    def write(number: int) -> None:
        for _ in range(10):
            storage.put(KEY, contents[number], "text/plain", metadata={"n": str(number)})

    def read(_: int) -> bool:
        found = [storage.get(KEY) for _ in range(40)]
        return all(one is not None and one.content == contents[int(one.info.metadata["n"])] for one in found)

    with ThreadPoolExecutor(8) as threads:
        writing = [threads.submit(write, number) for number in range(4)]
        assert all(threads.map(read, range(4)))
        for one in writing:
            one.result()
    # Of what was replaced nothing is left.
    place = tmp_path / "ten-a" / "files" / "a"
    assert len([path for path in place.rglob("*") if path.is_file()]) == 2


def test_a_write_to_a_folder_that_was_cut_off_leaves_the_old_object(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = FolderStorage(tmp_path, "ten-a")
    old = storage.put(KEY, b"old", "text/plain")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", _power_cut)
        with pytest.raises(OSError, match="power"):
            storage.put(KEY, b"new", "text/plain")
    assert storage.get(KEY) == StoredObject(old, b"old")


def test_only_its_owner_looks_into_a_folder(tmp_path: Path) -> None:
    FolderStorage(tmp_path / "data", "ten-a").put(KEY, b"x", "text/plain")
    assert stat.S_IMODE((tmp_path / "data" / "ten-a").stat().st_mode) == 0o700


def test_the_bucket_is_told_when_to_delete(cloud: Cloud, clock: Clock) -> None:
    BucketStorage(cloud.bucket, "ten-a", clock=clock).put(KEY, b"x", "text/plain", seconds=2 * 86_400)
    tags = cloud.bucket.client.get_object_tagging(Bucket=cloud.bucket.name, Key=f"t/ten-a/{KEY}")["TagSet"]
    assert tags == [{"Key": "expires-days", "Value": "3"}]


def test_parts_become_one_object(cloud: Cloud) -> None:
    storage = BucketStorage(cloud.bucket, "ten-a")
    upload_id = storage.begin_parts(KEY, "text/csv")
    sizes = [5 * 1024 * 1024, 3]
    uploads = storage.part_uploads(KEY, upload_id, sizes)
    assert [f"partNumber={number}" in one.url for number, one in enumerate(uploads, 1)] == [True, True]
    assert storage.sent_parts(KEY, upload_id) == {}
    for number, size in enumerate(sizes, 1):
        cloud.bucket.client.upload_part(
            Bucket=cloud.bucket.name, Key=f"t/ten-a/{KEY}", UploadId=upload_id, PartNumber=number, Body=b"x" * size
        )
    assert storage.sent_parts(KEY, upload_id) == dict(enumerate(sizes, 1))
    assert storage.head(KEY) is None
    storage.finish_parts(KEY, upload_id)
    info = storage.head(KEY)
    assert info is not None
    assert (info.size, info.content_type) == (sum(sizes), "text/csv")
    assert storage.sent_parts(KEY, upload_id) is None
    storage.abort_parts(KEY, upload_id)


def test_parts_that_are_given_up_are_gone(cloud: Cloud) -> None:
    storage = BucketStorage(cloud.bucket, "ten-a")
    upload_id = storage.begin_parts(KEY, "text/csv")
    storage.abort_parts(KEY, upload_id)
    assert storage.sent_parts(KEY, upload_id) is None


def _power_cut(path: Path, target: Path) -> Path:
    raise OSError("power cut")
