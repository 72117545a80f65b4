"""Warm a function that asks models before AWS Lambda takes its snapshot, and make it one of a kind after each restore.

AWS's "Improving startup performance with Lambda SnapStart": what is imported and made before the snapshot is there at
every start; what must differ between environments (random state) or may be stale (connections) is made anew by hooks.
Nothing secret is read before the snapshot: keys are looked up by each request, AWS's credentials when the first
request to it is signed.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib.util import find_spec
from threading import Thread
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from starlette.types import Message, Scope

from smyth.components import registry
from smyth.connectors.models import litellm_calls
from smyth.connectors.models.catalog import Catalog
from smyth.connectors.models.clients import Connections
from smyth.connectors.models.entry import ModelEntry
from smyth.connectors.models.gateway import ModelGateway
from smyth.connectors.models.prices import price_table
from smyth.connectors.vault.memory import MemoryVault
from smyth.conversation import Turn
from smyth.document import load
from smyth.engine import compile
from smyth.http.services import services

if TYPE_CHECKING:
    import httpx

#: Where the Lambda Web Adapter posts around a snapshot, if it starts the web app.
_BEFORE, _AFTER = "AWS_LWA_SNAPSTART_BEFORE_CHECKPOINT_PATH", "AWS_LWA_SNAPSTART_AFTER_RESTORE_PATH"
_AGENT: dict[str, Any] = {"version": "1.0.0", "name": "Warm", "components": [], "connections": []}
_MODEL = "warm"
#: One model for each protocol that is spoken, and an answer in it.
_ANSWERS = {
    ("OpenAI", "gpt-4o-mini"): (
        '{"id":"a","object":"chat.completion.chunk","created":1,"model":"m","choices":'
        '[{"index":0,"delta":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}]}',
        '{"id":"a","object":"chat.completion.chunk","created":1,"model":"m","choices":[],'
        '"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}',
        "[DONE]",
    ),
    ("Anthropic", "claude-sonnet-4-5"): (
        '{"type":"message_start","message":{"usage":{"input_tokens":1,"output_tokens":1}}}',
        '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}',
        '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}}',
        '{"type":"content_block_stop","index":0}',
        '{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}',
        '{"type":"message_stop"}',
    ),
    ("GoogleAI", "gemini-2.5-flash"): (
        '{"candidates":[{"content":{"role":"model","parts":[{"text":"Hello"}]},"index":0,"finishReason":"STOP"}],'
        '"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":1,"totalTokenCount":2}}',
    ),
}


def prime_for_snapshot(app: FastAPI) -> None:
    """Have ``app`` warmed before the snapshot that is about to be taken, and renewed after each restore.

    Lambda's Python runtime runs registered functions. Behind the Lambda Web Adapter the app is a process of its own
    that the runtime knows nothing of; the adapter tells it by HTTP, and lets nobody else through to those paths.
    """
    if os.environ.get(_BEFORE) and os.environ.get(_AFTER):

        @app.post(os.environ[_BEFORE], status_code=204)
        async def before_snapshot() -> None:
            await asyncio.to_thread(warm, app)

        @app.post(os.environ[_AFTER], status_code=204)
        async def after_restore() -> None:
            renew()

        return
    # Comes with the runtime, and with nothing else.
    from snapshot_restore_py import register_after_restore, register_before_snapshot  # type: ignore[import-untyped]

    register_before_snapshot(warm, app)
    register_after_restore(renew)


def warm(app: FastAPI) -> None:
    """Load and run once what requests need; nothing leaves the process.

    Raises:
        RuntimeError: Something failed; the version is not published then.
    """
    failures: list[Exception] = []

    def work() -> None:
        try:
            _load()
            asyncio.run(_run_once(app))
        except Exception as error:
            failures.append(error)

    # A thread of its own: the random state that libraries written in Rust keep for a thread ends with it.
    thread = Thread(target=work)
    thread.start()
    thread.join()
    if failures:
        raise RuntimeError(f"The function could not be warmed for its snapshot: {failures[0]!r}") from failures[0]
    gc.collect()
    gc.freeze()  # What is there stays; looking at it again would only touch pages that restores need not read.


def renew() -> None:
    """Make this environment differ from all others that start from the same snapshot."""
    random.seed()
    services().close_connections()


def _load() -> None:
    from smyth.connectors.http.transport import tls_context

    litellm_calls.litellm()
    price_table()
    tls_context()
    for name in registry.names():
        registry.find(name)
    _make_services()
    if find_spec("numpy"):  # Only functions that search have it.
        import numpy  # noqa: F401


def _make_services() -> None:
    """Make what requests work with. Its clients open connections and look for credentials when they are first used."""
    made = services()
    made.table.prepare()
    made.bucket.prepare()
    _ = made.meter, made.agents, made.conversations, made.tenant_models
    made.ports("ten-none")


async def _run_once(app: FastAPI) -> None:
    """Answer a request that fits no route, then do a turn with one model of each kind."""
    await _not_found(app)
    plan = compile(load(_AGENT))
    for (provider, model), events in _ANSWERS.items():
        entry = ModelEntry.model_validate({"provider": provider, "model": model, "api_key": "none"})
        answering = _Answering("".join(f"data: {event}\n\n" for event in events))
        models = ModelGateway(Catalog({_MODEL: entry}), MemoryVault(), environment={}, retries=0, connections=answering)
        turn = Turn(plan, "Hello", replace(services().ports("ten-none"), models=models.view()), model=_MODEL)
        turn.check()
        await turn.run()
        if not turn.output:
            raise RuntimeError(f"{provider}'s answer was not understood")


class _Answering(Connections):
    """Connections that lead nowhere: each request has the same answer."""

    def __init__(self, body: str) -> None:
        super().__init__()
        self._body = body

    @asynccontextmanager
    async def borrow(self, *, guarded: bool) -> AsyncIterator[httpx.AsyncBaseTransport]:
        import httpx

        answer = httpx.Response(200, headers={"content-type": "text/event-stream"}, text=self._body)
        yield httpx.MockTransport(lambda _: answer)


async def _not_found(app: FastAPI) -> None:
    """Send a request through the app's middleware and its problem documents."""
    scope: Scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "https",
        "path": "/_snapshot/warm",
        "raw_path": b"/_snapshot/warm",
        "query_string": b"",
        "headers": [],
        "server": ("localhost", 443),
        "client": ("localhost", 0),
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_: Message) -> None:
        pass

    await app(scope, receive, send)
