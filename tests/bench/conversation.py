"""What a prompt, a tool round and the first word of a stream cost over asking the provider directly.

The provider is a process of its own on loopback that answers at once. Direct and own calls alternate, so that
both meet the same machine. The figures of the original are those of its own recordings on a like machine.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn

from tests.bench.handlers import ROOT, FreeMeter, OneAgent

AGENT_ID = "agt-01jd0000000000000000000000"
_PLAIN = "reply: Hello there"
_WITH_TOOL = 'call: hash {"text": "abc"}'
_SKILL = {
    "version": "1.0.0",
    "name": "Bench",
    "components": [
        {
            "id": "EP",
            "name": "APIEndpoint",
            "data": {"endpoint": "hash", "method": "POST", "description": "Hashes a text."},
            "inputs": [{"name": "text", "type": "Text"}],
            "outputs": [{"name": "body.text", "expression": "body.text"}],
        },
        {
            "id": "FH",
            "name": "FHash",
            "data": {"algorithm": "md5", "encoding": "hex"},
            "inputs": [{"name": "Data"}],
            "outputs": [{"name": "Hash"}],
        },
    ],
    "connections": [{"sourceId": "EP", "sourceIndex": 0, "targetId": "FH", "targetIndex": 0}],
}


@dataclass(frozen=True)
class Overhead:
    """Medians in milliseconds."""

    name: str
    direct_ms: float
    ours_ms: float
    #: What the original adds, as it was measured.
    original_ms: float
    at_most_ms: float

    @property
    def added_ms(self) -> float:
        """What we add."""
        return self.ours_ms - self.direct_ms

    @property
    def is_within_budget(self) -> bool:
        """Whether that is little enough."""
        return self.added_ms < self.at_most_ms


def measure(rounds: int = 200) -> list[Overhead]:
    """Measure all three, in this process as a warm function."""
    with _process(_PROVIDER) as base_url, _process(_STREAMS.format(base_url)) as app_url:
        prepare(base_url)
        return asyncio.run(_measure(base_url, app_url, rounds))


async def _measure(base_url: str, app_url: str, rounds: int) -> list[Overhead]:
    import openai

    def prompt(message: str) -> Callable[[], Awaitable[None]]:
        async def once() -> None:
            await asyncio.to_thread(_prompt, message)

        return once

    context = json.dumps({"authorizer": _event("")["requestContext"]["authorizer"]})
    async with (
        openai.AsyncOpenAI(api_key="any", base_url=base_url, max_retries=0) as direct,
        httpx.AsyncClient(base_url=app_url, headers={"x-amzn-request-context": context}) as client,
    ):
        asked = await _p50s(rounds, lambda: _ask(direct), prompt(_PLAIN), prompt(_WITH_TOOL))
        first = await _p50s(rounds, lambda: _first_word(direct), lambda: _first_word_streamed(client))
    direct_ms, plain_ms, tool_ms = asked
    return [
        Overhead("prompt", direct_ms, plain_ms, 104, 15),
        # A tool round is one more request to the provider; what comes on top is ours.
        Overhead("tool round", direct_ms, tool_ms - plain_ms, 240, 15),
        Overhead("first word of a stream", first[0], first[1], 102, 10),
    ]


async def _p50s(rounds: int, *works: Callable[[], Awaitable[Any]]) -> list[float]:
    """Do the works in turn; return the median of each, the first tenth left out as warm-up."""
    taken: list[list[float]] = [[] for _ in works]
    for number in range(rounds + rounds // 10):
        for work, times in zip(works, taken, strict=True):
            started = time.perf_counter()
            said = await work()
            ended = time.perf_counter() if said is None else said
            if number >= rounds // 10:
                times.append((ended - started) * 1000)
    return [statistics.median(times) for times in taken]


async def _ask(client: Any) -> None:
    async for _ in await _request(client):
        pass


async def _first_word(client: Any) -> float:
    """Return when the first word came; the rest is read after that."""
    came = 0.0
    async for chunk in await _request(client):
        if not came and chunk.choices and chunk.choices[0].delta.content:
            came = time.perf_counter()
    return came


async def _request(client: Any) -> Any:
    return await client.chat.completions.create(
        model="bench",
        messages=[{"role": "user", "content": _PLAIN}],
        stream=True,
        stream_options={"include_usage": True},
    )


async def _first_word_streamed(client: httpx.AsyncClient) -> float:
    came = 0.0
    async with client.stream("POST", f"/api/agents/{AGENT_ID}/stream", json={"message": _PLAIN}) as answer:
        async for line in answer.aiter_lines():
            if not came and '"type": "content"' in line:
                came = time.perf_counter()
    if not came:
        raise RuntimeError(f"the stream brought no word: {answer.status_code}")
    return came


def _prompt(message: str) -> None:
    from functions.prompt_agent.handler import handler
    from tests.integration.events import LambdaContext

    answer = handler(_event(message), LambdaContext())
    if answer["statusCode"] != 200:
        raise RuntimeError(f"prompt answered {answer['statusCode']}: {answer['body']}")


def _event(message: str) -> dict[str, Any]:
    from tests.integration.events import caller_context, proxy_event

    caller = caller_context("ten-01jd0000000000000000000000")
    return proxy_event("POST", f"/api/agents/{AGENT_ID}/prompt", body={"message": message}, caller=caller)


def prepare(base_url: str) -> None:
    """Let this process's functions serve one agent, whose model is at ``base_url``, without a network of our own."""
    model = {"provider": "OpenAI", "model": "bench", "base_url": base_url}
    os.environ["SMYTH_MODELS"] = json.dumps({"bench": model})
    os.environ.update(TABLE_NAME="bench", BUCKET_NAME="bench", POWERTOOLS_LOG_LEVEL="CRITICAL")
    os.environ.update(SMYTH_ALLOW_PRIVATE_HTTP="1", SMYTH_TRUST_REQUEST_CONTEXT="1")
    from smyth.http.services import services
    from smyth.platform.metering import Metering
    from smyth.platform.plans import PLANS

    vars(services())["meter"] = Metering(FreeMeter(), PLANS)
    vars(services())["agents"] = OneAgent({**_SKILL, "defaultModel": "bench"})


def serve_streams(base_url: str) -> None:
    """Serve the stream function's web app on a free port, tell its address, and never return."""
    prepare(base_url)
    from functions.stream_agent.handler import app

    # Without its protocol named asyncio leaves Nagle on, which costs 40 ms an answer.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off")).run(sockets=[listener])


@contextmanager
def _process(code: str) -> Iterator[str]:
    """Run ``code`` in a process of its own, so that it shares no lock with who measures; its first line is yielded."""
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


_PROVIDER = (
    "from smyth.testing import ModelServer\nwith ModelServer() as server: print(server.base_url, flush=True); input()"
)
_STREAMS = "from tests.bench.conversation import serve_streams\nserve_streams({!r})"
