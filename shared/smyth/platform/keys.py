"""API keys: shown once, stored as SHA-256, limited by role, agents, routes and time, revoked at once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import islice
from typing import Annotated, Literal, Protocol

from pydantic import AfterValidator, AliasChoices, AwareDatetime, BaseModel, ConfigDict, Field

from smyth.platform.access import OPERATOR, ROLES, Caller, known_routes, route_name
from smyth.platform.errors import Conflict, Forbidden, Invalid, NotFound
from smyth.platform.ids import AGENT, KEY, is_id, new_id
from smyth.platform.names import Name
from smyth.platform.times import Clock, utc_now

#: Makes a leaked key recognisable.
PREFIX = "smyth_"
#: How much of a key is shown afterwards, so that people can tell keys apart.
_SHOWN = len(PREFIX) + 6

Role = Literal["owner", "admin", "developer", "viewer"]

_ATTEMPTS = 5
_MOST_OVERLAP = timedelta(days=30)
#: What null takes away; of all else null means that it stays.
_REMOVABLE = {"expires_at", "requests_per_minute"}


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


Agents = Annotated[list[Annotated[str, AfterValidator(_agent_id)]], Field(max_length=100)]
Routes = Annotated[list[Annotated[str, AfterValidator(_route)]], Field(max_length=100)]
PerMinute = Annotated[int, Field(ge=1, le=1_000_000)]


class NewKey(BaseModel):
    """What a key is made from."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    role: Role
    #: Only the operator names a tenant; everybody else makes keys of their own.
    tenant_id: str | None = None
    agents: Agents = []
    routes: Routes = []
    expires_at: AwareDatetime | None = None
    requests_per_minute: PerMinute | None = None


class KeyChanges(BaseModel):
    """What a key may be changed by; ``null`` takes an end or a limit away."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    role: Role | None = None
    agents: Agents | None = None
    routes: Routes | None = None
    expires_at: AwareDatetime | None = None
    requests_per_minute: PerMinute | None = None


class Rotation(BaseModel):
    """How a key's secret is replaced."""

    model_config = ConfigDict(extra="forbid")

    overlap_seconds: int = Field(
        default=86_400,
        ge=0,
        le=int(_MOST_OVERLAP.total_seconds()),
        description="How long the secret of before still counts; 0: it ends now.",
    )


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
    #: Of billable requests; None: only the tenant's limit holds.
    requests_per_minute: int | None = None
    #: When it was used last, to within minutes; empty until then. Earlier versions wrote the day alone.
    last_used_at: str = Field(default="", validation_alias=AliasChoices("last_used_at", "last_used_day"))
    #: The secret before the last rotation, and until when it counts.
    previous_sha256: str = ""
    previous_until: datetime | None = None
    #: The operator's key, where the operator acts as the tenant.
    acting_for: str = ""
    #: Changes with every write, so that no writer overwrites what it has not seen.
    revision: int = 1


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

    def replace(self, known: Key, changed: Key) -> bool:
        """Write a changed key with the next revision, its secrets too; False when ``known`` is not as it is now."""
        ...

    def delete(self, key: Key) -> bool:
        """Delete a key and all its secrets; False when it is gone already or has changed."""
        ...


