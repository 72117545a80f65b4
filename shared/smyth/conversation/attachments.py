"""Files that come with a user's message (PROTOCOL section 2.7).

Messages keep a file's address and models get its content: so a conversation stays small wherever it is remembered,
and its files are shown again in every round and every later turn for as long as they are kept (oddity 27).
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from smyth.components import _files as files
from smyth.components._attachments import part
from smyth.connectors.files.memory import data_url
from smyth.connectors.files.port import FileError, StoredFile
from smyth.connectors.files.uris import SCHEME
from smyth.connectors.models.port import Message
from smyth.connectors.ports import Ports
from smyth.conversation.failures import ConversationError
from smyth.values import InvalidValue
from smyth.values.media import ending

#: How long files of conversations that are remembered are kept: as long as the bucket expires anything.
REMEMBERED_SECONDS = 30 * 24 * 60 * 60
#: Of all files together that one model request shows.
_MOST_SHOWN_BYTES = 50 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a message, stored where skills can have it by its address."""

    url: str
    mimetype: str
    #: What the user calls it.
    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose conversation it is; see :class:`smyth.components._files.Holder`."""

    agent_id: str
    team_id: str
    ports: Ports


async def attach(file: files.File, holder: Holder, *, seconds: int | None = None) -> Attachment:
    """Store a file as an attachment; ``seconds`` is how long it is kept, a day unless told.

    Raises:
        FileError: It is too large.
    """
    name = f"{secrets.token_hex(8)}{ending(file.mimetype)}"
    kept = {} if seconds is None else {"seconds": seconds}
    stored = await files.store(file, name, holder, **kept)
    return Attachment(stored["url"], stored["mimetype"], file.name or name, file.content)


def question(message: str | list[dict[str, Any]], attachments: Sequence[Attachment], media: Sequence[str]) -> Message:
    """Return the user's message: its text names every attachment, its parts show those of the kinds in ``media``."""
    if not attachments:
        return {"role": "user", "content": message}
    addresses = "\n".join(f" - {attachment.url}" for attachment in attachments)
    named = f"\n\n----\nAttachments: {addresses}"
    shown = [
        part(attachment.mimetype, attachment.url, attachment.url.rpartition("/")[2])
        for attachment in attachments
        if attachment.mimetype.startswith(tuple(media))
    ]
    if isinstance(message, str):
        text = message + named
        return {"role": "user", "content": [{"type": "text", "text": text}, *shown] if shown else text}
    return {"role": "user", "content": [*message, {"type": "text", "text": named.lstrip()}, *shown]}


class Contents:
    """Puts files into messages in the place of their addresses.

    Addresses that callers name are read through our own ports, never by a provider's library.
    """

    def __init__(self, holder: Holder, media: Sequence[str], attachments: Sequence[Attachment]) -> None:
        """Make ready for one turn.

        Args:
            holder: Whose conversation it is.
            media: How the types of the files begin that the model reads.
            attachments: Files at hand already.
        """
        self._holder = holder
        self._media = tuple(media)
        self._found: dict[str, str] = {}
        self._room = _MOST_SHOWN_BYTES
        for attachment in attachments:
            self._found[attachment.url] = data_url(StoredFile(attachment.content, attachment.mimetype))
            self._room -= len(attachment.content)

    async def read(self, messages: Sequence[Message]) -> None:
        """Read what ``messages`` name.

        Raises:
            ConversationError: A file cannot be had.
        """
        for address in (address for message in messages for one in _parts(message) if (address := _address(one))):
            try:
                await self._read(address)
            except (FileError, InvalidValue) as error:
                raise ConversationError("attachment_unavailable", f"{error}") from error

    async def filled(self, messages: Sequence[Message]) -> list[Message]:
        """Return ``messages`` with files; a file that is gone, or that the model does not read, leaves a word."""
        return [
            {**message, "content": [await self._filled(one) for one in _parts(message)]} if _parts(message) else message
            for message in messages
        ]

    async def _filled(self, one: dict[str, Any]) -> dict[str, Any]:
        address = _address(one)
        if not address:
            return one
        try:
            url = await self._read(address)
        except (FileError, InvalidValue):
            return _text(f"[The file {_short(address)} cannot be shown any more.]")
        if not url[len("data:") :].startswith(self._media):
            return _text(f"[The file {_short(address)} is of a kind that this model does not read.]")
        if one["type"] == "image_url":
            return {**one, "image_url": {**_image(one), "url": url}}
        return {**one, "file": {**one["file"], "file_data": url}}

    async def _read(self, address: str) -> str:
        if address not in self._found:
            file = await files.read(address, self._holder)
            if len(file.content) > self._room:
                raise FileError(
                    f"The files of the conversation have more than {_MOST_SHOWN_BYTES:,} bytes together. Send fewer."
                )
            self._room -= len(file.content)
            self._found[address] = data_url(StoredFile(file.content, file.mimetype))
        return self._found[address]


def _parts(message: Message) -> list[dict[str, Any]]:
    content = message.get("content")
    return [one for one in content if isinstance(one, dict)] if isinstance(content, list) else []


def _address(one: dict[str, Any]) -> str | None:
    """Return the address that a part names; None where it holds its file itself, or is none."""
    match one.get("type"):
        case "image_url":
            found = _image(one).get("url")
        case "file":
            inside = one.get("file")
            found = inside.get("file_data") if isinstance(inside, dict) else None
        case _:
            return None
    return found if isinstance(found, str) and found.startswith((SCHEME, "http://", "https://")) else None


def _image(one: dict[str, Any]) -> dict[str, Any]:
    image = one.get("image_url")
    return image if isinstance(image, dict) else {"url": image}


def _short(address: str) -> str:
    return address[:200]


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}
