"""The index brought to agree with what lies in the bucket, one document at a time, whatever was told of it and when.

Messages only say where to look. What lies there is compared with the record, and a worker that has work takes the
record in its hands for a while, so that one message delivered five times is done once. Every write of the record is
conditional on the one before it. A worker that finds itself overtaken after it has written to the index begins again
with the newest version, so a late one never has the last word; and so does whoever gets the message of a worker that
was ended.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from ulid import ULID

from smyth.connectors.documents.document import DocumentRefused
from smyth.connectors.knowledge.knowledge import Knowledge, KnowledgeError
from smyth.connectors.models.port import ModelError
from smyth.connectors.vectors.port import DimensionMismatch, NamespaceFull, NotReady, TooManyWriters
from smyth.platform.entries import Figures
from smyth.platform.errors import Busy, Forbidden, NotFound, PlatformError, RateLimited
from smyth.platform.idempotency import Taken
from smyth.platform.knowledge_records import (
    BY_BUCKET,
    Contents,
    KnowledgeRecords,
    KnownDocument,
    Place,
    Task,
    TaskQueue,
    read_place,
)
from smyth.platform.knowledge_runs import OutOfTime, Overtaken, Spent, VersionRun
from smyth.platform.metering import Admission, Metering
from smyth.platform.tenants import Tenant
from smyth.platform.times import Clock, utc_now

if TYPE_CHECKING:
    from smyth.connectors.models.allowance import Allowance

logger = logging.getLogger(__name__)

#: What the ledger calls it.
ROUTE = "POST /api/knowledge"
#: A worker that says nothing for so long is taken for ended; reading a document takes a minute at the most.
_HOLD = timedelta(minutes=3)
#: How long a version's request stays open: a worker that was ended comes again within minutes.
_LEASE = timedelta(hours=1)
_ATTEMPTS = 8
_LOOK_AGAIN_S = 15

#: ``unchanged``: there was nothing to do. ``later``: a further message was sent. ``ignored``: nobody's document.
Outcome = Literal["ready", "failed", "removed", "unchanged", "later", "ignored"]
#: Makes what a tenant's agents know, for a request that may cost no more.
KnowledgeOf = Callable[[str, "Allowance | None"], Knowledge]
#: Tells what an admitted request may cost.
AllowanceOf = Callable[[Admission], "Allowance | None"]
#: What trying again does not mend.
_FINAL = (DocumentRefused, KnowledgeError, NamespaceFull, DimensionMismatch)


@dataclass(frozen=True, slots=True)
class Turn:
    """What a worker is given for one message."""

    #: The message was delivered before, so somebody was ended over it.
    again: bool = False
    #: It was so often that something about the document must end workers.
    give_up: bool = False
    in_time: Callable[[], bool] = lambda: True


class Indexing:
    """The use case of the worker."""

    def __init__(
        self,
        records: KnowledgeRecords,
        contents: Contents,
        queue: TaskQueue,
        *,
        tenant: Callable[[str], Tenant],
        meter: Metering,
        knowledge: KnowledgeOf,
        allowance: AllowanceOf,
        model: str,
        clock: Clock = utc_now,
    ) -> None:
        """Take what the work needs; ``model`` names the embedding model."""
        self._records = records
        self._contents = contents
        self._queue = queue
        self._tenant = tenant
        self._meter = meter
        self._knowledge = knowledge
        self._allowance = allowance
        self._model = model
        self._now = clock

    async def agree(self, task: Task, turn: Turn | None = None) -> Outcome:
        """Do what a message asks for; done once however often it comes.

        Raises:
            PlatformError: It could not be done now; the message must come again.
            TooManyWriters: The same.
            ModelError: The embedding model failed; the same.
        """
        turn = turn or Turn()
        place = read_place(task.tenant_id, task.key)
        try:
            tenant = self._tenant(task.tenant_id)
        except NotFound:
            return "ignored"
        if place is None or tenant.status == "erasing":
            return "ignored"
        again = task.again or turn.again
        for _ in range(_ATTEMPTS):
            try:
                record = self._noticed(tenant.id, place)
                if record is None:
                    await self._knowledge(tenant.id, None).put(tenant.id, place.namespace, place.document_id, ())
                    return "removed"
                if record.status == "failed" or (record.status == "ready" and (turn.give_up or not again)):
                    return "unchanged"
                if record.is_held(self._now()):
                    # Not the whole hold: mostly its worker is quicker.
                    self._queue.send(Task(tenant.id, place.key, again), _LOOK_AGAIN_S)
                    return "later"
                return await _Worker(self, tenant, record, turn).work()
            except Overtaken:
                again = True
        raise Busy(f"The document {place.document_id} changes again and again. Its message comes again.")

    def _noticed(self, tenant_id: str, place: Place) -> KnownDocument | None:
        """Return the record as it must be for what lies there; None where there is neither.

        Raises:
            Overtaken: Somebody else was quicker to write it.
        """
        known = self._records.get(tenant_id, place.document_id)
        found = self._contents.find(tenant_id, place.key)
        now = self._now()
        if found is None:
            if known is None or known.status == "deleting":
                return known
            record = known.going(now)
        elif known is None:
            record = KnownDocument.new(place, found, by=BY_BUCKET, now=now)
        elif known.etag != found.etag or known.status == "deleting":
            record = known.anew(now, found, BY_BUCKET)
        else:
            return known
        if not self._records.save(tenant_id, record):
            raise Overtaken
        return record


class _Worker:
    """One worker with one record in its hands."""

    def __init__(self, indexing: Indexing, tenant: Tenant, record: KnownDocument, turn: Turn) -> None:
        self._of = indexing
        self._tenant = tenant
        self._record = record
        self._turn = turn
        self._id = str(ULID())
        self._started = time.monotonic()

    async def work(self) -> Outcome:
        """Take the record and do what it asks for.

        Raises:
            Overtaken: Somebody else has written it.
        """
        of, record = self._of, self._record
        if record.status == "deleting":
            self._progress()
            return await self._remove()
        if self._turn.give_up:
            why = record.error or "The worker was ended over this document again and again."
            self._let_go(status="failed", error=f"{why} Mend the document and send it anew, or index it again.")
            return "failed"
        self._progress(error="", admitted_at=record.admitted_at or of._now())
        try:
            admission = self._admitted()
        except RateLimited as refused:
            self._let_go(status="queued", error=refused.detail, admitted_at=None)
            of._queue.send(Task(self._tenant.id, record.key), refused.retry_after_s or 60)
            return "later"
        except Busy:
            self._let_go(status="queued")
            raise
        except PlatformError as refused:
            self._let_go(status="failed", error=refused.detail)
            return "failed"
        return await self._index(admission)

    async def _remove(self) -> Outcome:
        """Take the document out of the index, and then its record away."""
        of, record = self._of, self._record
        await of._knowledge(self._tenant.id, None).put(self._tenant.id, record.namespace, record.id, ())
        await asyncio.to_thread(of._contents.clear, self._tenant.id, record.id)
        if not of._records.remove(self._tenant.id, self._record):
            raise Overtaken
        return "removed"

    async def _index(self, admission: Admission) -> Outcome:
        """Index the version under its request in the ledger."""
        of, spent = self._of, Spent()
        run = VersionRun(
            self._tenant.id,
            self._record,
            of._contents,
            of._knowledge(self._tenant.id, of._allowance(admission)),
            model=of._model,
            progress=self._progress,
            in_time=self._turn.in_time,
        )
        try:
            count = await run.index(spent, lambda: of._meter.note(admission, self._figures(spent)))
        except Overtaken:
            known = of._records.get(self._tenant.id, self._record.id)
            if known is None or known.version != self._record.version:  # Else another worker goes on with it.
                self._close(admission, spent)
            raise
        except OutOfTime:
            self._let_go()
            of._queue.send(Task(self._tenant.id, self._record.key))
            return "later"
        except (ModelError, *_FINAL) as error:
            return self._failed(admission, spent, error)
        except (NotReady, TooManyWriters, PlatformError) as error:
            self._let_go(error=str(error))
            raise
        # First billed, then told: whoever comes after a worker that was ended in between finds the request settled.
        of._meter.settle(admission, self._figures(spent))
        now = of._now()
        self._let_go(
            status="ready", indexed_version=self._record.version, indexed_at=now, chunks=count, done=count, total=count
        )
        await asyncio.to_thread(of._contents.clear, self._tenant.id, self._record.id)
        return "ready"

    def _failed(self, admission: Admission, spent: Spent, error: Exception) -> Outcome:
        """Write why there is no new version in the index; what was there before stays.

        Raises:
            ModelError: The provider is away, so that it is worth trying again.
        """
        if isinstance(error, ModelError) and error.kind not in ("invalid_request", "budget"):
            self._let_go(error=str(error))
            raise error
        self._close(admission, spent)
        self._let_go(status="failed", error=str(error))
        return "failed"

    def _admitted(self) -> Admission:
        """Let the version in as one request, the same one however often it is tried.

        Raises:
            Overtaken: Its request was given back because nobody came in time; it goes on as another version.
            PlatformError: The tenant has no request or budget left.
        """
        tenant, record = self._tenant, self._record
        if tenant.status != "active":
            raise Forbidden(f"The tenant is {tenant.status}. Index the document again when it is resumed.")
        admission = self._of._meter.admit(
            tenant.acting(record.created_by),
            request_id=record.version,
            route=ROUTE,
            at=record.admitted_at,
            lease=_LEASE,
        )
        assert not isinstance(admission, Taken)
        if admission.entry.status == "released":
            self._save(record.anew(self._of._now()))
            raise Overtaken
        return admission

    def _close(self, admission: Admission, spent: Spent) -> None:
        """Bill what the embedding model was asked for; else give the request back."""
        figures = self._figures(spent)
        if figures.provider_cost:
            self._of._meter.settle(admission, figures)
        else:
            self._of._meter.release(admission, figures)

    def _figures(self, spent: Spent) -> Figures:
        usage = spent.usage
        return Figures(
            model=usage[-1].model if usage else "",
            input_tokens=sum(one.input_tokens for one in usage),
            output_tokens=sum(one.output_tokens for one in usage),
            cached_tokens=sum(one.cached_tokens for one in usage),
            provider_cost=sum(one.cost_micro_usd for one in usage),
            duration_ms=round((time.monotonic() - self._started) * 1000),
        )

    def _progress(self, **changes: object) -> KnownDocument:
        """Write the record, and that this worker is alive.

        Raises:
            Overtaken: Somebody else has written it.
        """
        now: datetime = self._of._now()
        return self._save(self._record.held(self._id, now + _HOLD, now, **changes))

    def _let_go(self, **changes: object) -> None:
        """Write the record and hand it back.

        Raises:
            Overtaken: Somebody else has written it.
        """
        self._save(self._record.let_go(self._of._now(), **changes))

    def _save(self, record: KnownDocument) -> KnownDocument:
        if not self._of._records.save(self._tenant.id, record):
            raise Overtaken
        self._record = record
        return record