class Keys:
    """The use cases of keys."""

    def __init__(self, store: KeyStore, clock: Clock = utc_now) -> None:
        self._store = store
        self._now = clock

    def create(
        self,
        caller: Caller,
        tenant_id: str,
        fields: NewKey,
        *,
        secret: str | None = None,
        key_id: str | None = None,
        acting_for: str = "",
    ) -> tuple[Key, str]:
        """Make a key; return it with its secret, which cannot be had again.

        Args:
            caller: Who asks; nobody gives more than they have.
            tenant_id: Whose key it will be.
            fields: What it is made from.
            secret: The secret, where a repeated request must make the same key; see :func:`derived_secret`.
            key_id: The id, likewise.
            acting_for: The operator's key, where it is made for the operator to act as the tenant.

        Raises:
            Forbidden: The caller may not give this role or these routes.
            Invalid: The key would have expired already.
        """
        now = self._now()
        _check_gives_no_more(caller, fields)
        _check_to_come(fields.expires_at, now)
        secret = secret or PREFIX + secrets.token_urlsafe(32)
        key = Key(
            id=key_id or new_id(KEY),
            tenant_id=tenant_id,
            prefix=secret[:_SHOWN],
            sha256=hash_secret(secret),
            created_at=now,
            created_by=caller.key_id,
            acting_for=acting_for,
            **fields.model_dump(exclude={"tenant_id"}),
        )
        return self._store.create(key), secret

    def page(self, tenant_id: str, *, limit: int, after: str = "") -> tuple[list[Key], str]:
        """Return keys, newest first, and where the next page begins, empty at the end."""
        found = list(islice(self._store.newest_first(tenant_id, after), limit + 1))
        return found[:limit], found[limit - 1].id if len(found) > limit else ""

    def update(self, caller: Caller, tenant_id: str, key_id: str, changes: KeyChanges) -> Key:
        """Change what a key may do; it holds from the next request on.

        Raises:
            NotFound: The tenant has no such key.
            Forbidden: The key could do, before or after, what the caller cannot.
            Invalid: The key would have expired already.
            Conflict: Others keep changing the key.
        """
        given = changes.model_dump(exclude_unset=True)
        given = {name: value for name, value in given.items() if value is not None or name in _REMOVABLE}
        if "expires_at" in given:
            _check_to_come(given["expires_at"], self._now())

        def change(key: Key) -> Key:
            changed = key.model_copy(update=given)
            for one in (key, changed):
                _check_gives_no_more(caller, one)
            return changed

        return self._change(tenant_id, key_id, change)

    def rotate(
        self, caller: Caller, tenant_id: str, key_id: str, rotation: Rotation, *, secret: str | None = None
    ) -> tuple[Key, str]:
        """Give a key a new secret; return both. The one before counts until the overlap ends, older ones no longer.

        The key keeps its id, so budgets, limits and usage go on.

        Args:
            caller: Who asks; who learns a secret must be able to do what it can.
            tenant_id: Whose key it is.
            key_id: Which one.
            rotation: How long both secrets count.
            secret: The secret, where a repeated request must make the same one.

        Raises:
            NotFound: The tenant has no such key.
            Forbidden: The key can do what the caller cannot.
            Conflict: The key has ended, or others keep changing it.
        """
        new = secret or PREFIX + secrets.token_urlsafe(32)
        sha256, now = hash_secret(new), self._now()

        def change(key: Key) -> Key:
            _check_gives_no_more(caller, key)
            if key.sha256 == sha256:  # A repeated request that was done before.
                return key
            if key.expires_at is not None and key.expires_at <= now:
                raise Conflict(f"The key {key_id} has expired. Give it another expires_at first, or make a new key.")
            until = now + timedelta(seconds=rotation.overlap_seconds)
            ends = min(until, key.expires_at) if key.expires_at else until
            new_secret = {"sha256": sha256, "prefix": new[:_SHOWN], "last_used_at": ""}
            return key.model_copy(update=new_secret | {"previous_sha256": key.sha256, "previous_until": ends})

        return self._change(tenant_id, key_id, change), new

    def revoke(self, caller: Caller, tenant_id: str, key_id: str) -> None:
        """Make a key useless from now on, with all its secrets.

        Raises:
            NotFound: The tenant has no such key.
            Forbidden: The key's role is above the caller's.
            Conflict: Others keep changing the key.
        """
        for _ in range(_ATTEMPTS):
            key = self._get(tenant_id, key_id)
            _check_role(caller, key.role)
            if self._store.delete(key):
                return
        raise _contended(key_id)

    def _change(self, tenant_id: str, key_id: str, change: Callable[[Key], Key]) -> Key:
        """Write what ``change`` makes of the key as it is now."""
        for _ in range(_ATTEMPTS):
            key = self._get(tenant_id, key_id)
            changed = change(key)
            if changed == key or self._store.replace(key, changed):
                return changed
        raise _contended(key_id)

    def _get(self, tenant_id: str, key_id: str) -> Key:
        key = self._store.get(tenant_id, key_id) if is_id(KEY, key_id) else None
        if key is None:
            raise NotFound(f"There is no key {key_id}. GET /api/keys lists those there are.")
        return key


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


def _check_gives_no_more(caller: Caller, key: NewKey | Key) -> None:
    """Refuse a key that could do what who makes or changes it cannot.

    Raises:
        Forbidden: The role, the routes or the requests a minute go beyond the caller's.
    """
    _check_role(caller, key.role)
    most = caller.key_requests_per_minute
    if most is not None and (key.requests_per_minute or most + 1) > most:
        raise Forbidden(f"Your key is limited to {most} requests a minute, so a key that it makes must be limited too.")
    if caller.routes and not (key.routes and set(key.routes) <= set(caller.routes)):
        raise Forbidden("Your key is limited to routes, so a key that it makes or changes must be limited to these.")


def _check_to_come(expires_at: datetime | None, now: datetime) -> None:
    if expires_at is not None and expires_at <= now:
        raise Invalid("expires_at lies in the past. Choose a time to come, or leave it out.")


def _contended(key_id: str) -> Conflict:
    return Conflict(f"Others are changing the key {key_id} at the same time. Nothing was changed; try again.")
