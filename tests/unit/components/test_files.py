"""What may be a file, and what becomes of it."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from smyth.components import _files as files
from smyth.components.base import Call, Run
from smyth.connectors.files.port import FileError
from smyth.connectors.http.port import ForbiddenAddress, HttpReply, HttpRequest
from smyth.connectors.ports import Ports
from smyth.values import InvalidValue

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class Web:
    """Answers every request alike, or fails."""

    def __init__(self, reply: HttpReply | Exception) -> None:
        self.asked: list[HttpRequest] = []
        self._reply = reply

    async def send(self, request: HttpRequest) -> HttpReply:
        self.asked.append(request)
        if isinstance(self._reply, Exception):
            raise self._reply
        return self._reply

    def stream(self, request: HttpRequest) -> Any:
        raise NotImplementedError


@pytest.fixture
def run(make_call: Callable[..., Call]) -> Run:
    return make_call("FileStore").run


async def made(value: Any, run: Run, name: str = "v") -> Any:
    return await files.convert(value, "Binary", run, name=name)


async def content(file: dict[str, Any], run: Run) -> bytes:
    return (await files.read(file, run)).content


@pytest.mark.parametrize(
    ("value", "mimetype", "expected"),
    [
        ("hello text!", "text/plain", b"hello text!"),
        ("data:text/csv;base64,YSxiCg==", "text/csv", b"a,b\n"),
        ("data:text/csv;charset=utf-8,a%2Cb", "text/csv", b"a,b"),
        ("data:,plain", "text/plain", b"plain"),
        ("data:,\ud83d", "text/plain", b"?"),
        (base64.b64encode(PNG).decode(), "image/png", PNG),
        (base64.encodebytes(PNG).decode(), "image/png", PNG),
        ({"url": "data:text/plain;base64,SGVsbG8=", "mimetype": "text/html"}, "text/html", b"Hello"),
        ({"url": "data:text/plain;base64,SGVsbG8="}, "text/plain", b"Hello"),
        (PNG, "image/png", PNG),
        ("see http://example.com/a.png", "text/plain", b"see http://example.com/a.png"),
        ("half \ud83d", "text/plain", b"half ?"),
    ],
)
async def test_all_these_are_files(run: Run, value: Any, mimetype: str, expected: bytes) -> None:
    file = await made(value, run)
    assert (file["mimetype"], file["size"]) == (mimetype, len(expected))
    assert file["url"].startswith("smythfs://default.team/agt-1/_temp/")
    assert file["url"].endswith(file["name"])
    assert await content(file, run) == expected


@pytest.mark.parametrize("word", ["SGVsbG8=", "text data", "passwordpassword", "abcd" * 100])
async def test_words_that_are_base64_by_chance_stay_text(run: Run, word: str) -> None:
    file = await made(word, run)
    assert file["mimetype"] == "text/plain"
    assert await content(file, run) == word.encode()


@pytest.mark.parametrize("value", [5, True, 1.5, {"name": "x"}, {"url": 5}, [5], [["nested"]]])
async def test_what_can_be_no_file_is_an_error(run: Run, value: Any) -> None:
    with pytest.raises(InvalidValue, match="Invalid Binary value"):
        await made(value, run)


@pytest.mark.parametrize("value", [None, "", 0, False])
async def test_falsy_values_pass(run: Run, value: Any) -> None:
    assert await made(value, run) is value
    assert await made([value], run) == [value]


async def test_a_list_becomes_a_list_of_files(run: Run) -> None:
    assert [file["size"] for file in await made(["a", "bc"], run)] == [1, 2]


async def test_a_list_of_too_many_is_refused(run: Run) -> None:
    with pytest.raises(FileError, match="101 files"):
        await made(["a"] * 101, run)


async def test_base64_that_is_none_is_an_error(run: Run) -> None:
    with pytest.raises(InvalidValue, match="said to be base64"):
        await made("data:image/png;base64,&&&", run)


async def test_a_file_object_travels_on_as_it_is(run: Run) -> None:
    file = await made("hello", run)
    assert await made(file, run) is file
    again = await made(file["url"], run)
    assert (again["mimetype"], again["size"]) == ("text/plain", 5)


async def test_files_of_other_teams_are_out_of_reach(run: Run) -> None:
    theirs = {"mimetype": "text/plain", "size": 5, "url": "smythfs://other.team/a/_temp/x.txt", "name": "x.txt"}
    for value in (theirs, theirs["url"], {"url": theirs["url"]}):
        with pytest.raises(FileError, match="Access Denied"):
            await made(value, run)


async def test_a_file_that_is_gone_is_told(run: Run) -> None:
    with pytest.raises(FileError, match="There is no file"):
        await made("smythfs://default.team/agt-1/_temp/gone.txt", run)


async def test_an_upload_keeps_its_name(run: Run) -> None:
    upload = {"fieldname": "v", "originalname": "C:\\docs\\r?p/té st.csv", "mimetype": "text/csv", "base64": "YQ=="}
    file = await made(upload, run)
    assert file["name"].endswith("-té st.csv")
    assert file["mimetype"] == "text/csv"


async def test_a_name_of_nothing_but_signs_gives_way(run: Run) -> None:
    file = await made({"originalname": "../..", "mimetype": "nonsense", "base64": "aGk="}, run)
    assert file["name"].endswith("-file.txt")
    assert file["mimetype"] == "text/plain"


async def test_a_url_is_downloaded(run: Run) -> None:
    web = Web(HttpReply(200, {"content-type": "image/webp; q=1"}, b"....", "https://example.com/a"))
    run.ports = Ports(http=web)
    file = await made("https://example.com/a", run)
    assert (file["mimetype"], file["size"]) == ("image/webp", 4)
    assert web.asked[0].max_bytes == files.MAX_BYTES


async def test_a_download_without_a_type_is_looked_at(run: Run) -> None:
    run.ports = Ports(http=Web(HttpReply(200, {"content-type": "application/octet-stream"}, PNG, "https://e.com")))
    assert (await made("https://e.com/x", run))["mimetype"] == "image/png"


async def test_a_download_that_fails_tells_why(run: Run) -> None:
    run.ports = Ports(http=Web(HttpReply(404, {}, b"", "https://e.com/x")))
    with pytest.raises(FileError, match=r"from e\.com: Request failed with status code 404"):
        await made("https://e.com/x?token=secret", run)
    run.ports = Ports(http=Web(ForbiddenAddress("that address is private")))
    with pytest.raises(FileError, match="that address is private"):
        await made("http://10.0.0.1/x", run)


async def test_a_file_too_large_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", 4)
    with pytest.raises(FileError, match="5 bytes"):
        await made("hello", run)


async def test_a_file_as_text_is_a_data_url(run: Run) -> None:
    file = await made("hello", run)
    assert files.concerns_files(file, "Text")
    assert await files.convert(file, "text", run, name="v") == "data:text/plain;base64,aGVsbG8="
    assert not files.concerns_files({"url": "https://example.com", "mimetype": "x"}, "Text")
