"""Files that come with a user's message (PROTOCOL section 2.7).

They become part of the message, and so are shown again in every round and, in chats, in later turns (oddity 27).
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

#: Of all files together that one model request shows.
_MOST_SHOWN_BYTES = 50 * 1024 * 1024
#: Where parts of messages name a file: type of the part, and the member with the address in it.
_PLACES = {"image_url": ("image_url", "url"), "file": ("file", "file_data")}
_LEFT_OUT = {"type": "text", "text": "[A file of a kind that this model does not read is left out.]"}


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


async def attach(file: files.File, holder: Holder) -> Attachment:
    """Store a file for a day as an attachment.

    Raises:
        FileError: It is too large.
    """
    name = f"{secrets.token_hex(8)}{ending(file.mimetype)}"
    stored = await files.store(file, name, holder)
    return Attachment(stored["url"], stored["mimetype"], file.name or name, file.content)


def question(message: str | list[dict[str, Any]], attachments: Sequence[Attachment], media: Sequence[str]) -> Message:
    """Return the user's message: its text names every attachment, its parts show those of the kinds in ``media``."""
    if not attachments:
        return {"role": "user", "content": message}
    addresses = "\n".join(f" - {one.url}" for one in attachments)
    named = f"\n\n----\nAttachments: {addresses}"
    shown = [
        part(one.mimetype, data_url(StoredFile(one.content, one.mimetype)), one.url.rpartition("/")[2])
        for one in attachments
        if one.mimetype.startswith(tuple(media))
    ]
    if isinstance(message, str):
        text = message + named
        return {"role": "user", "content": [{"type": "text", "text": text}, *shown] if shown else text}
    return {"role": "user", "content": [*message, {"type": "text", "text": named.lstrip()}, *shown]}


async def with_files(messages: Sequence[Message], holder: Holder) -> list[Message]:
    """Return messages with the files whose addresses their parts name.

    They are read through our own ports, never by a provider's library, which would fetch from any address.

    Raises:
        ConversationError: A file cannot be had.
    """
    room = _MOST_SHOWN_BYTES
    filled: list[Message] = []
    for message in messages:
        parts = message.get("content")
        if isinstance(parts, list) and any(map(_address, parts)):
            found = []
            for one in parts:
                one, size = await _filled(one, holder, room)
                room -= size
                found.append(one)
            message = {**message, "content": found}
        filled.append(message)
    return filled


def readable(messages: Sequence[Message], media: Sequence[str]) -> list[Message]:
    """Return earlier messages for a model that reads ``media``; a file of another kind leaves a word behind."""
    return [
        {**message, "content": [one if _is_readable(one, tuple(media)) else _LEFT_OUT for one in message["content"]]}
        if isinstance(message.get("content"), list)
        else message
        for message in messages
    ]


async def _filled(one: Any, holder: Holder, room: int) -> tuple[Any, int]:
    """Return a part with its file in the place of the address, and the file's size."""
    address = _address(one)
    if address is None:
        return one, 0
    try:
        file = await files.read(address, holder)
    except (FileError, InvalidValue) as error:
        raise ConversationError("attachment_unavailable", str(error)) from error
    if len(file.content) > room:
        raise ConversationError(
            "attachments_too_large",
            f"The files of the messages have more than {_MOST_SHOWN_BYTES:,} bytes together. Send fewer.",
        )
    kind, member = _PLACES[one["type"]]
    url = data_url(StoredFile(file.content, file.mimetype))
    return {**one, kind: {**one[kind], member: url}}, len(file.content)


def _address(one: Any) -> str | None:
    """Return the address that a part names; None where it holds its file itself, or is none."""
    found = _held(one)
    return found if found.startswith((SCHEME, "http://", "https://")) else None


def _is_readable(one: Any, media: tuple[str, ...]) -> bool:
    found = _held(one)
    return not found.startswith("data:") or found[len("data:") :].startswith(media)


def _held(one: Any) -> str:
    """Return the address or data URL of a part that has one."""
    type_name = one.get("type") if isinstance(one, dict) else None
    kind, member = _PLACES.get(type_name if isinstance(type_name, str) else "", ("", ""))
    inside = one.get(kind) if kind else None
    found = inside.get(member) if isinstance(inside, dict) else None
    return found if isinstance(found, str) else ""
