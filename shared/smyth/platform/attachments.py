"""Attachments of messages: data URLs are taken out of a turn before it is stored, and put back before it is sent.

They are kept letter by letter as they came, so that what goes in comes out. Where each belongs is noted beside the
messages, never inside them, so nothing that a caller writes can be taken for a note.
"""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

#: Where parts of messages hold data URLs: type of the part, member, member in it, and the member with its name.
_PLACES = (
    ("image_url", "url", ""),
    ("file", "file_data", "filename"),
    ("video_url", "url", ""),
    ("input_audio", "data", ""),
)
#: What a model is sent again of earlier attachments, in characters, newest first.
MOST_PUT_BACK = 12_000_000
_LONGEST_NAME = 200

Messages = list[dict[str, Any]]


class Attachment(BaseModel):
    """A text that was taken out of a message; it is stored once under its SHA-256."""

    model_config = ConfigDict(frozen=True)

    #: Message, part, and the two members in it.
    message: int
    part: int
    kind: str
    member: str
    sha256: str
    #: In characters.
    size: int
    media_type: str
    name: str = ""


def set_aside(
    messages: Messages, names: Mapping[str, str] | None = None
) -> tuple[Messages, list[Attachment], dict[str, str]]:
    """Return the messages without their attachments, where these belong, and their texts by SHA-256.

    Args:
        messages: What was said.
        names: What people call attachments, by their data URLs, where the messages do not say it.
    """
    left = list(messages)
    attachments: list[Attachment] = []
    texts: dict[str, str] = {}
    for index, message in enumerate(messages):
        found = list(_found(index, message, names or {}))
        if found:
            left[index] = copy.deepcopy(message)
        for attachment, text in found:
            texts[attachment.sha256] = text
            attachments.append(attachment)
            left[index]["content"][attachment.part][attachment.kind][attachment.member] = ""
    return left, attachments, texts


def put_back(
    turns: Iterable[tuple[Messages, list[Attachment]]],
    read: Callable[[str], str | None],
    *,
    most: int = MOST_PUT_BACK,
) -> list[Messages]:
    """Return the messages of each turn with their attachments.

    Args:
        turns: Newest first.
        read: Returns the text with a SHA-256, or None where it is gone.
        most: How many characters to put back; an older attachment is told by its name and type instead.
    """
    texts: dict[str, str | None] = {}
    whole: list[Messages] = []
    for messages, attachments in turns:
        filled = list(messages)
        for index in {attachment.message for attachment in attachments}:
            filled[index] = copy.deepcopy(messages[index])
        for attachment in reversed(attachments):
            most -= attachment.size
            if most >= 0 and attachment.sha256 not in texts:
                texts[attachment.sha256] = read(attachment.sha256)
            text = texts.get(attachment.sha256) if most >= 0 else None
            parts = filled[attachment.message]["content"]
            if text is None:
                parts[attachment.part] = {"type": "text", "text": f"[An earlier attachment: {_told(attachment)}]"}
            else:
                parts[attachment.part][attachment.kind][attachment.member] = text
        whole.append(filled)
    return whole


def shown(index: int, attachments: Iterable[Attachment]) -> list[dict[str, Any]]:
    """Return what people see of the attachments of message ``index``."""
    return [
        {"name": attachment.name, "type": attachment.media_type, "size": attachment.size}
        for attachment in attachments
        if attachment.message == index
    ]


def text_of(content: Any) -> str:
    """Return what a message says in words."""
    if not isinstance(content, list):
        return content if isinstance(content, str) else ""
    return "\n".join(part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str))


def _found(index: int, message: dict[str, Any], names: Mapping[str, str]) -> Iterator[tuple[Attachment, str]]:
    content = message.get("content")
    for number, part in enumerate(content if isinstance(content, list) else ()):
        for kind, member, named in _PLACES:
            held = part.get(kind) if isinstance(part, dict) else None
            text = held.get(member) if isinstance(held, dict) else None
            if not isinstance(held, dict) or not isinstance(text, str):
                continue
            if not (text.startswith("data:") or kind == "input_audio"):
                continue
            name = names.get(text) or (held.get(named) if named else "")
            yield (
                Attachment(
                    message=index,
                    part=number,
                    kind=kind,
                    member=member,
                    sha256=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
                    size=len(text),
                    media_type=_media_type(text, held),
                    name=name[:_LONGEST_NAME] if isinstance(name, str) else "",
                ),
                text,
            )


def _media_type(text: str, held: dict[str, Any]) -> str:
    told = re.match(r"data:([a-zA-Z0-9.+-]{1,60}/[a-zA-Z0-9.+-]{1,80})[;,]", text)
    if told:
        return told[1].lower()
    sound = held.get("format")
    return f"audio/{sound}" if isinstance(sound, str) and sound.isalnum() else "application/octet-stream"


def _told(attachment: Attachment) -> str:
    return f"{attachment.name} ({attachment.media_type})" if attachment.name else attachment.media_type
