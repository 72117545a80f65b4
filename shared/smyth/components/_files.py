"""Files as values: what inputs of the types Binary, Image, Audio and Video become (ENGINE section 8).

Between components a file travels as the object ``{mimetype, size, url, name}``; its content lies in the file system.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeGuard
from urllib.parse import unquote_to_bytes, urlsplit

from smyth.connectors.files.memory import data_url
from smyth.connectors.files.port import MAX_BYTES, FileError, StoredFile
from smyth.connectors.files.uris import SCHEME, path_of, team_uri
from smyth.values import InvalidValue, received, truthy
from smyth.values.media import BYTES, TEXT, ending, media_type, signature

if TYPE_CHECKING:
    from smyth.connectors.ports import Ports

FILE_TYPES = frozenset({"binary", "image", "audio", "video"})
_TEXT_TYPES = frozenset({"text", "string"})
#: How long a file is kept that only passes through a run.
_KEEP_SECONDS = 24 * 60 * 60
_MOST_FILES = 100
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_MIMETYPE = re.compile(r"[\w!#$&^.+-]{1,100}/[\w!#$&^.+-]{1,100}(?:; ?[\w-]{1,20}=[\w.-]{1,40}){0,3}", re.ASCII)
_NOT_IN_NAMES = re.compile(r"[^\w.() -]+")


class Holder(Protocol):
    """Who reads and keeps files, and with which means; a run is one."""

    @property
    def agent_id(self) -> str:
        """Which agent."""
        ...

    @property
    def team_id(self) -> str:
        """Of which team."""
        ...

    @property
    def ports(self) -> Ports:
        """The world it may use."""
        ...


@dataclass(frozen=True, slots=True)
class File:
    """A file at hand."""

    content: bytes = field(repr=False)
    mimetype: str
    #: What whoever made it called it; may be empty.
    name: str = ""


def is_file(value: Any) -> TypeGuard[dict[str, Any]]:
    """Tell whether ``value`` is a file object, as :func:`keep` makes them."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("url"), str)
        and value["url"].startswith(SCHEME)
        and isinstance(value.get("mimetype"), str)
    )


def concerns_files(value: Any, type_name: str) -> bool:
    """Tell whether an input of this type makes ``value`` a file, or a file of it a text: :func:`convert` does it."""
    kind = type_name.lower()
    return kind in FILE_TYPES or (kind in _TEXT_TYPES and is_file(value))


async def convert(value: Any, type_name: str, run: Holder, *, name: str) -> Any:
    """Return ``value`` as an input of a file type takes it, or a file as the data URL that a Text input takes.

    Falsy values pass as for every other type.

    Args:
        value: What arrived.
        type_name: The declared type; :func:`concerns_files` has said yes to it.
        run: Whose files.
        name: The input; files without a name are called so.

    Raises:
        InvalidValue: ``value`` can be no file.
        FileError: The file cannot be had.
    """
    if not truthy(value):
        return value
    if type_name.lower() in _TEXT_TYPES:
        file = await read(value, run)
        return data_url(StoredFile(file.content, file.mimetype))
    if not isinstance(value, list):
        return await _object(value, run, name)
    if len(value) > _MOST_FILES:
        raise FileError(f'The input "{name}" got {len(value):,} files; up to {_MOST_FILES} are taken.')
    return [await _object(item, run, name) if truthy(item) else item for item in value]


async def _object(value: Any, run: Holder, name: str) -> dict[str, Any]:
    if is_file(value) and "size" in value and "name" in value:
        path_of(value["url"], team_id=run.team_id, agent_id=run.agent_id)
        return value
    file = await read(value, run)
    return await keep(file if file.name else File(file.content, file.mimetype, name + ending(file.mimetype)), run)


async def keep(file: File, run: Holder) -> dict[str, Any]:
    """Store a file for as long as runs may need it; return its file object."""
    name = f"{secrets.token_hex(8)}-{plain_name(file.name) or 'file' + ending(file.mimetype)}"
    return await store(file, name, run)


async def store(file: File, name: str, run: Holder) -> dict[str, Any]:
    """Store a file among the passing ones under a name that no other has; return its file object.

    Raises:
        FileError: It is too large.
    """
    check_size(len(file.content))
    uri = team_uri(run.team_id, run.agent_id, "_temp", name)
    path = path_of(uri, team_id=run.team_id, agent_id=run.agent_id)
    mimetype = _mimetype(file.mimetype) or BYTES
    await run.ports.files.write(path, StoredFile(file.content, mimetype), seconds=_KEEP_SECONDS)
    return {"mimetype": mimetype, "size": len(file.content), "url": uri, "name": name}


