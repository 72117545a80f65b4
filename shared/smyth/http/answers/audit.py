"""What answers tell of the audit."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from smyth.http.answers.fields import Time


class AuditEntry(BaseModel):
    """Who did what, when, from where, and what came of it."""

    seq: int = Field(description="Its place in the chain, from 1 on, without a gap.")
    at: Time
    action: str = Field(description="The route, or a word for what was no request.")
    target: str = Field(description="What it was done to.")
    outcome: Literal["done", "refused"]
    status: int
    code: str = Field(description="Of a refusal; empty otherwise.")
    actor: str = Field(description="The id of the key; empty where it was unknown.")
    role: str
    subject: str = Field(description="The person, where one signed in.")
    acting_for: str = Field(description="The operator's key, while the operator acts as the tenant.")
    source_ip: str
    request_id: str
    fields: list[str] = Field(description="The names of the members that were sent, never what they held.")
    tenant_id: str = Field(description="Empty in the operator's own chain.")
    previous: str = Field(description="The hash of the entry before.")
    hash: str = Field(description="SHA-256 over all else.")
