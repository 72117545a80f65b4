"""Ask one provider once: its address, its key, a connection, and the interface that it speaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from smyth.connectors.http.port import HttpError
from smyth.connectors.models import anthropic, chat_completions, google_tokens, litellm_calls, responses
from smyth.connectors.models.clients import PUBLIC, Connections, client_on
from smyth.connectors.models.entry import ModelEntry
from smyth.connectors.models.failures import Attempt, model_error
from smyth.connectors.models.json_answers import asking_in_words
from smyth.connectors.models.keys import Key, Keys, place
from smyth.connectors.models.patience import Patience, unless_silent
from smyth.connectors.models.port import ModelError, ModelEvent, ModelRequest
from smyth.connectors.models.uploads import Uploads


@dataclass(frozen=True, slots=True)
class Asking:
    """What asking takes, the same for all requests of a process."""

    keys: Keys
    environment: Mapping[str, str]
    allow_private: bool
    connections: Connections
    uploads: Uploads
    tokens: google_tokens.GoogleTokens


@asynccontextmanager
async def ask(
    entry: ModelEntry, request: ModelRequest, name: str, asking: Asking, patience: Patience
) -> AsyncIterator[AsyncIterator[ModelEvent]]:
    """Send ``request`` and offer the events of its answer; leaving breaks the answer off.

    Args:
        entry: The model.
        request: What to ask.
        name: The model's name as the user knows it.
        asking: Keys, addresses, connections.
        patience: How long to wait.

    Raises:
        ModelError: The request cannot be sent, or the provider refused or failed.
    """
    provider = entry.served_by
    _check_guardrail(entry, request)
    await check_address(entry, allow_private=asking.allow_private)
    key = await asking.keys.key_for(entry, request.team_id)
    request = asking_in_words(request, provider)
    guarded = entry.from_document and entry.base_url is not None and not asking.allow_private
    attempt = Attempt(provider.name, entry.model, key.value, key.source)
    async with asking.connections.borrow(guarded=guarded) as transport:
        try:
            match provider.dialect:
                case "openai":
                    events = await _openai(entry, request, name, key, asking, transport, patience)
                case "anthropic":
                    events = await _anthropic(entry, request, name, key, asking, transport, patience)
                case "litellm":
                    events = await _litellm(entry, request, name, key, asking, transport, patience)
            yield _told(events, attempt)
        except ModelError:
            raise
        except Exception as error:
            raise model_error(error, attempt) from None


async def _told(events: AsyncIterator[ModelEvent], attempt: Attempt) -> AsyncIterator[ModelEvent]:
    """Pass events on; what goes wrong meanwhile is told in our words."""
    try:
        async for event in events:
            yield event
    except Exception as error:
        raise model_error(error, attempt) from None


async def _openai(
    entry: ModelEntry, request: ModelRequest, name: str, key: Key, asking: Asking, transport: Any, patience: Patience
) -> AsyncIterator[ModelEvent]:
    openai = await loaded(_import_openai)
    client = openai.AsyncOpenAI(
        api_key=key.value, base_url=address_of(entry, asking), max_retries=0, http_client=client_on(transport)
    )
    if entry.interface == "responses" or (request.web_search is not None and entry.served_by.name == "OpenAI"):
        opened = patience.wait(responses.open_stream(entry, request, client, asking.uploads))
        return responses.events(unless_silent(await opened, patience), entry, request, name)
    opened = patience.wait(chat_completions.open_stream(entry, request, client))
    return chat_completions.events(unless_silent(await opened, patience), entry, name)


async def _anthropic(
    entry: ModelEntry, request: ModelRequest, name: str, key: Key, asking: Asking, transport: Any, patience: Patience
) -> AsyncIterator[ModelEvent]:
    address = address_of(entry, asking) or ""
    opened = anthropic.open_stream(entry, request, client=client_on(transport), base_url=address, key=key.value)
    return anthropic.events(unless_silent(await patience.wait(opened), patience), entry, request, name)


async def _litellm(
    entry: ModelEntry, request: ModelRequest, name: str, key: Key, asking: Asking, transport: Any, patience: Patience
) -> AsyncIterator[ModelEvent]:
    await loaded(litellm_calls.litellm)
    address = address_of(entry, asking)
    if entry.served_by.name == "VertexAI":
        account = google_tokens.read_account(key.value, key.source)
        token = await patience.wait(asking.tokens.token(account, client_on(transport)))
        key = Key(token, key.source)
        address = _vertex_address(entry, account, address)
        transport = google_tokens.with_tokens(transport)
    opened = litellm_calls.open_stream(entry, request, key=key, base_url=address, transport=transport)
    return chat_completions.events(unless_silent(await patience.wait(opened), patience), entry, name)


async def loaded(load: Any) -> Any:
    """Return what a cached function loads; the first time, which may take seconds, in a thread."""
    return load() if load.cache_info().currsize else await asyncio.to_thread(load)


@cache
def _import_openai() -> Any:
    import openai

    return openai


def address_of(entry: ModelEntry, asking: Asking) -> str | None:
    """Return where the provider is: as the model says, as the environment says, or where it always is."""
    provider = entry.served_by
    if entry.base_url is not None:
        return provider.completed(entry.base_url)
    return provider.address(asking.environment)


def _vertex_address(entry: ModelEntry, account: Mapping[str, Any], host: str | None) -> str:
    """Return where Vertex AI serves Google's models for a project."""
    region = place(entry.settings, "region", "us-central1")
    project = place(entry.settings, "projectId", str(account.get("project_id", "")))
    own = "aiplatform" if region == "global" else f"{region}-aiplatform"
    host = host or f"https://{own}.googleapis.com"
    return f"{host.rstrip('/')}/v1/projects/{project}/locations/{region}/publishers/google"


def _check_guardrail(entry: ModelEntry, request: ModelRequest) -> None:
    """Refuse to leave out a guard that was asked for.

    Raises:
        ModelError: The provider has no guardrails.
    """
    if request.guardrail and entry.served_by.name != "Bedrock":
        raise ModelError(
            f"Bedrock's guardrails guard Bedrock's models only, not those of {entry.served_by.name}. "
            "Remove the guardrail, or choose a model of Bedrock.",
            kind="invalid_request",
        )


async def check_address(entry: ModelEntry, *, allow_private: bool) -> None:
    """Refuse addresses that a document must not name.

    Raises:
        ModelError: The address is not allowed, or the provider has a fixed one.
    """
    if entry.base_url is None or not entry.from_document or allow_private:
        return
    if not entry.served_by.openai_shaped:
        raise ModelError(
            f"{entry.served_by.name} cannot be asked at another address. "
            'Remove base_url, or use the provider "OpenAI" for a server that speaks its protocol.',
            kind="invalid_request",
        )
    import httpx

    try:
        url = httpx.URL(entry.base_url)
        PUBLIC.check_scheme(url.scheme)
        await PUBLIC.addresses(url.host, url.port or 443)
    except (HttpError, httpx.InvalidURL) as error:
        raise ModelError(f"The model's base_url cannot be used. {error}", kind="invalid_request") from None
