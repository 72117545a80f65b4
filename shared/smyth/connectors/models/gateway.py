"""The model port on real providers: finds the model, its key and its address, and asks through LiteLLM."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import replace
from typing import Any

from smyth.connectors.http.addresses import AddressGuard
from smyth.connectors.http.port import HttpError
from smyth.connectors.models import litellm_calls, web_search
from smyth.connectors.models.catalog import Catalog, ModelEntry
from smyth.connectors.models.echo import ECHO, EchoModels
from smyth.connectors.models.failures import Attempt, is_retriable, model_error, retry_after_s
from smyth.connectors.models.port import Finished, Limits, ModelError, ModelEvent, ModelRequest, Usage
from smyth.connectors.models.tokens import request_tokens, text_tokens
from smyth.connectors.vault.port import Vault

#: Where models lie that documents name.
_PUBLIC = AddressGuard(schemes=("https",))
_VAULT_REFERENCE = re.compile(r"\{\{KEY\(([^(){}]+)\)\}\}")
#: What servers that ask for no key get to see.
_NO_KEY = "none"
_LONGEST_PAUSE_S = 5.0
#: What the original sends, word for word: agents' prompts were made to work beside it (PROTOCOL section 2.6).
_JSON_INSTRUCTION = """
Respond ONLY with a valid, parsable JSON object. Follow these strict guidelines:
1. The response must begin with '{' and end with '}'.
2. Use double quotes for all keys and string values.
3. Do not include any explanations, markdown, or text outside the JSON object.
4. Do not use newlines or indentation within the JSON structure.
5. For single-key responses, use the format: {"result": "your content here"}
6. For multiple keys, use: {"key1": "value1", "key2": "value2", ...}

