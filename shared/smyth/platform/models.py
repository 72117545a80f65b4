"""A tenant's own models: names for models that the catalogue lacks, or for its models with other settings."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Protocol

from pydantic import HttpUrl

from smyth.connectors.http.addresses import AddressGuard
from smyth.connectors.http.port import HttpError
from smyth.connectors.models.catalog import Catalog
from smyth.connectors.models.echo import ECHO
from smyth.connectors.models.entry import ModelEntry
from smyth.connectors.models.port import ModelError
from smyth.platform.errors import Conflict, Invalid, LimitReached, NotFound
from smyth.platform.model_records import ModelFields, TenantModel
from smyth.platform.times import Clock, utc_now

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.:@-]{0,99}$"

_MOST_MODELS = 100
#: How long a warm function believes what it has read.
_FRESH_S = 60.0
_MOST_REMEMBERED = 2_000


class ModelStore(Protocol):
    """Where tenants' models live."""

    def get(self, tenant_id: str, name: str) -> TenantModel | None:
        """Return a model."""
        ...

    def by_name(self, tenant_id: str) -> Iterable[TenantModel]:
        """Yield all models of a tenant."""
        ...

    def put(self, tenant_id: str, model: TenantModel) -> None:
        """Write a model, replacing the one that has its name."""
        ...

    def delete(self, tenant_id: str, name: str) -> bool:
        """Delete a model; False when it is gone already."""
        ...


