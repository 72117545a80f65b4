"""Gap: MiniStack ignores an authorizer's ``usageIdentifierKey``, so usage plans never see whose request it is.

The laptop's stack therefore reads the API key from a header (API key source HEADER), and the front puts the tenant's
usage identifier there, learned from the authorizer function itself.
"""

from __future__ import annotations

import hashlib
import time

from smyth.local.authorizer import Authorizer
from smyth.platform.routes import Route

#: A key's tenant never changes; the bound only forgets keys that are no longer used.
_KEEP_SECONDS = 60.0
_KEEP_KEYS = 10_000


class UsageIdentifiers:
    """The usage identifier of each key, remembered for a minute."""

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer
        self._known: dict[bytes, tuple[str, float]] = {}

    async def of(self, key: str, *, route: Route, path: str, source_ip: str, tenant_id: str) -> str:
        """The identifier that goes into ``x-api-key``; empty when the key is unknown or has none."""
        digest = hashlib.sha256(f"{key} {tenant_id}".encode()).digest()
        identifier, until = self._known.get(digest, ("", 0.0))
        if until > time.monotonic():
            return identifier
        verdict = await self._authorizer.ask(
            key, method=route.method, path=path, resource=route.path, source_ip=source_ip, tenant_id=tenant_id
        )
        if verdict is None or not verdict.usage_identifier:
            return ""
        if len(self._known) >= _KEEP_KEYS:
            self._known.clear()
        self._known[digest] = (verdict.usage_identifier, time.monotonic() + _KEEP_SECONDS)
        return verdict.usage_identifier
