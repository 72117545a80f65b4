"""The audit: who did what, when, from where, and what came of it; each entry bears the hash of the one before.

A tenant's entries are one chain, the operator's another. No pydantic here: the authorizer writes refusals.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any, Literal, Protocol

from smyth.platform.times import Clock, rfc3339, utc_now

#: The chain of what belongs to no tenant: the operator's own doings, and requests without a known key.
OPERATOR_CHAIN = "operator"
#: What the first entry of a chain has for the hash of the one before.
FIRST = "0" * 64

Outcome = Literal["done", "refused"]

#: A page of filtered entries ends after it has read so many, however few it found.
_READ_AT_MOST = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that is worth an entry."""

    #: Whose chain it goes into; empty: the operator's.
    tenant_id: str
    #: The route (``POST /api/keys``), or what is no request in words of its own (``job:erasure``).
    action: str
    outcome: Outcome = "done"
    #: What it was done to: a path, an id.
    target: str = ""
    #: HTTP's status and our code of a refusal; 0 where no request was answered.
    status: int = 0
    code: str = ""
    #: Who: the key's id, its role, the person of a token, and the operator's key that acts as the tenant.
    actor: str = ""
    role: str = ""
    subject: str = ""
    acting_for: str = ""
    source_ip: str = ""
    request_id: str = ""
    #: The names of the members that were sent; never what they held.
    fields: tuple[str, ...] = ()

    @property
    def chain(self) -> str:
        """The chain it belongs to."""
        return self.tenant_id or OPERATOR_CHAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Event):
    """An event in its chain."""

    #: From 1 on, without a gap.
    seq: int
    #: RFC 3339; never before the entry before.
    at: str
    #: The hash of the entry before.
    previous: str
    #: SHA-256 over all else.
    hash: str = ""

    @property
    def month(self) -> str:
        """The month (UTC) it lies in."""
        return self.at[:7]

    def document(self) -> dict[str, Any]:
        """Return the entry as JSON has it."""
        return asdict(self) | {"fields": list(self.fields)}


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ends."""

    seq: int = 0
    hash: str = FIRST
    at: str = ""
    #: The month of the first entry.
    since: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which entries of a chain are asked for; what is empty does not matter."""

    since: str = ""
    until: str = ""
    action: str = ""
    actor: str = ""
    target: str = ""
    outcome: str = ""

    def takes(self, entry: Entry) -> bool:
        """Tell whether the entry is wanted."""
        return (
            (not self.since or entry.at >= self.since)
            and (not self.until or entry.at < self.until)
            and (not self.action or self.action.lower() in entry.action.lower())
            and (not self.actor or self.actor in (entry.actor, entry.subject, entry.acting_for))
            and (not self.target or self.target in entry.target)
            and (not self.outcome or self.outcome == entry.outcome)
        )


class AuditStore(Protocol):
    """Where chains live."""

    def append(self, event: Event, now: datetime, *, once: str = "") -> Entry | None:
        """Write the event at the end of its chain.

        Args:
            event: The event.
            now: The time.
            once: A name under which it is written only once within this minute; None is returned after that.

        Raises:
            Busy: It could not be written in time.
        """
        ...

    def head(self, chain: str) -> Head:
        """Return where a chain ends, as written last."""
        ...

    def entries(self, chain: str, *, after: str = "", newest_first: bool = False) -> Iterator[tuple[str, Entry]]:
        """Yield a chain's entries behind the place ``after``, each with its own place: ``2026-01/000000000007``."""
        ...


class Audit:
    """The use cases of the audit."""

    def __init__(self, store: AuditStore, clock: Clock = utc_now) -> None:
        self._store = store
        self._now = clock

    def record(self, event: Event) -> Entry:
        """Write what was done.

        Raises:
            Busy: It could not be written in time.
        """
        entry = self._store.append(event, self._now())
        assert entry is not None  # Nothing was asked for once only.
        return entry

    def record_refusal(self, event: Event) -> Entry | None:
        """Write a refusal; the same one to the same caller within a minute only once.

        Raises:
            Busy: It could not be written in time.
        """
        return self._store.append(replace(event, outcome="refused"), self._now(), once=refusal_name(event))

    def head(self, chain: str) -> Head:
        """Return where a chain ends."""
        return self._store.head(chain)

    def page(self, chain: str, wanted: Wanted, *, limit: int, after: str = "") -> tuple[list[Entry], str]:
        """Return wanted entries, newest first, and where the next page begins, empty at the end.

        A page may hold fewer than ``limit`` though another follows.
        """
        found: list[Entry] = []
        place = ""
        for read, (at, entry) in enumerate(self._store.entries(chain, after=after, newest_first=True)):
            if len(found) == limit or read == _READ_AT_MOST:
                return found, place
            if wanted.since and entry.at < wanted.since:
                break
            place = at
            if wanted.takes(entry):
                found.append(entry)
        return found, ""

    def export(self, chain: str, *, limit: int, after: str = "") -> tuple[list[Entry], str, Head | None]:
        """Return a part of the whole chain, oldest first.

        With it come where the next part begins, empty at the end, and at the end alone where the chain ends.
        """
        part = list(islice(self._store.entries(chain, after=after), limit + 1))
        while len(part) <= limit:
            head = self._store.head(chain)
            last_place, last_seq = (part[-1][0], part[-1][1].seq) if part else (after, 0)
            # Others go on writing meanwhile; an end without its entry is one that was cut off.
            more = list(islice(self._store.entries(chain, after=last_place), limit)) if head.seq > last_seq else []
            if not more:
                return [entry for _, entry in part], "", head
            part += more
        return [entry for _, entry in part[:limit]], part[limit - 1][0], None


def hash_of(document: dict[str, Any]) -> str:
    """Return the hash of an entry as JSON has it: over its canonical JSON without the hash itself."""
    hashed = {name: value for name, value in document.items() if name != "hash"}
    text = json.dumps(hashed, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def linked(event: Event, head: Head, now: datetime) -> Entry:
    """Return the event as the entry that follows ``head``."""
    # The clocks of two functions differ; the chain's order is the truth.
    at = max(rfc3339(now), head.at)
    # asdict would make the tuple of a slot a new one; the rest are plain values.
    entry = Entry(**asdict(event), seq=head.seq + 1, at=at, previous=head.hash)
    return replace(entry, hash=hash_of(entry.document()))


def refusal_name(event: Event) -> str:
    """Return what two refusals have in common that need only one entry."""
    who = event.actor or event.source_ip
    return hashlib.sha256("\n".join([who, event.action, str(event.status), event.code]).encode()).hexdigest()[:32]