class TenantModels:
    """The use cases of models. A foreign tenant's model is as unknown as one that does not exist."""

    def __init__(
        self,
        store: ModelStore,
        catalog: Catalog,
        *,
        allow_private: bool = False,
        clock: Clock = utc_now,
        ticks: Callable[[], float] = time.monotonic,
        guard: AddressGuard | None = None,
    ) -> None:
        """Make the use cases.

        Args:
            store: Where the records are.
            catalog: The models that every tenant has.
            allow_private: Whether models may lie at addresses that are not public, as on a laptop.
            clock: Tells when a record was written.
            ticks: Tells how long something has been remembered.
            guard: Decides about addresses.
        """
        self._store = store
        echo = ModelEntry(provider=ECHO, model=ECHO)
        self._common = {ECHO: echo} | {known: catalog.find(known) for known in catalog.names()}
        self._allow_private = allow_private
        self._guard = guard or AddressGuard(schemes=("https",))
        self._now = clock
        self._ticks = ticks
        self._remembered: dict[tuple[str, str], tuple[float, ModelEntry | None]] = {}

    def find(self, tenant_id: str, name: str) -> ModelEntry | None:
        """Return a tenant's own model as the gateway has it; what was read is believed for a minute."""
        now = self._ticks()
        until, entry = self._remembered.get((tenant_id, name), (0.0, None))
        if now < until:
            return entry
        model = self._store.get(tenant_id, name) if _is_name(name) else None
        entry = model.entry() if model else None
        if len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered[tenant_id, name] = (now + _FRESH_S, entry)
        return entry

    def lookup(self, tenant_id: str) -> Callable[[str], ModelEntry | None]:
        """Return :meth:`find` for one tenant."""
        return partial(self.find, tenant_id)

    def get(self, tenant_id: str, name: str) -> TenantModel | ModelEntry:
        """Return a model by name: the tenant's own, or the catalogue's.

        Raises:
            NotFound: Nobody has one of this name.
        """
        if name in self._common:
            return self._common[name]
        own = self._store.get(tenant_id, name) if _is_name(name) else None
        if own is None:
            raise _unknown(name)
        return own

    def page(
        self, tenant_id: str, *, q: str = "", limit: int = 20, after: str = ""
    ) -> tuple[list[tuple[str, TenantModel | ModelEntry]], str]:
        """Return models in the order of their names, and where the next page begins, empty at the end.

        Args:
            tenant_id: Whose own models are shown beside the catalogue's.
            q: Text that name or provider hold, whatever its case.
            limit: How many at the most.
            after: Where the page before ended.
        """
        wanted = q.casefold()
        found = [
            (name, model)
            for name, model in sorted(self._all(tenant_id), key=_by_name)
            if wanted in f"{name}\n{model.provider}".casefold() and (not after or _order(name) > _order(after))
        ]
        return found[:limit], found[limit - 1][0] if len(found) > limit else ""

    async def put(self, tenant_id: str, name: str, fields: ModelFields) -> TenantModel:
        """Make a model, or replace the one of this name.

        Raises:
            Invalid: The name cannot be used, or what was given cannot be used as a model.
            Conflict: The name belongs to the catalogue.
            LimitReached: The tenant has as many models as one may have.
        """
        self._check_name(name)
        await self._check_address(fields)
        return await asyncio.to_thread(self._write, tenant_id, name, fields)

    def delete(self, tenant_id: str, name: str) -> None:
        """Delete a model of the tenant's own.

        Raises:
            NotFound: The tenant has none of this name.
            Conflict: Another model falls back on it.
        """
        users = [model.name for model in self._store.by_name(tenant_id) if name in model.fallbacks]
        if users:
            raise Conflict(f'The model "{users[0]}" falls back on "{name}". Change its fallbacks first.')
        if not (_is_name(name) and self._store.delete(tenant_id, name)):
            raise _unknown(name)
        self._remembered.pop((tenant_id, name), None)

    def _write(self, tenant_id: str, name: str, fields: ModelFields) -> TenantModel:
        own = {model.name: model for model in self._store.by_name(tenant_id)}
        if name not in own and len(own) >= _MOST_MODELS:
            raise LimitReached(f"A tenant may have {_MOST_MODELS} models of its own. Delete one that is not used.")
        model = TenantModel(name=name, updated_at=self._now(), **fields.model_dump())
        self._check_entry(model)
        self._check_fallbacks(own | {name: model}, model)
        self._store.put(tenant_id, model)
        self._remembered.pop((tenant_id, name), None)
        return model

    def _all(self, tenant_id: str) -> Iterator[tuple[str, TenantModel | ModelEntry]]:
        yield from self._common.items()
        yield from ((own.name, own) for own in self._store.by_name(tenant_id) if own.name not in self._common)

    def _check_name(self, name: str) -> None:
        if not _is_name(name):
            raise Invalid(
                "A model's name has up to 100 letters, digits and signs of _.:@- and begins with a letter or digit."
            )
        if name.lower() in map(str.lower, self._common):
            raise Conflict(f'The name "{name}" belongs to a model of the catalogue. Choose another one.')

    def _check_entry(self, model: TenantModel) -> None:
        """Refuse what the gateway would refuse at each request."""
        entry = model.entry()
        try:
            provider = entry.served_by
        except ModelError as error:
            raise _invalid("provider", str(error)) from None
        if entry.base_url is not None and not provider.openai_shaped:
            raise _invalid(
                "base_url",
                f"{provider.name} cannot be asked at another address. Remove base_url, "
                'or use the provider "OpenAI" for a server that speaks its protocol.',
            )
        if entry.max_output >= entry.context_window:
            raise _invalid("max_output", "The context window must be larger than the longest answer, max_output.")

    async def _check_address(self, fields: ModelFields) -> None:
        """Refuse an address that this stack may not be led to."""
        if fields.base_url is None or self._allow_private:
            return
        url = HttpUrl(fields.base_url)
        try:
            self._guard.check_scheme(url.scheme)
            await self._guard.addresses((url.host or "").strip("[]"), url.port or 443)
        except HttpError as error:
            raise _invalid("base_url", str(error)) from None

    def _check_fallbacks(self, own: dict[str, TenantModel], model: TenantModel) -> None:
        known = self._common.keys() | own.keys()
        for name in model.fallbacks:
            if name not in known:
                raise _invalid("fallbacks", f'There is no model "{name}" to fall back on. GET /api/models lists all.')
        if len(set(model.fallbacks)) < len(model.fallbacks):
            raise _invalid("fallbacks", "A model is named twice among the fallbacks. Name each once.")
        waiting, seen = list(model.fallbacks), set[str]()
        while waiting:
            name = waiting.pop()
            if name == model.name:
                raise _invalid("fallbacks", f'"{name}" would fall back on itself. Take it out of the circle.')
            if name in own and name not in seen:
                seen.add(name)
                waiting += own[name].fallbacks


def _is_name(text: str) -> bool:
    return re.fullmatch(NAME_PATTERN, text) is not None


def _order(name: str) -> tuple[str, str]:
    return name.casefold(), name


def _by_name(named: tuple[str, object]) -> tuple[str, str]:
    return _order(named[0])


def _invalid(field: str, message: str) -> Invalid:
    return Invalid(message, [{"field": field, "message": message}])


def _unknown(name: str) -> NotFound:
    return NotFound(f'There is no model "{name}". GET /api/models lists those there are.')
