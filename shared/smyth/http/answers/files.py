"""What answers tell of files."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from smyth.http.answers.fields import Time
from smyth.http.answers.page import Page


class UploadRequest(BaseModel):
    """What to send, and where, so that the file, or a part of it, is stored."""

    url: str
    method: str
    headers: dict[str, str]


class UploadParts(BaseModel):
    """How a large file is sent: cut into parts of ``part_bytes``, the last one what is left; then ``complete``."""

    part_bytes: int
    parts: list[UploadRequest] = Field(description="In order; they may be sent at the same time.")
    complete: str = Field(description="POST to this path once all parts are sent.")


class Uploaded(BaseModel):
    """A file; ``url`` gives a stored one, ``upload`` or ``multipart`` tells how to send one that is still to come."""

    key: str
    name: str
    size: int
    content_type: str
    status: Literal["pending", "stored"]
    url: str | None = None
    upload: UploadRequest | None = None
    multipart: UploadParts | None = None


class File(BaseModel):
    """A file as lists show it."""

    key: str
    name: str
    size: int
    content_type: str
    status: Literal["pending", "stored", "refused"]
    reason: str | None = Field(description="Why its content was refused.")
    created_at: Time
    created_by: str
    ends_at: Time | None = Field(description="When its time is over; null: never.")


class FileWithAddress(File):
    """A file and where it can be had for an hour; ``url`` is null where its content is not there."""

    url: str | None


class StorageUse(BaseModel):
    """What the tenant's files take up."""

    used_bytes: int = Field(description="Files that are on their way count as announced.")
    limit_bytes: int | None = Field(description="null: without limit.")


class FilePage(Page[File]):
    """Files, and what all files of the tenant take up."""

    storage: StorageUse
