"""Claims on Idempotency-Keys: ``T#<tenant>#I`` / ``<name>``, gone a day later by TTL.

Small answers lie in the item, big ones in the bucket.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from smyth.aws.bucket import Bucket
from smyth.aws.storage import EXPIRES_TAG
from smyth.aws.table import ConditionFailed, Item, Table, Write, delete, key, put, update
from smyth.platform.idempotency import Answer, Claim, Taken
from smyth.platform.times import rfc3339

#: An item holds 400 KB at the most, and each read pays for all of it.
_INLINE_BYTES = 64 * 1024
#: A claim lives a day from before its answer is there; the bucket's lifecycle counts whole days from then.
_GOES = {EXPIRES_TAG: "1"}


class DynamoClaims:
    """A :class:`~smyth.platform.idempotency.ClaimStore` in the table."""

    def __init__(self, table: Table, bucket: Bucket) -> None:
        self._table = table
        self._bucket = bucket

    def take(self, claim: Claim, now: datetime) -> Claim | Taken:
        """See :meth:`smyth.platform.idempotency.ClaimStore.take`."""
        claim = self._inherit(claim, now)
        try:
            self._table.write(self.take_write(claim, now))
        except ConditionFailed as failed:
            return self.read(claim, failed.item)
        return claim

    def _inherit(self, claim: Claim, now: datetime) -> Claim:
        """Return the claim with what stays of the silent holder whose place it would take."""
        item = self._table.get(*_at(claim))
        if item is None or item["expires_at"] <= now.timestamp() or item["fingerprint"] != claim.fingerprint:
            return claim
        return replace(claim, first=item["first"], salt=item["salt"])

    def take_write(self, claim: Claim, now: datetime) -> Write:
        """Return the write that takes the claim, for use in a transaction."""
        pk, sk = _at(claim)
        item = {
            "pk": pk,
            "sk": sk,
            "fingerprint": claim.fingerprint,
            "holder": claim.holder,
            "first": claim.first,
            "salt": claim.salt,
            "lease_until": rfc3339(claim.lease_until),
            "expires_at": int(claim.expires_at.timestamp()),
        }
        free = "attribute_not_exists(#pk) OR #expires_at <= :now_s"
        silent = "(attribute_not_exists(#status) AND #lease_until < :now AND #fingerprint = :fingerprint)"
        values = {"now_s": int(now.timestamp()), "now": rfc3339(now), "fingerprint": claim.fingerprint}
        return put(item, condition=f"{free} OR {silent}", values=values)

    def read(self, claim: Claim, item: Item) -> Claim | Taken:
        """Return who has the claim, from the item that was in the way; ourselves if the write was repeated."""
        if item["holder"] == claim.holder:
            return claim
        return Taken(item["fingerprint"], item["first"], item["salt"], self._answer(claim, item))

    def _answer(self, claim: Claim, item: Item) -> Answer | None:
        if "status" not in item:
            return None
        body = item["body"] if "body" in item else self._bucket.get(_answer_key(claim, item["holder"]))
        return Answer(item["status"], item["content_type"], body or b"", item["headers"])

    def finish(self, claim: Claim, answer: Answer) -> None:
        """See :meth:`smyth.platform.idempotency.ClaimStore.finish`."""
        try:
            self._table.write(self.finish_write(claim, answer))
        except ConditionFailed:
            return

    def finish_write(self, claim: Claim, answer: Answer) -> Write:
        """Store a big answer and return the write that ends the claim, for use in a transaction."""
        values: dict[str, Any] = {
            "status": answer.status,
            "content_type": answer.content_type,
            "headers": answer.headers,
            "holder": claim.holder,
        }
        sets = "SET #status = :status, #content_type = :content_type, #headers = :headers"
        if len(answer.body) <= _INLINE_BYTES:
            values["body"] = answer.body
            sets += ", #body = :body"
        else:
            self._bucket.put(_answer_key(claim, claim.holder), answer.body, answer.content_type, tags=_GOES)
        return update(key(*_at(claim)), sets, values, condition="#holder = :holder")

    def drop(self, claim: Claim) -> None:
        """See :meth:`smyth.platform.idempotency.ClaimStore.drop`."""
        write = delete(key(*_at(claim)), condition="#holder = :holder", values={"holder": claim.holder})
        try:
            self._table.write(write)
        except ConditionFailed:
            return


def _at(claim: Claim) -> tuple[str, str]:
    return f"T#{claim.tenant_id}#I", claim.name


def _answer_key(claim: Claim, holder: str) -> str:
    return f"t/{claim.tenant_id}/answers/{holder}"
