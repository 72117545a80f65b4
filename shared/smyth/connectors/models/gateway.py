"""The model port on real providers: finds the model, its key and its address, and asks by the right interface."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing
from copy import copy
from dataclasses import replace
from typing import Any

from smyth.connectors.models.allowance import Allowance
from smyth.connectors.models.ask import Asking, ask, loaded
from smyth.connectors.models.catalog import Catalog
from smyth.connectors.models.clients import Connections
from smyth.connectors.models.defaults import with_defaults
from smyth.connectors.models.echo import ECHO, EchoModels
from smyth.connectors.models.entry import ModelEntry
from smyth.connectors.models.google_tokens import GoogleTokens
from smyth.connectors.models.keys import Keys
from smyth.connectors.models.patience import Patience
from smyth.connectors.models.port import Finished, Limits, ModelError, ModelEvent, ModelRequest, Text, Usage, Verdict
from smyth.connectors.models.prices import price_table, priced
from smyth.connectors.models.tokens import request_tokens, text_tokens
from smyth.connectors.models.uploads import Uploads
from smyth.connectors.models.worst_case import held, reading_cost
from smyth.connectors.vault.port import Vault

_More = Callable[[str], ModelEntry | None]


class ModelGateway:
    """Answers for Echo, for every model of the catalogue, and for models that a document describes itself."""

    def __init__(
        self,
        catalog: Catalog,
        vault: Vault,
        *,
        environment: Mapping[str, str] | None = None,
        allow_private: bool = False,
        retries: int = 2,
        timeout_s: float = 60.0,
        connections: Connections | None = None,
    ) -> None:
        """Make a gateway.

        Args:
            catalog: The models by name.
            vault: Where keys are looked up first, by the request's team.
            environment: Where the stack's own keys and addresses are; by default the process's environment.
            allow_private: Whether documents may name addresses that are not public, as on a laptop.
            retries: How often to ask again when a provider is busy or fails before it answers.
            timeout_s: How long a provider may be silent.
            connections: Where requests go out; its own unless told.
        """
        self._catalog = catalog
        self._asking = Asking(
            keys=Keys(vault, os.environ if environment is None else environment),
            environment=os.environ if environment is None else environment,
            allow_private=allow_private,
            connections=connections or Connections(),
            uploads=Uploads(),
            tokens=GoogleTokens(),
        )
        self._patience = Patience(retries, timeout_s)
        self._echo = EchoModels()
        self._more: _More | None = None
        self._allowance: Allowance | None = None

    def view(
        self, *, more: _More | None = None, deadline: float | None = None, allowance: Allowance | None = None
    ) -> ModelGateway:
        """Return a light copy for one request; it shares connections with this one.

        Args:
            more: Finds models that the catalogue does not know, such as a tenant's own.
            deadline: Until when an answer must be there, by ``time.monotonic()``.
            allowance: What all answers together may cost; None: whatever they do.
        """
        copied = copy(self)
        copied._more = more
        copied._allowance = allowance
        copied._patience = replace(self._patience, deadline=deadline)
        return copied

    def limits(self, model: str | dict[str, Any]) -> Limits:
        """See :meth:`smyth.connectors.models.port.ModelPort.limits`."""
        return self._echo.limits(model) if model == ECHO else self._find(model).limits

    def broken_off(self, request: ModelRequest, reply: str) -> Usage:
        """See :meth:`smyth.connectors.models.port.ModelPort.broken_off`."""
        if request.model == ECHO:
            return self._echo.broken_off(request, reply)
        entry = self._find(request.model)
        return priced(entry, Usage(_name(request.model, entry), request_tokens(request), text_tokens(reply)))

    async def moderate(self, model: str | dict[str, Any], text: str, *, team_id: str) -> Verdict:
        """See :meth:`smyth.connectors.models.port.ModelPort.moderate`; a bare name is one of OpenAI's."""
        from smyth.connectors.models.moderation import moderate  # Few agents have such a rule.

        entry = self._find({"provider": "OpenAI", "model": model} if isinstance(model, str) else model)
        await loaded(price_table)
        if self._allowance is None:
            return await moderate(entry, text, team_id, self._asking)
        # Judged in pieces that overlap, no character more than twice.
        hold = await self._allowance.hold(reading_cost(entry, [text, text]))
        cost = 0
        try:
            verdict = await moderate(entry, text, team_id, self._asking)
            cost = verdict.usage.cost_micro_usd
            return verdict
        finally:
            hold.end(cost)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent]:
        """See :meth:`smyth.connectors.models.port.ModelPort.stream`.

        Where the model cannot answer, the ones that its entry names for this case are asked, each with its own
        key, as long as nobody has heard a word (PROTOCOL oddity 45). Usage tells who answered.
        """
        if request.model == ECHO:
            async for event in self._echo.stream(request):
                yield event
            return
        begun = reached = False
        failed: ModelError | None = None
        for model in self._candidates(request.model):
            try:
                async with aclosing(self._answer(replace(request, model=model))) as events:
                    async for event in events:
                        begun = True
                        yield event
                return
            except ModelError as error:
                reached = reached or error.reached_provider
                failed = error
                if begun:
                    break
        assert failed is not None
        failed.reached_provider = reached
        raise failed

    def _candidates(self, model: str | dict[str, Any]) -> Iterator[str | dict[str, Any]]:
        """Yield the model and who stands in for it; a stand-in's own stand-ins are not asked."""
        yield model
        yield from self._find(model).fallbacks

    async def _answer(self, request: ModelRequest) -> AsyncGenerator[ModelEvent]:
        """Ask one model, again where that may help and nobody has heard a word.

        Raises:
            ModelError: The model is unknown, or its provider refused or failed to the last.
        """
        entry = self._find(request.model)
        await loaded(price_table)
        request = with_defaults(request, entry)
        ask_once = self._once if self._allowance is None else self._within_allowance
        asked = 0
        while True:
            asked += 1
            begun = False
            try:
                async with aclosing(ask_once(entry, request)) as events:
                    async for event in events:
                        begun = True
                        yield event
                return
            except ModelError as error:
                pause = None if begun else self._patience.pause_s(error, asked)
                if pause is None:
                    raise
            await asyncio.sleep(pause)

    async def _within_allowance(self, entry: ModelEntry, request: ModelRequest) -> AsyncGenerator[ModelEvent]:
        """Ask one model once, for no more than the request may still spend.

        Raises:
            ModelError: As :meth:`_once`, or too little is left.
        """
        assert self._allowance is not None
        hold, request = await held(self._allowance, entry, request)
        said: list[str] = []
        begun = False
        try:
            async with aclosing(self._once(entry, request)) as events:
                async for event in events:
                    begun = True
                    if isinstance(event, Text):
                        said.append(event.text)
                    elif isinstance(event, Finished):
                        hold.end(event.usage.cost_micro_usd)
                    yield event
        except BaseException as error:
            if begun or not isinstance(error, Exception):  # As callers count it, too: the provider was at work.
                hold.end(min(hold.amount, self.broken_off(request, "".join(said)).cost_micro_usd))
            raise
        finally:
            hold.end(0)

    async def _once(self, entry: ModelEntry, request: ModelRequest) -> AsyncGenerator[ModelEvent]:
        """Ask one model once."""
        self._patience.begin()
        name = _name(request.model, entry)
        last: Finished | None = None
        async with ask(entry, request, name, self._asking, self._patience) as events:
            async for event in events:
                if isinstance(event, Finished):
                    last = event
                else:
                    yield event
        if last is not None:  # Told once all is closed, for who listens no longer than that.
            yield last

    def _find(self, model: str | dict[str, Any]) -> ModelEntry:
        """Return the entry for a model, the catalogue's or one of ``more``.

        Raises:
            ModelError: Nobody knows it.
        """
        try:
            return self._catalog.find(model)
        except ModelError as error:
            found = self._more(model) if self._more and isinstance(model, str) else None
            if found is None or error.kind != "unknown_model":
                raise
            return found


def _name(model: str | dict[str, Any], entry: ModelEntry) -> str:
    """Return the model's name as the user knows it."""
    return model if isinstance(model, str) else entry.model
