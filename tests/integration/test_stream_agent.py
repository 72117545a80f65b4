"""Streams through the web app on a real socket: events as they happen, clients that leave, what is billed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from functions.stream_agent.handler import app
from smyth.connectors.models.port import ModelError, ToolCall
from smyth.http import event_stream
from tests.integration.events import Context, call, caller_context
from tests.integration.talkers import NOBODY, ledger, script_models, statuses, talker
from tests.integration.waiting import until
from tests.integration.web_apps import let_in, served
from tests.peers.scripted_models import Reply


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    """Where the stream app is served, as behind the laptop's front."""
    with served(app) as url:
        yield url


@pytest.fixture
def client(base_url: str, caller: Context) -> Iterator[httpx.Client]:
    """A client that the front let through as ``caller``."""
    with httpx.Client(base_url=base_url, headers=let_in(caller), timeout=30) as client:
        yield client


def events_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line.removeprefix("data: ")) for line in text.splitlines() if line.startswith("data: ")]


def stream(client: httpx.Client, agent_id: str, body: Any, **options: Any) -> httpx.Response:
    return client.post(f"/api/agents/{agent_id}/stream", json=body, **options)


def test_a_prompt_is_told_word_by_word(client: httpx.Client, caller: Context) -> None:
    answer = stream(client, talker(caller), {"message": "one two three"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-usage-requests-remaining"] == "unlimited"
    events = events_of(answer.text)
    assert [event["type"] for event in events] == ["start", "content", "content", "content", "usage", "end"]
    assert [event["text"] for event in events[1:4]] == ["one", " two", " three"]
    start, end = events[0], events[-1]
    assert start["model"] == "Echo"
    assert start["request_id"] == end["request_id"] == answer.headers["x-request-id"]
    assert "conversation_id" not in start
    assert end["output"] == "one two three"
    assert end["cost"] == "0.000000"
    assert end["usage"]["total_tokens"] > 0
    assert statuses(caller) == ["settled"]


def test_skills_show_while_they_run(client: httpx.Client, caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    agent_id = talker(caller, model="scripted")
    calls = (ToolCall("c1", "greet", '{"who":"Ada"}'),)
    script_models(monkeypatch, Reply(thinking="hm", calls=calls), Reply("Done"))
    events = events_of(stream(client, agent_id, {"message": "Greet"}).text)
    kinds = ["start", "thinking", "tool_call", "tool_result", "content", "usage", "end"]
    assert [event["type"] for event in events] == kinds
    assert events[2] == {"type": "tool_call", "id": "c1", "name": "greet", "arguments": {"who": "Ada"}}
    assert events[3]["result"] == {"who": "Ada"}
    assert events[-1]["cost"] == "0.000060"
    assert ledger(caller)[0].provider_cost == 60


def test_a_chat_is_remembered_before_its_end_is_told(client: httpx.Client, caller: Context) -> None:
    agent_id = talker(caller)
    first = events_of(stream(client, agent_id, {"message": "one", "chat": True}).text)
    conversation_id = first[0]["conversation_id"]
    assert first[-1]["conversation_id"] == conversation_id
    stream(client, agent_id, {"message": "two", "conversation_id": conversation_id})
    history = call("GET", f"/api/agents/{agent_id}/chat?conversation_id={conversation_id}", caller=caller).json()
    assert [message["content"] for message in history["messages"]] == ["one", "one", "two", "two"]


def test_the_first_words_come_while_the_model_still_speaks(
    client: httpx.Client, caller: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent_id = talker(caller, model="scripted")
    script_models(monkeypatch, Reply("first words", hangs=True))
    with client.stream("POST", f"/api/agents/{agent_id}/stream", json={"message": "x"}) as answer:
        lines = (line for line in answer.iter_lines() if line)
        assert json.loads(next(lines)[6:])["type"] == "start"
        assert json.loads(next(lines)[6:]) == {"type": "content", "text": "first words"}


def test_a_client_that_leaves_stops_the_model_and_pays_for_what_was_said(
    client: httpx.Client, caller: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent_id = talker(caller, model="scripted")
    script_models(monkeypatch, Reply("half an answer", hangs=True), Reply("all of it"))
    body = {"message": "x", "conversation_id": "talk"}
    with client.stream("POST", f"/api/agents/{agent_id}/stream", json=body) as answer:
        next(line for line in answer.iter_lines() if "half an answer" in line)
    until(lambda: statuses(caller) == ["settled"])
    (entry,) = ledger(caller)
    assert (entry.output_tokens, entry.provider_cost) == (14, 1)
    # The conversation is free again, and the broken turn is not part of it.
    assert stream(client, agent_id, body).status_code == 200
    history = call("GET", f"/api/agents/{agent_id}/chat?conversation_id=talk", caller=caller).json()
    assert [message["content"] for message in history["messages"]] == ["x", "all of it"]


def test_many_clients_that_leave_leave_nothing_open(
    client: httpx.Client, caller: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent_id = talker(caller, model="scripted")
    script_models(monkeypatch, *[Reply("some", hangs=True)] * 12)
    for _ in range(12):
        with client.stream("POST", f"/api/agents/{agent_id}/stream", json={"message": "x", "chat": True}) as answer:
            next(answer.iter_lines())
    until(lambda: statuses(caller) == ["settled"] * 12)


def test_silence_is_filled_with_comments(
    client: httpx.Client, caller: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "HEARTBEAT_S", 0.05)
    agent_id = talker(caller, model="scripted")
    script_models(monkeypatch, Reply(hangs=True))
    with client.stream("POST", f"/api/agents/{agent_id}/stream", json={"message": "x", "chat": True}) as answer:
        comments = (line for line in answer.iter_lines() if line.startswith(":"))
        assert [next(comments), next(comments)] == [": still at work"] * 2


@pytest.mark.parametrize(
    ("reply", "said", "status"),
    [
        (Reply(error=ModelError("no", kind="credentials")), [], "released"),
        (Reply("half", error=ModelError("cut")), ["half"], "settled"),
    ],
)
def test_a_model_that_fails_ends_the_stream_with_an_error(
    client: httpx.Client, caller: Context, monkeypatch: pytest.MonkeyPatch, reply: Reply, said: list[str], status: str
) -> None:
    agent_id = talker(caller, model="scripted")
    script_models(monkeypatch, reply)
    events = events_of(stream(client, agent_id, {"message": "x", "chat": True}).text)
    assert [event["text"] for event in events if event["type"] == "content"] == said
    assert events[-1]["type"] == "error"
    assert events[-1]["message"]
    until(lambda: statuses(caller) == [status])


def test_a_failure_of_our_own_is_told_without_its_words_and_not_billed(
    client: httpx.Client, caller: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent_id = talker(caller, model="scripted")
    script_models(monkeypatch)  # An empty script raises IndexError.
    events = events_of(stream(client, agent_id, {"message": "x"}).text)
    assert events[-1] == {
        "type": "error",
        "code": "internal",
        "message": "The request failed by our own fault and was not billed. Try again.",
    }
    until(lambda: statuses(caller) == ["released"])


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"message": ""}, 422),
        ({"message": "x", "conversation_id": "../x"}, 422),
        ({"message": "x", "chat": "maybe"}, 422),
        ({"message": "x", "model": "no-such"}, 422),
        ({"message": "x", "conversation_id": "cnv-01k00000000000000000000000"}, 404),
        ([], 422),
    ],
)
def test_what_can_be_refused_is_refused_before_the_stream(
    client: httpx.Client, caller: Context, body: Any, status: int
) -> None:
    answer = stream(client, talker(caller), body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(statuses(caller)) <= {"released"}


def test_an_unknown_agent_is_not_found(client: httpx.Client, caller: Context) -> None:
    assert stream(client, NOBODY, {"message": "x"}).status_code == 404
    assert stream(client, talker(caller_context()), {"message": "x"}).status_code == 404


def test_without_the_fronts_word_nobody_gets_in(base_url: str) -> None:
    answer = httpx.post(f"{base_url}/api/agents/{NOBODY}/stream", json={"message": "x"})
    assert answer.status_code == 401


def test_a_limit_refuses_before_the_stream(base_url: str) -> None:
    caller = caller_context(plan="basic", limits={"requests_per_month": 1})
    agent_id = talker(caller)
    with httpx.Client(base_url=base_url, headers=let_in(caller)) as client:
        assert stream(client, agent_id, {"message": "x"}).headers["x-usage-requests-remaining"] == "0"
        assert stream(client, agent_id, {"message": "x"}).status_code == 429


def test_a_repeated_stream_is_told_again_and_billed_once(client: httpx.Client, caller: Context) -> None:
    agent_id = talker(caller)
    headers = {"Idempotency-Key": "same"}
    first, second = (stream(client, agent_id, {"message": "one two"}, headers=headers) for _ in range(2))
    assert events_of(second.text) == events_of(first.text)
    assert second.headers["content-type"].startswith("text/event-stream")
    assert statuses(caller) == ["settled"]


def test_the_lambda_handler_answers_the_same_events_whole(caller: Context) -> None:
    answer = call("POST", f"/api/agents/{talker(caller)}/stream", body={"message": "hello"}, caller=caller)
    assert answer.status == 200
    events = events_of(answer.content.decode())
    assert [event["type"] for event in events] == ["start", "content", "usage", "end"]
    assert statuses(caller) == ["settled"]


def test_streams_go_on_side_by_side(client: httpx.Client, caller: Context) -> None:
    agent_id = talker(caller)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: stream(client, agent_id, {"message": f"m {n}"}), range(8)))
    assert [events_of(answer.text)[-1]["output"] for answer in answers] == [f"m {n}" for n in range(8)]