Example of a valid response:
{"result": "This is a valid JSON response without any extra text."}
"""


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
    ) -> None:
        """Make a gateway.

        Args:
            catalog: The models by name.
            vault: Where keys are looked up first, by the request's team.
            environment: Where the stack's own keys and the providers' addresses are, such as ``OPENAI_BASE_URL``;
                by default the process's environment.
            allow_private: Whether documents may name addresses that are not public, as on a laptop.
            retries: How often to ask again when a provider is busy or fails before it answers.
            timeout_s: How long a provider may be silent.
        """
        self._catalog = catalog
        self._vault = vault
        self._environment = os.environ if environment is None else environment
        self._allow_private = allow_private
        self._retries = retries
        self._timeout_s = timeout_s
        self._echo = EchoModels()
        self._more: Callable[[str], ModelEntry | None] | None = None
        self._deadline: float | None = None

    def view(
        self,
        *,
        more: Callable[[str], ModelEntry | None] | None = None,
        deadline: float | None = None,
    ) -> ModelGateway:
        """Return a light copy for one request.

        Args:
            more: Finds models that the catalogue does not know, such as a tenant's own.
            deadline: Until when an answer must be there, by ``time.monotonic()``.
        """
        copied = copy(self)
        copied._more = more
        copied._deadline = deadline
        return copied

    def limits(self, model: str | dict[str, Any]) -> Limits:
        """See :meth:`smyth.connectors.models.port.ModelPort.limits`."""
        return self._echo.limits(model) if model == ECHO else self._catalog.find(model).limits

    def broken_off(self, request: ModelRequest, reply: str) -> Usage:
        """See :meth:`smyth.connectors.models.port.ModelPort.broken_off`."""
        if request.model == ECHO:
            return self._echo.broken_off(request, reply)
        entry = self._catalog.find(request.model)
        used = Usage(_name(request, entry), request_tokens(request), text_tokens(reply))
        return litellm_calls.priced(entry, used)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent]:
        """See :meth:`smyth.connectors.models.port.ModelPort.stream`."""
        if request.model == ECHO:
            async for event in self._echo.stream(request):
                yield event
            return
        entry = self._catalog.find(request.model)
        await self._check_address(entry)
        key, source = await self._key(entry, request.team_id)
        entry = self._at_its_address(entry)
        attempt = Attempt(entry.served_by.name, entry.model, key, source)
        await asyncio.to_thread(litellm_calls.litellm)
        last: Finished | None = None
        async with self._client(entry, key) as client:
            chunks = await self._open(entry, _asking_for_json(request), attempt, client)
            try:
                read = web_search.events if _searches(entry, request) else litellm_calls.events
                async for event in read(self._unless_silent(chunks), entry, _name(request, entry)):
                    if isinstance(event, Finished):
                        last = event
                    else:
                        yield event
            except ModelError:
                raise
            except Exception as error:
                raise model_error(error, attempt) from None
        if last is not None:  # Told once all is closed, for who listens no longer than that.
            yield last

    async def _open(self, entry: ModelEntry, request: ModelRequest, attempt: Attempt, client: Any | None) -> Any:
        """Send the request, again where that may help.

        Raises:
            ModelError: The provider refused or failed to the last.
        """
        for left in range(self._retries, -1, -1):
            try:
                async with asyncio.timeout(self._timeout_s):
                    if _searches(entry, request):
                        return await web_search.open_stream(entry, request, client)
                    return await litellm_calls.open_stream(entry, request, key=attempt.key, client=client)
            except Exception as error:
                told = model_error(error, attempt)
                pause = retry_after_s(error)
                if left == 0 or not is_retriable(told) or (pause or 0) > _LONGEST_PAUSE_S:
                    raise told from None
            await asyncio.sleep(0.5 * 2 ** (self._retries - left) if pause is None else max(0.0, pause))
        raise AssertionError("unreachable: the last round returns or raises")

    async def _unless_silent(self, chunks: Any) -> AsyncIterator[Any]:
        """Pass chunks on as long as each comes in time."""
        while True:
            async with asyncio.timeout(self._timeout_s):
                try:
                    chunk = await anext(chunks)
                except StopAsyncIteration:
                    return
            yield chunk

    def _at_its_address(self, entry: ModelEntry) -> ModelEntry:
        """Return ``entry`` with the provider's address that the stack's environment gives, unless it has its own."""
        address = self._environment.get(entry.served_by.address_environment)
        return entry.model_copy(update={"base_url": address}) if address and entry.base_url is None else entry

    async def _check_address(self, entry: ModelEntry) -> None:
        """Refuse addresses that a document must not name.

        Raises:
            ModelError: The address is not allowed, or the provider has a fixed one.
        """
        if entry.base_url is None or not entry.from_document:
            return
        if not entry.served_by.openai_shaped:
            raise ModelError(
                f"{entry.served_by.name} cannot be asked at another address. "
                'Remove base_url, or use the provider "OpenAI" for a server that speaks its protocol.',
                kind="invalid_request",
            )
        if self._allow_private:
            return
        import httpx

        try:
            url = httpx.URL(entry.base_url)
            _PUBLIC.check_scheme(url.scheme)
            await _PUBLIC.addresses(url.host, url.port or 443)
        except (HttpError, httpx.InvalidURL) as error:
            raise ModelError(f"The model's base_url cannot be used. {error}", kind="invalid_request") from None

    async def _key(self, entry: ModelEntry, team_id: str) -> tuple[str, str]:
        """Return the key and where it came from.

        An address of its own gets only a key that is named for it: neither the stack's
        nor the team's key for a provider is ever sent to somebody else's server.

        Raises:
            ModelError: There is no key.
        """
        if entry.api_key is not None:
            return await self._filled(entry.api_key, team_id), "the model object"
        if entry.base_url is not None and entry.credential is None:
            return _NO_KEY, "nowhere"
        provider = entry.served_by
        name = entry.credential or provider.name.lower()
        secret = await self._vault.get(team_id, name)
        if secret:
            return secret, f'the vault entry "{name}"'
        foreign = entry.from_document and entry.base_url is not None
        if not foreign and self._environment.get(provider.environment):
            return self._environment[provider.environment], f"the environment variable {provider.environment}"
        raise ModelError(f'There is no key for {provider.name}. Set the vault entry "{name}".', kind="credentials")

    async def _filled(self, text: str, team_id: str) -> str:
        """Replace ``{{KEY(name)}}`` by the team's secrets.

        Raises:
            ModelError: A secret is missing.
        """
        for name in _VAULT_REFERENCE.findall(text):
            secret = await self._vault.get(team_id, name)
            if not secret:
                raise ModelError(f'The model\'s key is missing. Set the vault entry "{name}".', kind="credentials")
            text = text.replace(f"{{{{KEY({name})}}}}", secret)
        return text

    @asynccontextmanager
    async def _client(self, entry: ModelEntry, key: str) -> AsyncIterator[Any | None]:
        """Offer an OpenAI client for OpenAI and for addresses that entries name; LiteLLM has its own for the rest.

        It lives as long as one request: leaving closes the connection, so that a provider stops when the caller goes.
        """
        provider = entry.served_by
        if not provider.openai_shaped or (entry.base_url is None and provider.name != "OpenAI"):
            yield None
            return
        import httpx
        import openai

        from smyth.connectors.http.transport import GuardedTransport

        guarded = entry.from_document and not self._allow_private
        transport = GuardedTransport(_PUBLIC) if guarded else None
        http = httpx.AsyncClient(transport=transport, trust_env=False) if transport else httpx.AsyncClient()
        async with openai.AsyncOpenAI(api_key=key, base_url=entry.base_url, max_retries=0, http_client=http) as client:
            yield client


def _name(request: ModelRequest, entry: ModelEntry) -> str:
    """Return the model's name as the user knows it."""
    return request.model if isinstance(request.model, str) else entry.model


def _searches(entry: ModelEntry, request: ModelRequest) -> bool:
    """Tell whether the provider shall search the web by itself."""
    return request.web_search is not None and entry.served_by.name == "OpenAI"


def _asking_for_json(request: ModelRequest) -> ModelRequest:
    """Say in words, too, that JSON is wanted: providers refuse JSON mode where the messages do not speak of it."""
    if request.response_format != "json":
        return request
    first, *rest = request.messages or [{}]
    if first.get("role") == "system":
        messages = [{**first, "content": f"{first['content']}{_JSON_INSTRUCTION}"}, *rest]
    else:
        messages = [{"role": "system", "content": _JSON_INSTRUCTION}, *request.messages]
    return replace(request, messages=messages)
