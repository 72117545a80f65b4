"""What answers tell of credentials."""

from __future__ import annotations

from pydantic import BaseModel

from smyth.platform.acl import Level


class CredentialVersion(BaseModel):
    """A version that is kept; its value is never shown."""

    number: int
    created_at: str
    created_by: str


class CredentialRotation(BaseModel):
    """When the value is replaced, and how the last attempt went."""

    url: str
    every_days: int
    due_at: str
    failures: int
    error: str


class CredentialRecord(BaseModel):
    """A credential without its value."""

    name: str
    description: str
    access: dict[str, list[Level]]
    current: int
    versions: list[CredentialVersion]
    rotation: CredentialRotation | None
    created_at: str
    updated_at: str
    last_used: str | None
    revision: int


class WrittenCredential(CredentialRecord):
    """A credential that was made or changed."""

    #: What requests to the rotation's address are signed with: only where the rotation is new, this once.
    rotation_secret: str | None = None
