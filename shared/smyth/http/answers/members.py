"""What answers tell of members and invitations."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from smyth.http.answers.fields import Time


class Member(BaseModel):
    """Somebody who may act in the tenant after signing in."""

    id: str
    tenant_id: str
    name: str
    email: str | None
    role: str
    kind: Literal["person", "machine"]
    joined_at: Time
    invited_by: str = Field(description="The key or member that invited them.")


class Invitation(BaseModel):
    """An invitation that is open."""

    id: str
    tenant_id: str
    name: str
    email: str | None = Field(description="Only who signs in with this address may accept; null: whoever has the code.")
    role: str
    created_at: Time
    created_by: str
    expires_at: Time


class CreatedInvitation(Invitation):
    """A new invitation with its code."""

    code: str = Field(description="What accepts it. It is never shown again.")
