"""Erasure: a tenant goes for good, and nothing stays but what the ledger says was used and paid.

A tenant that is to be erased is refused from that moment on. Erasing begins once requests that were let in before
must have ended, so that none of them can write afterwards. It goes through the whole table, page by page, in as many
calls as it takes, and is over only when a pass from one end to the other has found nothing to erase.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from smyth.platform.errors import Busy, Conflict
from smyth.platform.plan_changes import LONGEST_REQUEST
from smyth.platform.tenants import Tenant, Tenants, UsageFence
from smyth.platform.times import Clock, utc_now

logger = logging.getLogger(__name__)


class Erasure(BaseModel):
    """How far the erasing of a tenant has come."""

    model_config = ConfigDict(frozen=True)

    tenant_id: str
    requested_at: datetime
    #: When no request of the tenant can be at work any more.
    begins_at: datetime
    #: Where in the table the pass under way goes on; empty at its beginning.
    cursor: str = ""
    #: Whether the pass has found nothing so far.
    clean: bool = True


class ErasureStore(Protocol):
    """Where erasures wait, and what they erase."""

    def request(self, tenant: Tenant, erasure: Erasure) -> bool:
        """Write the tenant, who is being erased now, and the erasure; False when the tenant has changed meanwhile."""
        ...

    def get(self, tenant_id: str) -> Erasure | None:
        """Return the erasure of a tenant."""
        ...

    def waiting(self) -> Iterable[Erasure]:
        """Yield all erasures that are not over."""
        ...

    def save(self, erasure: Erasure) -> None:
        """Write how far it has come."""
        ...

    def erase_page(self, tenant_id: str, cursor: str) -> tuple[int, str]:
        """Erase what a page of the table holds of the tenant, ledger entries down to their amounts.

        Returns how many items had to be changed or will have to be, and where the next page begins, empty at the end.
        """
        ...

    def erase_objects(self, tenant_id: str) -> int:
        """Erase a page of the tenant's objects with all their versions; return how many there were."""
        ...

    def finish(self, erasure: Erasure) -> None:
        """Delete the tenant's secrets, and at last the tenant itself and the erasure."""
        ...


class Outside(Protocol):
    """What a tenant has outside the table and the bucket: what watches for occasions, vectors in a store of theirs."""

    def remove_all(self, tenant_id: str) -> None:
        """Remove it for good.

        Raises:
            Busy: Not all of it could be removed now.
        """
        ...


class Erasures:
    """The use cases of erasure."""

    def __init__(
        self,
        store: ErasureStore,
        tenants: Tenants,
        fence: UsageFence,
        clock: Clock = utc_now,
        *,
        outside: Sequence[Outside] = (),
    ) -> None:
        self._outside = outside
        self._store = store
        self._tenants = tenants
        self._fence = fence
        self._now = clock

    def request(self, tenant_id: str) -> Erasure:
        """Refuse the tenant's requests from now on and let the erasing wait for its time; there is no way back.

        Raises:
            NotFound: There is no such tenant.
            Conflict: Others are changing the tenant.
        """
        tenant = self._tenants.get(tenant_id)
        erasure = self._store.get(tenant_id)
        if erasure is None:
            now = self._now()
            erasure = Erasure(tenant_id=tenant_id, requested_at=now, begins_at=now + LONGEST_REQUEST)
            tenant = tenant.model_copy(update={"status": "erasing"})
            if not self._store.request(tenant, erasure):
                raise Conflict(f"Others are changing the tenant {tenant_id}. Nothing was erased; try again.")
        self._fence.remove(tenant)
        return erasure

    def go_on(self, in_time: Callable[[], bool]) -> int:
        """Erase whatever waits while there is time; return how many tenants are gone now."""
        gone = 0
        for erasure in list(self._store.waiting()):
            if self._now() >= erasure.begins_at and self._erase(erasure, in_time):
                logger.info("the tenant %s is erased", erasure.tenant_id)
                gone += 1
        return gone

    def _erase(self, erasure: Erasure, in_time: Callable[[], bool]) -> bool:
        """Erase page by page; return whether it is over."""
        if not erasure.cursor:  # Before the pass that takes their records away.
            try:
                for part in self._outside:
                    part.remove_all(erasure.tenant_id)
            except Busy as busy:
                logger.warning("not all of the tenant %s could be removed, so later: %s", erasure.tenant_id, busy)
                return False
        while in_time():
            found, cursor = self._store.erase_page(erasure.tenant_id, erasure.cursor)
            found += self._store.erase_objects(erasure.tenant_id)
            clean = erasure.clean and not found
            if not cursor and clean:
                self._store.finish(erasure)
                return True
            # A new pass is clean until it finds something.
            erasure = erasure.model_copy(update={"cursor": cursor, "clean": clean or not cursor})
            self._store.save(erasure)
            if not cursor:  # The next pass is the next call's, so that what has to be waited for holds nobody up.
                return False
        return False
