"""What every file system owes, run over each adapter; then what only the cloud's does."""

from __future__ import annotations

from pathlib import Path

import pytest

from smyth.aws.agent_files import FileLinks, agent_files
from smyth.connectors.files import memory
from smyth.connectors.files.memory import MemoryFiles
from smyth.connectors.files.port import FileError, FileSystem, ListedFile, StoredFile
from smyth.connectors.files.stored import StoredFiles
from smyth.connectors.storage.folder import FolderStorage

from .conftest import Clock, Cloud

PATH = "teams/acme/agt-1/_temp/ä b.txt"
NOTE = StoredFile(b"hello", "text/plain")
DAY = 86_400


@pytest.fixture(params=["memory", "folder", "bucket"])
def files(request: pytest.FixtureRequest, clock: Clock, tmp_path: Path) -> FileSystem:
    if request.param == "memory":
        return MemoryFiles(clock)
    if request.param == "folder":
        return StoredFiles(FolderStorage(tmp_path, "ten-a", clock=clock))
    return in_bucket(request.getfixturevalue("cloud"), clock)


def in_bucket(cloud: Cloud, clock: Clock, tenant: str = "ten-a", url: str = "https://api.example.com/v1") -> FileSystem:
    return agent_files(cloud.bucket, FileLinks(cloud.table, cloud.bucket, clock=clock), tenant, url, clock=clock)


async def test_what_was_written_is_read(files: FileSystem) -> None:
    await files.write(PATH, NOTE, seconds=None)
    assert await files.read(PATH) == NOTE


async def test_a_file_that_is_not_there_is_none(files: FileSystem) -> None:
    assert await files.read(PATH) is None


async def test_a_second_write_replaces_the_first(files: FileSystem) -> None:
    await files.write(PATH, NOTE, seconds=60)
    await files.write(PATH, StoredFile(b"\x00\xff", "image/png"), seconds=60)
    assert await files.read(PATH) == StoredFile(b"\x00\xff", "image/png")


async def test_a_file_is_gone_when_its_time_is_over(files: FileSystem, clock: Clock) -> None:
    await files.write(PATH, NOTE, seconds=60)
    clock.now += 59
    assert await files.read(PATH) == NOTE
    clock.now += 1
    assert await files.read(PATH) is None


async def test_a_link_is_an_address(files: FileSystem) -> None:
    await files.write(PATH, NOTE, seconds=60)
    assert (await files.link(PATH, name="note.txt", seconds=60)).startswith(
        ("data:text/plain;", "file:///", "https://")
    )


async def test_files_are_listed_by_folder_and_page_by_page(files: FileSystem) -> None:
    for name in ("b", "a", "c"):
        await files.write(f"teams/acme/agt-1/{name}", NOTE, seconds=None)
    await files.write("teams/acme/agt-10/a", NOTE, seconds=None)
    folder = "teams/acme/agt-1/"
    assert [file.path for file in await files.list_files(folder, limit=2)] == [folder + "a", folder + "b"]
    assert await files.list_files(folder, after=folder + "b") == [ListedFile(folder + "c", 5)]
    assert await files.list_files("teams/other/") == []


async def test_old_files_in_memory_make_room_for_new_ones(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    monkeypatch.setattr(memory, "MAX_TOTAL_BYTES", 12)
    files = MemoryFiles(clock)
    await files.write("over", NOTE, seconds=1)
    await files.write("kept", NOTE, seconds=None)
    clock.now += 2
    await files.write("new", NOTE, seconds=None)
    assert await files.read("kept") == NOTE
    await files.write("newest", NOTE, seconds=None)
    assert await files.read("kept") is None
    assert await files.read("new") == NOTE
    await files.write("large", StoredFile(b"x" * 100, "text/plain"), seconds=None)
    assert await files.read("large") is not None
    assert await files.read("newest") is None


async def test_tenants_do_not_see_each_others_files(cloud: Cloud, clock: Clock) -> None:
    await in_bucket(cloud, clock, "ten-a").write(PATH, NOTE, seconds=None)
    assert await in_bucket(cloud, clock, "ten-b").read(PATH) is None


@pytest.mark.parametrize(
    ("seconds", "days"), [(60, "1"), (DAY, "1"), (DAY + 1, "3"), (14 * DAY, "14"), (60 * DAY, "91"), (900 * DAY, "366")]
)
async def test_the_bucket_deletes_a_file_some_time_after_its_end(
    cloud: Cloud, clock: Clock, seconds: int, days: str
) -> None:
    await in_bucket(cloud, clock).write(PATH, NOTE, seconds=seconds)
    tags = cloud.bucket.client.get_object_tagging(Bucket=cloud.bucket.name, Key=f"t/ten-a/fs/{PATH}")["TagSet"]
    assert tags == [{"Key": "expires-days", "Value": days}]


async def test_a_link_leads_to_the_bucket_as_long_as_it_lives(cloud: Cloud, clock: Clock) -> None:
    files, links = in_bucket(cloud, clock), FileLinks(cloud.table, cloud.bucket, clock=clock)
    url = await files.link(PATH, name="ä.txt", seconds=100)
    base, _, token = url.rpartition("/")
    assert base == "https://api.example.com/v1/files"
    address = links.address(token) or ""
    assert "X-Amz-Expires=100" in address
    assert "attachment" in address
    assert "ten-a/fs/teams/acme" in address
    clock.now += 100
    assert links.address(token) is None


async def test_a_link_without_an_end_leads_on_for_good(cloud: Cloud, clock: Clock) -> None:
    url = await in_bucket(cloud, clock).link(PATH, name="a", seconds=None)
    clock.now += 10_000 * DAY
    assert "X-Amz-Expires=300" in (FileLinks(cloud.table, cloud.bucket, clock=clock).address(url[-32:]) or "")


def test_a_token_that_nobody_made_leads_nowhere(cloud: Cloud, clock: Clock) -> None:
    assert FileLinks(cloud.table, cloud.bucket, clock=clock).address("x" * 32) is None


async def test_without_a_public_address_there_are_no_links(cloud: Cloud, clock: Clock) -> None:
    with pytest.raises(FileError, match="Call the agent through its API"):
        await in_bucket(cloud, clock, url="").link(PATH, name="a", seconds=1)


async def test_a_file_too_large_for_a_run_is_not_read(
    cloud: Cloud, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smyth.connectors.files.stored.MAX_BYTES", 4)
    files = in_bucket(cloud, clock)
    await files.write(PATH, NOTE, seconds=None)
    with pytest.raises(FileError, match="5 bytes"):
        await files.read(PATH)
