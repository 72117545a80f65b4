"""Tokens that agents fetched, sealed in the table: at ``T#<tenant>``, ``TOKEN#<place>``.

They are sealed with a key that lies in the tenant's secret, so that reading the table is not enough, and erasing the
secret ends them. One caller holds the lease and renews; the others look until the new token is there.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

from smyth.aws.table import ConditionFailed, Item, Table, key, update
from smyth.aws.tenant_vault import KeptVaults
from smyth.connectors.vault.tokens import REFUSED_S, MemoryTokens, NotRenewed, Renew, Token, Usable
from smyth.platform.errors import Busy

#: Longer than any request to a token server may take.
_LEASE_S = 60
#: A refresh token that nobody used for so long is given up.
_KEEP_S = 400 * 86_400
_WRITES = 3
_NONCE_BYTES = 12


class DynamoTokens:
    """The :class:`~smyth.connectors.vault.tokens.Tokens` of one tenant."""

    def __init__(
        self,
        table: Table,
        kept: KeptVaults,
        unsealed: MemoryTokens,
        tenant_id: str,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Make it.

        Args:
            table: Where tokens are.
            kept: Knows what they are sealed with.
            unsealed: Holds the tokens of a tenant who has no secrets, and so nothing to seal them with.
            tenant_id: Whose tokens.
            clock: Seconds since 1970.
            sleep: Between two looks for another's renewal.
        """
        self._table = table
        self._kept = kept
        self._unsealed = unsealed
        self._tenant_id = tenant_id
        self._now = clock
        self._sleep = sleep

    async def current(self, place: str, usable: Usable, renew: Renew) -> Token:
        """See :meth:`smyth.connectors.vault.tokens.Tokens.current`."""
        sealing = await self._kept.data_key(self._tenant_id)
        if sealing is None:
            return await self._unsealed.current(f"{self._tenant_id}#{place}", usable, renew)
        holder = uuid4().hex
        while True:
            item = await asyncio.to_thread(self._item, place) or {}
            token = self._opened(place, item, sealing)
            if token is not None and usable(token):
                return token
            if item.get("refused_until", 0) > self._now():
                raise NotRenewed(item["refused"])
            if await asyncio.to_thread(self._take, place, item, holder):
                # A task of its own: a caller that is cancelled must not lose what the server has given.
                return await asyncio.shield(asyncio.ensure_future(self._renewed(place, token, renew, sealing, holder)))
            await self._sleep(random.uniform(0.05, 0.25))  # noqa: S311 - spreads callers, guards nothing

    async def _renewed(self, place: str, before: Token | None, renew: Renew, sealing: bytes, holder: str) -> Token:
        try:
            token = await renew(before)
        except NotRenewed as error:
            told = {"refused": str(error), "refused_until": int(self._now()) + REFUSED_S}
            await self._end(place, holder, told)
            raise
        except BaseException:
            await self._end(place, holder, {})
            raise
        # Written whoever holds the lease by now: the server takes no older refresh token any more.
        await self._end(place, "", {"sealed": self._sealed(place, token, sealing), "refused_until": 0})
        return token

    def _item(self, place: str) -> Item | None:
        at = self._at(place)
        return self._table.get(at["pk"], at["sk"])

    def _take(self, place: str, seen: Item, holder: str) -> bool:
        """Take the lease, unless somebody holds it or has renewed the token that was ``seen``."""
        now = int(self._now())
        free = "(attribute_not_exists(#lease_until) OR #lease_until < :now)"
        same = "#round = :seen" if "round" in seen else "attribute_not_exists(#round)"
        values: dict[str, Any] = {
            "holder": holder,
            "until": now + _LEASE_S,
            "now": now,
            "keep": now + _KEEP_S,
            **({"seen": seen["round"]} if "round" in seen else {}),
        }
        changes = "SET #holder = :holder, #lease_until = :until, #expires_at = :keep"
        try:
            self._table.write(update(self._at(place), changes, values, condition=f"{free} AND {same}"))
        except ConditionFailed as error:
            return error.item.get("holder") == holder  # Our own write, when its answer was lost.
        return True

    async def _end(self, place: str, holder: str, members: dict[str, Any]) -> None:
        """Write ``members`` and give the lease back; with a ``holder`` only where it is still that one's."""
        now = int(self._now())
        values: dict[str, Any] = {"zero": 0, "keep": now + _KEEP_S, "round": uuid4().hex, **members}
        named = "".join(f", #{name} = :{name}" for name in members)
        changes = f"SET #lease_until = :zero, #expires_at = :keep, #round = :round{named}"
        condition = "#holder = :holder" if holder else ""
        write = update(self._at(place), changes, values | ({"holder": holder} if holder else {}), condition=condition)
        for attempt in range(1, _WRITES + 1):
            try:
                await asyncio.to_thread(self._table.write, write)
                return
            except ConditionFailed:
                return
            except Busy:
                if attempt == _WRITES:
                    raise

    def _sealed(self, place: str, token: Token, sealing: bytes) -> bytes:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = os.urandom(_NONCE_BYTES)
        text = json.dumps([token.access, token.refresh, token.ends]).encode()
        return nonce + AESGCM(sealing).encrypt(nonce, text, self._place(place))

    def _opened(self, place: str, item: Item, sealing: bytes) -> Token | None:
        """Return the stored token; None where there is none, or it was sealed with a key that is gone."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        sealed = item.get("sealed")
        if not sealed:
            return None
        sealed = bytes(sealed)
        try:
            text = AESGCM(sealing).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], self._place(place))
        except InvalidTag:
            return None
        return Token(*json.loads(text))

    def _place(self, place: str) -> bytes:
        return f"{self._tenant_id}#{place}".encode()

    def _at(self, place: str) -> Item:
        return key(f"T#{self._tenant_id}", f"TOKEN#{place}")
