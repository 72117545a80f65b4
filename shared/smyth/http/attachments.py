"""Files that callers send with a message: data, addresses, or keys of files that they uploaded."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from smyth.components import _files as files
from smyth.connectors.files.port import MAX_BYTES, FileError
from smyth.connectors.files.uris import SCHEME
from smyth.conversation.attachments import Attachment, Holder, attach
from smyth.http.caller import Caller
from smyth.http.problems import Problem
from smyth.http.readable import Name, without_control
from smyth.http.services import services
from smyth.platform.errors import PlatformError
from smyth.platform.file_names import media_type
from smyth.platform.file_records import is_file_key
from smyth.values import InvalidValue
from smyth.values.media import media_type as media_type_of

MOST_FILES = 10
#: All files of a message together.
MOST_BYTES = 50 * 1024 * 1024
_LONGEST_ADDRESS = 8_000
#: For one file; a stream says nothing until all are there.
_PATIENCE_S = 15.0


def _place(text: str) -> str:
    """Return ``text`` where it says where a file is.

    Raises:
        ValueError: It does not.
    """
    without_control(text)
    is_data = text.startswith("data:") and "," in text
    if not is_data and not (text.startswith(("https://", "http://", SCHEME)) or is_file_key(text)):
        raise ValueError("must be an http(s), data or smythfs URL, or the key of an uploaded file")
    if not is_data and len(text) > _LONGEST_ADDRESS:
        raise ValueError(f"must not have more than {_LONGEST_ADDRESS:,} characters, unless it is a data URL")
    return text


Place = Annotated[str, Field(min_length=1), AfterValidator(_place)]


class GivenFile(BaseModel):
    """A file with what is known of it."""

    model_config = ConfigDict(extra="forbid")

    url: Place | None = Field(default=None, description="An http(s), data or smythfs URL, or an uploaded file's key.")
    data: str | None = Field(default=None, min_length=1, description="The content in base64, in place of url.")
    name: Name | None = Field(default=None, description="What people call it.")
    content_type: Annotated[str, AfterValidator(media_type)] | None = Field(
        default=None, description="Told by the content, or by who has the file, where it is left out."
    )

    @model_validator(mode="after")
    def _has_one_source(self) -> GivenFile:
        if (self.url is None) == (self.data is None):
            raise ValueError("give either url or data")
        return self


GivenFiles = Annotated[list[GivenFile | Place], Field(max_length=MOST_FILES)]


async def attachments_of(caller: Caller, given: Sequence[GivenFile | str], holder: Holder) -> list[Attachment]:
    """Return what was sent with a message, stored where the agent's skills can have it.

    Raises:
        Problem: A file cannot be had, or they are too large.
    """
    found: list[Attachment] = []
    room = MOST_BYTES
    for index, one in enumerate(given):
        one = GivenFile(url=one) if isinstance(one, str) else one
        try:
            async with asyncio.timeout(_PATIENCE_S):
                attachment = await _attached(caller, one, holder)
        except TimeoutError:
            detail = f"The file did not arrive within {_PATIENCE_S:.0f} seconds. Upload it, and send its key."
            raise _problem("attachment_unavailable", index, detail) from None
        except (FileError, InvalidValue) as error:
            raise _problem("attachment_unavailable", index, str(error)) from error
        except PlatformError as error:
            raise _problem("attachment_unavailable", index, error.detail) from error
        room -= len(attachment.content)
        if room < 0:
            detail = f"The files have more than {MOST_BYTES:,} bytes together. Send fewer, or smaller ones."
            raise _problem("attachments_too_large", index, detail)
        found.append(attachment)
    return found


async def _attached(caller: Caller, given: GivenFile, holder: Holder) -> Attachment:
    if given.url is not None and given.url.startswith(SCHEME):
        # It has an address already; what it is was noted when it was stored.
        file = await files.read(given.url, holder)
        return Attachment(given.url, file.mimetype, given.name or file.name, file.content)
    file = await _read(caller, given, holder)
    kind = given.content_type or file.mimetype
    return await attach(files.File(file.content, kind, given.name or file.name), holder)


async def _read(caller: Caller, given: GivenFile, holder: Holder) -> files.File:
    if given.url is None:
        content = _decoded(given.data or "")
        return files.File(content, media_type_of(content))
    if not is_file_key(given.url):
        return await files.read(given.url, holder)
    record, content = await asyncio.to_thread(services().files.read, caller.tenant_id, given.url, most=MAX_BYTES)
    return files.File(content, record.content_type, record.name)


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidValue("data is not base64. Encode the content, or send a data URL as url.") from None


def _problem(code: str, index: int, detail: str) -> Problem:
    errors: list[dict[str, Any]] = [{"path": f"files.{index}", "message": detail}]
    return Problem(422, code, f"files[{index}]: {detail}", errors)
