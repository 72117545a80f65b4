"""Doing a request once however often it is sent: who holds an Idempotency-Key, and the answer it got.

The first request under a key takes a claim; when it has answered, the claim
keeps the answer for a day. A second request finds the answer, or that the first
is still at work, or that it is another request. A claim whose holder went silent
is taken over when its lease ends.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from smyth.platform.errors import Conflict, Invalid

KEEP_ANSWERS = timedelta(hours=24)
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the first request was answered."""

    status: int
    content_type: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Claim:
    """One request's hold on an Idempotency-Key."""

    tenant_id: str
    #: Names the claim: the route and the key, hashed.
    name: str
    #: Tells whether a second request is the same: method, path, query and body, hashed.
    fingerprint: str
    #: The request that holds the claim.
    holder: str
    lease_until: datetime
    expires_at: datetime
    #: The first request that held it, and a random value of that time; both stay when another takes over, so that
    #: a repeated request creates the same thing.
    first: str
    salt: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A claim that somebody else has."""

    fingerprint: str
    first: str
    salt: str
    answer: Answer | None


class ClaimStore(Protocol):
    """Where claims live."""

    def take(self, claim: Claim, now: datetime) -> Claim | Taken:
        """Take the claim where it is free, expired, or left by a silent holder; else tell who has it."""
        ...

    def finish(self, claim: Claim, answer: Answer) -> None:
        """Keep the answer; nothing happens where another has taken over."""
        ...

    def drop(self, claim: Claim) -> None:
        """Free the key again, because the request was refused."""
        ...


def new_claim(
    *, tenant_id: str, route: str, key: str, content: bytes, request_id: str, now: datetime, lease: timedelta
) -> Claim:
    """Return the claim that a request under an Idempotency-Key asks for.

    Args:
        tenant_id: Whose request it is.
        route: Method and path template.
        key: The Idempotency-Key.
        content: All that makes the request what it is.
        request_id: The request.
        now: The time.
        lease: How long the request may take.

    Raises:
        Invalid: The key is empty, too long, or holds other than visible ASCII.
    """
    if not _KEY.fullmatch(key):
        raise Invalid("The Idempotency-Key must be 1 to 255 visible ASCII characters, such as a UUID.")
    return Claim(
        tenant_id=tenant_id,
        name=hashlib.sha256(f"{route}\n{key}".encode()).hexdigest(),
        fingerprint=hashlib.sha256(content).hexdigest(),
        holder=request_id,
        lease_until=now + lease,
        expires_at=now + KEEP_ANSWERS,
        first=request_id,
        salt=secrets.token_hex(16),
    )


def replay(claim: Claim, taken: Taken) -> Answer:
    """Return the answer that the first request got.

    Raises:
        Invalid: The key was used for another request.
        Conflict: The first request is still at work.
    """
    if taken.fingerprint != claim.fingerprint:
        raise Invalid("This Idempotency-Key was used for another request. Use a new key for each new request.")
    if taken.answer is None:
        raise Conflict("The first request with this Idempotency-Key is still at work. Try again.", retry_after_s=1)
    return taken.answer