async def read(value: Any, run: Holder) -> File:
    """Return the file that ``value`` is or names.

    That may be a file object, an upload of the request, bytes, or a text: a ``smythfs://``, http(s) or data URL, base64
    of a known kind of file, or else the content itself.

    Raises:
        InvalidValue: It can be no file.
        FileError: It cannot be had.
    """
    if isinstance(value, bytes):
        return File(value, media_type(value))
    if isinstance(value, str):
        return await _from_text(value, run)
    if isinstance(value, dict) and isinstance(value.get("base64"), str):
        return _from_upload(value)
    if isinstance(value, dict) and isinstance(value.get("url"), str):
        file = await _from_text(value["url"], run)
        return File(file.content, _mimetype(value.get("mimetype")) or file.mimetype, _name(value) or file.name)
    raise InvalidValue(
        "Invalid Binary value: a file is given as text, base64, a URL, or an object with a url. " + received(value)
    )


async def _from_text(text: str, run: Holder) -> File:
    if text.startswith(SCHEME):
        return await _from_files(text, run)
    if text.startswith(("http://", "https://")) and not re.search(r"\s", text):
        return await _downloaded(text, run)
    if text.startswith("data:") and "," in text:
        return _from_data_url(text)
    content = _guessed_base64(text)
    if content is None:
        content = text.encode("utf-8", "replace")
        return File(content, TEXT)
    return File(content, media_type(content))


async def _from_files(uri: str, run: Holder) -> File:
    found = await run.ports.files.read(path_of(uri, team_id=run.team_id, agent_id=run.agent_id))
    if found is None:
        raise FileError(f'There is no file "{uri[:200]}". Files of a run are kept for a day; send it again.')
    return File(found.content, found.mimetype, uri.rpartition("/")[2])


async def _downloaded(url: str, run: Holder) -> File:
    from smyth.connectors.http.port import HttpError, HttpRequest

    try:
        reply = await run.ports.http.send(HttpRequest(url, max_bytes=MAX_BYTES))
    except HttpError as error:
        raise FileError(f"The file could not be downloaded: {error}") from None
    if reply.status >= 400:
        host, failure = urlsplit(reply.url).hostname, f"Request failed with status code {reply.status}"
        raise FileError(f"The file could not be downloaded from {host}: {failure}. Check its address.")
    told = _mimetype(reply.headers.get("content-type", "").partition(";")[0].strip())
    return File(reply.content, told if told and told != BYTES else media_type(reply.content))


def _from_data_url(url: str) -> File:
    head, _, data = url[5:].partition(",")
    mimetype, *parameters = head.split(";")
    content = unquote_to_bytes(data.encode("utf-8", "replace"))
    if "base64" in (parameter.strip().lower() for parameter in parameters):
        content = _decoded(content)
    return File(content, _mimetype(mimetype) or (TEXT if not mimetype else BYTES))


def _from_upload(upload: dict[str, Any]) -> File:
    content = _decoded(upload["base64"].encode("ascii", "replace"))
    name = upload.get("originalname")
    mimetype = _mimetype(upload.get("mimetype")) or media_type(content)
    return File(content, mimetype, name if isinstance(name, str) else "")


def _decoded(data: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(data.split()), validate=True)
    except binascii.Error:
        raise InvalidValue("Invalid Binary value: the data is said to be base64 and is not.") from None


def _guessed_base64(text: str) -> bytes | None:
    """Return what a base64 text holds, if that is a known kind of file: many a word is base64 by chance
    (compat README, quirk 40)."""
    joined = "".join(text.split())
    # Every signature stands in the first bytes, so other text is told by its beginning.
    start = joined[:32]
    if len(joined) < 16 or not _BASE64.fullmatch(start) or signature(base64.b64decode(start)) is None:
        return None
    return base64.b64decode(joined) if _BASE64.fullmatch(joined) else None


def check_size(size: int) -> None:
    """Refuse what is too large for a run.

    Raises:
        FileError: It is.
    """
    if size > MAX_BYTES:
        raise FileError(f"The file has {size:,} bytes; up to {MAX_BYTES:,} are taken. Send a smaller one.")


def plain_name(name: str) -> str:
    """Return what is safe in addresses of a file's name, its end rather than its beginning where it is long."""
    last = re.split(r"[/\\]", name)[-1]
    return _NOT_IN_NAMES.sub("-", last)[-100:].strip(" .-")


def _mimetype(given: Any) -> str:
    return given if isinstance(given, str) and _MIMETYPE.fullmatch(given) else ""


def _name(value: dict[str, Any]) -> str:
    name = value.get("name")
    return name if isinstance(name, str) else ""
