"""API keys: shown once, stored as SHA-256, limited by role, agents, routes and time, revoked at once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from typing import Annotated, Literal, Protocol

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from smyth.platform.access import OPERATOR, ROLES, Caller, known_routes, route_name
from smyth.platform.errors import Forbidden, Invalid, NotFound
from smyth.platform.ids import AGENT, KEY, is_id, new_id
from smyth.platform.names import Name
from smyth.platform.times import Clock, utc_now

#: Makes a leaked key recognisable.
PREFIX = "smyth_"
#: How much of a key is shown afterwards, so that people can tell keys apart.
_SHOWN = len(PREFIX) + 6

Role = Literal["owner", "admin", "developer", "viewer"]


def _agent_id(text: str) -> str:
    if not is_id(AGENT, text):
        raise ValueError("this is no agent id; GET /api/agents lists them")
    return text


def _route(text: str) -> str:
    method, _, path = text.partition(" ")
    route = known_routes().get(route_name(method, path))
    if route is None:
        raise ValueError(
            "there is no such route; write it as in /openapi.json, such as POST /api/agents/{agent_id}/prompt"
        )
    return f"{route.method} {route.path}"


class NewKey(BaseModel):
    """What a key is made from."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    role: Role
    #: Only the operator names a tenant; everybody else makes keys of their own.
    tenant_id: str | None = None
    agents: list[Annotated[str, AfterValidator(_agent_id)]] = Field(default=[], max_length=100)
    routes: list[Annotated[str, AfterValidator(_route)]] = Field(default=[], max_length=100)
    expires_at: AwareDatetime | None = None


class Key(BaseModel):
    """A key without its secret."""

    model_config = ConfigDict(frozen=True)

    id: str
    tenant_id: str
    name: str
    role: Role
    #: The first characters of the secret.
    prefix: str
    sha256: str
    agents: list[str] = []
    routes: list[str] = []
    created_at: datetime
    #: The key that made it.
    created_by: str
    expires_at: datetime | None = None
    #: The day of the last use, as ``2026-01-31``; empty until then.
    last_used_day: str = ""


class KeyStore(Protocol):
    """Where keys live."""

    def create(self, key: Key) -> Key:
        """Write a new key and return it, or the one that a repeated request has made before."""
        ...

    def get(self, tenant_id: str, key_id: str) -> Key | None:
        """Return a key by its id."""
        ...

    def newest_first(self, tenant_id: str, after: str = "") -> Iterable[Key]:
        """Yield the tenant's keys behind the id ``after``."""
        ...

    def delete(self, key: Key) -> bool:
        """Delete a key; False when it is gone already."""
        ...


class Keys:
    """The use cases of keys."""

    def __init__(self, store: KeyStore, clock: Clock = utc_now) -> None:
        self._store = store
        self._now = clock

    def create(
        self, caller: Caller, tenant_id: str, fields: NewKey, *, secret: str | None = None, key_id: str | None = None
    ) -> tuple[Key, str]:
        """Make a key; return it with its secret, which cannot be had again.

        Args:
            caller: Who asks; nobody gives more than they have.
            tenant_id: Whose key it will be.
            fields: What it is made from.
            secret: The secret, where a repeated request must make the same key; see :func:`derived_secret`.
            key_id: The id, likewise.

        Raises:
            Forbidden: The caller may not give this role or these routes.
            Invalid: The key would have expired already.
        """
        now = self._now()
        _check_gives_no_more(caller, fields)
        if fields.expires_at is not None and fields.expires_at <= now:
            raise Invalid("expires_at lies in the past. Choose a time to come, or leave it out.")
        secret = secret or PREFIX + secrets.token_urlsafe(32)
        key = Key(
            id=key_id or new_id(KEY),
            tenant_id=tenant_id,
            prefix=secret[:_SHOWN],
            sha256=hash_secret(secret),
            created_at=now,
            created_by=caller.key_id,
            **fields.model_dump(exclude={"tenant_id"}),
        )
        return self._store.create(key), secret

    def page(self, tenant_id: str, *, limit: int, after: str = "") -> tuple[list[Key], str]:
        """Return keys, newest first, and where the next page begins, empty at the end."""
        found = list(islice(self._store.newest_first(tenant_id, after), limit + 1))
        return found[:limit], found[limit - 1].id if len(found) > limit else ""

    def revoke(self, caller: Caller, tenant_id: str, key_id: str) -> None:
        """Make a key useless from now on.

        Raises:
            NotFound: The tenant has no such key.
            Forbidden: The key's role is above the caller's.
        """
        key = self._store.get(tenant_id, key_id) if is_id(KEY, key_id) else None
        if key is not None:
            _check_role(caller, key.role)
        if key is None or not self._store.delete(key):
            raise NotFound(f"There is no key {key_id}. GET /api/keys lists those there are.")


def hash_secret(secret: str) -> str:
    """Return what of a secret is stored. It is random enough that no salt and no slow hash are needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def derived_secret(own_secret: str, salt: str) -> str:
    """Return the secret that a repeated request makes again without it being stored.

    It takes the caller's own secret, which is stored nowhere, and a random salt, which is stored for a day and shown
    to nobody: neither tells anything without the other.
    """
    digest = hmac.digest(own_secret.encode(), f"new key {salt}".encode(), "sha256")
    return PREFIX + base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _check_role(caller: Caller, role: Role) -> None:
    if caller.role != OPERATOR and ROLES.index(role) > ROLES.index(caller.role):
        raise Forbidden(f'Your role "{caller.role}" is below "{role}". Ask somebody with that role.')


def _check_gives_no_more(caller: Caller, fields: NewKey) -> None:
    """Refuse a key that could do what its maker cannot.

    Raises:
        Forbidden: The role or the routes go beyond the caller's.
    """
    _check_role(caller, fields.role)
    if caller.routes and not (fields.routes and set(fields.routes) <= set(caller.routes)):
        raise Forbidden("Your key is limited to routes, so a key that it makes must be limited to some of these.")
