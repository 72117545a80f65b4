"""Credentials: a tenant's secrets by name, in versions, for all of its agents or for some.

Values go in and never come out: agents get them through the vault, callers of the API do not.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import timedelta
from itertools import islice

from pydantic import HttpUrl, SecretStr

from smyth.connectors.http.addresses import AddressGuard
from smyth.connectors.http.port import HttpError
from smyth.connectors.notifications.signatures import new_secret
from smyth.connectors.vault.rotation import NotRotated, RotationHook
from smyth.platform.access import Caller
from smyth.platform.acl import OF_TEAM, Asker, owned
from smyth.platform.credential_records import (
    HOOK,
    MOST_VALUE_BYTES,
    NAME_PATTERN,
    Credential,
    CredentialFields,
    CredentialStore,
    RotationState,
    Secrets,
)
from smyth.platform.credential_versions import failed, with_value
from smyth.platform.errors import Conflict, Invalid, LimitReached, NotFound, PlatformError
from smyth.platform.times import Clock, rfc3339, utc_now

_MOST_CREDENTIALS = 200
_ATTEMPTS = 5
_BY_ROTATION = "rotation"
_DUE_AT_ONCE = 100


class Credentials:
    """The use cases of credentials."""

    def __init__(
        self,
        store: CredentialStore,
        hook: RotationHook,
        *,
        guard: AddressGuard | None = None,
        clock: Clock = utc_now,
    ) -> None:
        """Make the use cases.

        Args:
            store: Where credentials are.
            hook: Asks tenants' addresses for new values.
            guard: Decides about those addresses; None: any will do, as on a laptop.
            clock: Tells the time.
        """
        self._store = store
        self._hook = hook
        self._guard = guard
        self._now = clock

    def get(self, caller: Caller, name: str) -> Credential:
        """Return a credential.

        Raises:
            NotFound: There is none of this name.
            Forbidden: The caller may not see it.
        """
        found = self._known(caller.tenant_id, name)
        Asker.of(caller).check("read", found.access, _thing(name))
        return found

    def page(self, caller: Caller, *, limit: int, after: str = "") -> tuple[list[Credential], str]:
        """Return those the caller may see, by name, and where the next page begins, empty at the end."""
        asker = Asker.of(caller)
        seen = (one for one in self._store.by_name(caller.tenant_id, after) if asker.may("read", one.access))
        found = list(islice(seen, limit + 1))
        return found[:limit], found[limit - 1].name if len(found) > limit else ""

    async def put(self, caller: Caller, name: str, fields: CredentialFields) -> tuple[Credential, str]:
        """Make a credential or change one; return it with the secret of a rotation that is new, else with nothing.

        Raises:
            Invalid: The name or an address cannot be used, or a new credential has no value.
            Forbidden: The caller may not change it.
            Conflict: It is not as the caller knows it.
            LimitReached: The tenant has as many as one may have.
        """
        if not re.fullmatch(NAME_PATTERN, name):
            raise Invalid(
                "A credential's name has up to 100 letters, digits and signs of _.:@- and begins with a letter or "
                "digit or an underscore."
            )
        if fields.rotation and fields.stop_rotation:
            raise _invalid("stop_rotation", "Either set a rotation or stop it, not both.")
        if fields.rotation:
            await self._check_address(fields.rotation.url)
        return await asyncio.to_thread(self._put, caller, name, fields)

    def _put(self, caller: Caller, name: str, fields: CredentialFields) -> tuple[Credential, str]:
        for _ in range(_ATTEMPTS):
            known = self._store.get(caller.tenant_id, name)
            self._check_revision(known, fields.revision, name)
            if known is None:
                changed, secrets = self._made(caller, name, fields), {}
            else:
                self._check_may_change(caller, known, fields)
                changed, secrets = known, dict(self._store.secrets(caller.tenant_id, name))
            before = dict(secrets)
            if fields.value is not None and (
                known is None or fields.value.get_secret_value() != _current(known, secrets)
            ):
                value = fields.value.get_secret_value()
                changed = with_value(changed, secrets, value, by=caller.key_id, now=self._now())
            changed, shown = self._described(changed, secrets, fields, Asker.of(caller))
            if known is not None and changed == known:
                return known, ""
            changed = changed.model_copy(update={"updated_at": self._now()})
            if self._store.save(caller.tenant_id, known, changed, secrets if secrets != before else None):
                return self._known(caller.tenant_id, name), shown
        raise _changed_meanwhile(name)

    def _made(self, caller: Caller, name: str, fields: CredentialFields) -> Credential:
        if fields.value is None:
            raise _invalid("value", f'There is no credential "{name}" yet. Give its value to make it.')
        if sum(1 for _ in self._store.by_name(caller.tenant_id)) >= _MOST_CREDENTIALS:
            raise LimitReached(f"A tenant may have {_MOST_CREDENTIALS} credentials. Delete one that is not used.")
        now = self._now()
        return Credential(
            name=name,
            access={candidate: list(levels) for candidate, levels in OF_TEAM.items()},
            current=0,
            versions=(),
            created_at=now,
            updated_at=now,
        )

    def _described(
        self, known: Credential, secrets: dict[str, str], fields: CredentialFields, asker: Asker
    ) -> tuple[Credential, str]:
        """Return the credential as ``fields`` say besides its value, and the secret of a rotation that is new."""
        changes: dict[str, object] = {}
        shown = ""
        if fields.description is not None:
            changes["description"] = fields.description
        if fields.access is not None:
            changes["access"] = owned(fields.access, asker)
        if fields.stop_rotation:
            changes["rotation"] = None
            secrets.pop(HOOK, None)
        elif fields.rotation is not None:
            wanted = fields.rotation
            if HOOK not in secrets:
                secrets[HOOK] = shown = new_secret()
            due = known.versions[-1].created_at + timedelta(days=wanted.every_days)
            state = RotationState(url=wanted.url, every_days=wanted.every_days, due_at=due)
            same = known.rotation and (known.rotation.url, known.rotation.every_days) == (state.url, state.every_days)
            changes["rotation"] = known.rotation if same else state
        return known.model_copy(update=changes), shown

    def delete(self, caller: Caller, name: str) -> None:
        """Delete a credential and all its versions; running functions forget it within a minute.

        Raises:
            NotFound: There is none of this name.
            Forbidden: The caller does not own it.
            Conflict: Others are changing it.
        """
        for _ in range(_ATTEMPTS):
            known = self._known(caller.tenant_id, name)
            Asker.of(caller).check("owner", known.access, _thing(name))
            if self._store.delete(caller.tenant_id, known):
                return
        raise _changed_meanwhile(name)

    def rollback(self, caller: Caller, name: str, version: int | None) -> Credential:
        """Make a kept version the current one again, by default the newest before the current one.

        Raises:
            NotFound: There is no credential of this name, or it has no such version.
            Forbidden: The caller may not change it.
            Conflict: There is no version before, or others are changing it.
        """
        for _ in range(_ATTEMPTS):
            known = self._known(caller.tenant_id, name)
            Asker.of(caller).check("write", known.access, _thing(name))
            numbers = [one.number for one in known.versions]
            wanted = version
            if wanted is None:
                before = [number for number in numbers if number < known.current]
                if not before:
                    raise Conflict(f"{_thing(name)} has no version before {known.current}. Give it a new value.")
                wanted = before[-1]
            if wanted not in numbers:
                kept = ", ".join(map(str, numbers))
                raise NotFound(f"{_thing(name)} has no version {wanted}. Kept are: {kept}.")
            changed = known.model_copy(update={"current": wanted, "updated_at": self._now()})
            if self._store.save(caller.tenant_id, known, changed, None):
                return self._known(caller.tenant_id, name)
        raise _changed_meanwhile(name)

    async def rotate(self, caller: Caller, name: str, value: SecretStr | None) -> Credential:
        """Give a credential its next value: the given one, or the one that its rotation's address gives.

        Raises:
            NotFound: There is none of this name.
            Forbidden: The caller may not change it.
            Invalid: Neither is there a value nor a rotation.
            Conflict: The address gave no value, or others are changing the credential.
        """
        known = await asyncio.to_thread(self._known, caller.tenant_id, name)
        Asker.of(caller).check("write", known.access, _thing(name))
        if value is not None:
            changed, _ = await self.put(caller, name, CredentialFields(value=value))
            return changed
        if known.rotation is None:
            raise _invalid("value", f"{_thing(name)} has no rotation. Give the new value, or set a rotation first.")
        try:
            rotated = await self._rotate(caller.tenant_id, known, by=caller.key_id)
        except NotRotated as error:
            raise Conflict(f"Nothing was changed: no new value came. {error}") from None
        if not rotated:
            raise _changed_meanwhile(name)
        return await asyncio.to_thread(self._known, caller.tenant_id, name)

    async def rotate_due(self, in_time: Callable[[], bool]) -> int:
        """Rotate whatever is due while there is time; return how many have new values.

        What fails is tried again later, and says in its record why.
        """
        done = 0
        for tenant_id, name in await asyncio.to_thread(lambda: list(self._store.due(self._now(), _DUE_AT_ONCE))):
            if not in_time():
                break
            known = await asyncio.to_thread(self._store.get, tenant_id, name)
            if known is None or known.rotation is None or known.rotation.due_at > self._now():
                continue
            try:
                done += await self._rotate(tenant_id, known, by=_BY_ROTATION)
            except (NotRotated, PlatformError) as error:
                # The latter where the value cannot be kept: one tenant's full vault must not end others' rotations.
                told = known.model_copy(update={"rotation": failed(known.rotation, str(error), self._now())})
                await asyncio.to_thread(self._store.save, tenant_id, known, told, None)
        return done

    async def _rotate(self, tenant_id: str, known: Credential, *, by: str) -> bool:
        """Ask for a value and write it; False when the credential was changed meanwhile.

        Raises:
            NotRotated: No usable value came.
            LimitReached: The tenant's secrets have no room for it.
        """
        assert known.rotation is not None
        secrets = dict(await asyncio.to_thread(self._store.secrets, tenant_id, known.name))
        ask = {
            "type": "credential.rotation",
            "tenant_id": tenant_id,
            "name": known.name,
            "version": known.current,
            "due_at": rfc3339(known.rotation.due_at),
        }
        message_id = f"{tenant_id}.{known.name}.{known.revision}"
        value = await self._hook.new_value(known.rotation.url, secrets.get(HOOK, ""), ask, message_id=message_id)
        try:
            size = len(value.encode())
        except UnicodeEncodeError:
            raise NotRotated("The address gave a value with halves of characters.") from None
        if size > MOST_VALUE_BYTES:
            raise NotRotated(f"The address gave a value of more than {MOST_VALUE_BYTES:,} bytes.")
        now = self._now()
        changed = with_value(known, secrets, value, by=by, now=now).model_copy(update={"updated_at": now})
        return await asyncio.to_thread(self._store.save, tenant_id, known, changed, secrets)

    def _known(self, tenant_id: str, name: str) -> Credential:
        found = self._store.get(tenant_id, name) if re.fullmatch(NAME_PATTERN, name) else None
        if found is None:
            raise NotFound(f'There is no credential "{name}". GET /api/credentials lists those there are.')
        return found

    def _check_may_change(self, caller: Caller, known: Credential, fields: CredentialFields) -> None:
        asker = Asker.of(caller)
        asker.check("write", known.access, _thing(known.name))
        if fields.access is not None:
            asker.check("owner", known.access, _thing(known.name))

    def _check_revision(self, known: Credential | None, wanted: int | None, name: str) -> None:
        is_now = known.revision if known else 0
        if wanted is not None and wanted != is_now:
            raise Conflict(
                f'The credential "{name}" has the revision {is_now}, not {wanted}. Read it again, then change it.'
            )

    async def _check_address(self, text: str) -> None:
        """Refuse an address that this stack may not be led to."""
        if self._guard is None:
            return
        url = HttpUrl(text)
        try:
            self._guard.check_scheme(url.scheme)
            await self._guard.addresses((url.host or "").strip("[]"), url.port or 443)
        except HttpError as error:
            raise _invalid("rotation.url", str(error)) from None


def _current(known: Credential, secrets: Secrets) -> str | None:
    return secrets.get(str(known.current))


def _thing(name: str) -> str:
    return f'the credential "{name}"'


def _invalid(field: str, message: str) -> Invalid:
    return Invalid(message, [{"field": field, "message": message}])


def _changed_meanwhile(name: str) -> Conflict:
    return Conflict(f'Others are changing the credential "{name}". Read it again, then try again.')
