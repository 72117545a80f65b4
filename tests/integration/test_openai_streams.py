"""Streams of OpenAI's API on a real socket: chunks as they happen, clients that leave, what is billed."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from functions.openai_api.handler import app
from smyth.connectors.models.port import ModelError
from smyth.http import event_stream
from tests.integration.events import Context
from tests.integration.openai_requests import BOOK, BOOKS, CHAT, GREETS, told
from tests.integration.talkers import ledger, script_models, statuses, talker
from tests.integration.waiting import until
from tests.integration.web_apps import let_in, served
from tests.peers.scripted_models import Reply


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    """Where the app is served, as behind the laptop's front."""
    with served(app) as url:
        yield url


@pytest.fixture
def client(base_url: str, caller: Context) -> Iterator[httpx.Client]:
    """A client that the front let through as ``caller``."""
    with httpx.Client(base_url=base_url, headers=let_in(caller), timeout=30) as client:
        yield client


class TestStreams:
    def test_chunks_go_out_as_the_client_expects_them(
        self, client: httpx.Client, caller: Context, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        talker(caller, model="scripted")
        script_models(monkeypatch, Reply("Let me see.", calls=(GREETS,)), Reply("Now ", calls=(BOOKS,)))
        body = {
            "model": "talker",
            "messages": [{"role": "user", "content": "x"}],
            "tools": [BOOK],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        answer = client.post(CHAT, json=body)
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.text.endswith("data: [DONE]\n\n")
        *chunks, usage = told(answer.text)
        deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
        assert deltas[0] == {"role": "assistant", "content": ""}
        assert "".join(delta.get("content", "") for delta in deltas) == "Let me see.Now "
        (called,) = (delta["tool_calls"] for delta in deltas if "tool_calls" in delta)
        assert called == [
            {"index": 0, "id": "b1", "type": "function", "function": {"name": "book", "arguments": BOOKS.arguments}}
        ]
        assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * (len(chunks) - 1) + ["tool_calls"]
        assert all(chunk["usage"] is None for chunk in chunks)
        assert (usage["choices"], usage["usage"]["total_tokens"]) == ([], 34)
        assert statuses(caller) == ["settled"]

    def test_the_first_chunk_comes_at_once_and_silence_is_filled(
        self, client: httpx.Client, caller: Context, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(event_stream, "HEARTBEAT_S", 0.05)
        talker(caller, model="scripted")
        script_models(monkeypatch, Reply(hangs=True))
        body = {"model": "talker", "messages": [{"role": "user", "content": "x"}], "stream": True}
        with client.stream("POST", CHAT, json=body) as answer:
            lines = (line for line in answer.iter_lines() if line)
            assert json.loads(next(lines)[6:])["choices"][0]["delta"]["role"] == "assistant"
            assert next(lines).startswith(":")

    @pytest.mark.parametrize("path", [CHAT, "/v1/responses"])
    def test_a_client_that_leaves_stops_the_model_and_pays_for_what_was_said(
        self, client: httpx.Client, caller: Context, monkeypatch: pytest.MonkeyPatch, path: str
    ) -> None:
        talker(caller, model="scripted")
        script_models(monkeypatch, Reply("half an answer", hangs=True))
        body = {"model": "talker", "messages": [{"role": "user", "content": "x"}], "input": "x", "stream": True}
        with client.stream("POST", path, json=body) as answer:
            next(line for line in answer.iter_lines() if "half an answer" in line)
        until(lambda: statuses(caller) == ["settled"])
        assert ledger(caller)[0].provider_cost == 1

    def test_a_model_that_breaks_off_ends_the_stream_with_an_error(
        self, client: httpx.Client, caller: Context, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        talker(caller, model="scripted")
        script_models(monkeypatch, *[Reply("half", error=ModelError("The line is dead."))] * 2)
        body = {"model": "talker", "messages": [{"role": "user", "content": "x"}], "input": "x", "stream": True}
        last = told(client.post(CHAT, json=body).text)[-1]
        assert last["error"] == {
            "message": "The line is dead.",
            "type": "server_error",
            "param": None,
            "code": "model_failed",
        }
        *_, failure, end = told(client.post("/v1/responses", json=body).text)
        assert (failure["type"], failure["message"]) == ("error", "The line is dead.")
        assert (end["type"], end["response"]["status"]) == ("response.failed", "failed")
        until(lambda: statuses(caller) == ["settled"] * 2)

    def test_a_repeated_stream_is_told_again_and_billed_once(self, client: httpx.Client, caller: Context) -> None:
        talker(caller)
        body = {"model": "talker", "messages": [{"role": "user", "content": "one two"}], "stream": True}
        first, second = (client.post(CHAT, json=body, headers={"Idempotency-Key": "same"}) for _ in range(2))
        assert first.text == second.text
        assert statuses(caller) == ["settled"]
