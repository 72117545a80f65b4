"""Agents as models of OpenAI's API, through the function: what is answered, streamed, refused and billed."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import uvicorn

from functions.openai_api.handler import app
from smyth.connectors.models.port import ModelError, ToolCall
from smyth.http import event_stream
from smyth.http.caller import CONTEXT_HEADER
from smyth.http.services import services
from smyth.http.settings import settings
from tests.integration.events import OPERATOR, Answer, Context, call, caller_context
from tests.integration.talkers import ledger, script_models, statuses, talker
from tests.peers.scripted_models import Reply

CHAT = "/v1/chat/completions"
BOOK = {"type": "function", "function": {"name": "book", "parameters": {"type": "object", "properties": {}}}}
GREETS = ToolCall("g1", "greet", '{"who":"Ada"}')
BOOKS = ToolCall("b1", "book", '{"day":"monday"}')


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    """Where the app is served, as behind the laptop's front."""
    with pytest.MonkeyPatch.context() as patch, socket.socket() as listener:
        patch.setenv("SMYTH_TRUST_REQUEST_CONTEXT", "1")
        settings.cache_clear()
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()
    settings.cache_clear()


@pytest.fixture
def client(base_url: str, caller: Context) -> Iterator[httpx.Client]:
    """A client that the front let through as ``caller``."""
    headers = {CONTEXT_HEADER: json.dumps({"authorizer": caller})}
    with httpx.Client(base_url=base_url, headers=headers, timeout=30) as client:
        yield client


def chat(caller: Context, model: str, message: str = "hello", **members: Any) -> Answer:
    messages = [{"role": "user", "content": message}]
    return call("POST", CHAT, caller=caller, body={"model": model, "messages": messages, **members})


def error(answer: Answer, status: int) -> dict[str, Any]:
    assert answer.status == status, answer.content
    told: dict[str, Any] = answer.json()
    assert told.keys() == {"error"}
    assert told["error"].keys() == {"message", "type", "param", "code"}
    return dict(told["error"])


def told(text: str) -> list[dict[str, Any]]:
    """The events of a stream, without the word that ends it."""
    lines = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.02)


class TestChat:
    def test_it_is_billed_like_every_turn(self, caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
        agent_id = talker(caller, model="scripted")
        script_models(
            monkeypatch, Reply(calls=(GREETS,)), Reply("Hello Ada"), Reply(calls=(GREETS,)), Reply("Hello Ada")
        )
        answer = chat(caller, "talker")
        assert answer.json()["choices"][0]["message"] == {"role": "assistant", "content": "Hello Ada", "refusal": None}
        usage = answer.json()["usage"]
        assert usage["prompt_tokens"] == 24
        assert usage["prompt_tokens_details"] == {"cached_tokens": 4}
        assert answer.headers["x-usage-cost"] == "0.000060"
        call("POST", f"/api/agents/{agent_id}/prompt", caller=caller, body={"message": "hello"})
        by_prompt, by_chat = sorted(ledger(caller), key=lambda entry: "/v1/" in entry.route)
        assert by_chat.route == f"POST {CHAT}"
        kept = {
            "agent_id",
            "model",
            "input_tokens",
            "output_tokens",
            "cached_tokens",
            "provider_cost",
            "price",
            "status",
        }
        assert by_chat.model_dump(include=kept) == by_prompt.model_dump(include=kept)
        assert by_chat.agent_id == agent_id

    def test_the_caller_speaks_below_the_agent(self, caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
        talker(caller, model="scripted")
        models = script_models(monkeypatch, Reply("Yes"))
        messages = [
            {"role": "developer", "content": [{"type": "text", "text": "Rhyme."}]},
            {"role": "user", "content": "One"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}],
            },
            {"role": "tool", "tool_call_id": "1", "content": "done"},
            {"role": "assistant", "content": "Two"},
            {"role": "system", "content": "Be loud."},
            {"role": "user", "content": [{"type": "text", "text": "Three"}]},
        ]
        assert call("POST", CHAT, caller=caller, body={"model": "talker", "messages": messages}).status == 200
        (request,) = models.requests
        system, *rest = request.messages
        assert system["content"].startswith("Assistant Name : Talker")
        assert (
            system["content"].index("Be kind.")
            < system["content"].index("Rhyme.")
            < system["content"].index("Be loud.")
        )
        assert [message["content"] for message in rest] == ["One", "", "done", "Two", "Three"]

    def test_what_the_caller_chooses_reaches_the_model(self, caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
        talker(caller, model="scripted")
        models = script_models(monkeypatch, Reply("Yes"))
        schema = {"name": "day", "schema": {"type": "object"}, "strict": True}
        chosen = {
            "temperature": 0.5, "top_p": 0.9, "max_tokens": 5, "max_completion_tokens": 7, "stop": "END", "seed": 3,
            "frequency_penalty": 1, "presence_penalty": -1, "reasoning_effort": "low", "verbosity": "low",
            "response_format": {"type": "json_schema", "json_schema": schema}, "tools": [BOOK],
            "tool_choice": "required", "store": True, "metadata": {"a": "b"}, "service_tier": "auto", "n": 1,
            "logprobs": False, "unheard_of": 1,
        }  # fmt: skip
        assert chat(caller, "talker", **chosen).status == 200
        (request,) = models.requests
        assert (request.temperature, request.top_p, request.max_tokens, request.seed) == (0.5, 0.9, 7, 3)
        assert (request.stop, request.frequency_penalty, request.presence_penalty) == (["END"], 1, -1)
        assert (request.reasoning_effort, request.verbosity, request.tool_choice) == ("low", "low", "required")
        assert request.response_format == {"type": "json_schema", "json_schema": schema}
        assert [tool["function"]["name"] for tool in request.tools] == ["greet", "book"]

    def test_tools_of_the_caller_go_back_to_it(self, caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
        talker(caller, model="scripted")
        again = ToolCall("b2", "book", "{}")
        models = script_models(monkeypatch, Reply(calls=(GREETS,)), Reply(calls=(BOOKS, again)), Reply("Booked."))
        answer = chat(caller, "talker", tools=[BOOK]).json()["choices"][0]
        assert answer["finish_reason"] == "tool_calls"
        assert answer["message"]["content"] is None
        assert [one["id"] for one in answer["message"]["tool_calls"]] == ["b1", "b2"]
        results = [{"role": "tool", "tool_call_id": id, "content": "ok"} for id in ("b1", "b2")]
        messages = [{"role": "user", "content": "hello"}, answer["message"], *results]
        body = {"model": "talker", "messages": messages, "tools": [BOOK]}
        assert call("POST", CHAT, caller=caller, body=body).json()["choices"][0]["message"]["content"] == "Booked."
        assert [message["role"] for message in models.requests[-1].messages][1:] == [
            "user",
            "assistant",
            "tool",
            "tool",
        ]

    def test_who_takes_one_call_at_a_time_gets_one(self, caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
        talker(caller, model="scripted")
        script_models(monkeypatch, Reply(calls=(BOOKS, ToolCall("b2", "book", "{}"))))
        answer = chat(caller, "talker", tools=[BOOK], parallel_tool_calls=False).json()
        assert [one["id"] for one in answer["choices"][0]["message"]["tool_calls"]] == ["b1"]

    def test_who_wants_no_call_still_gets_skills(self, caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
        talker(caller, model="scripted")
        models = script_models(monkeypatch, Reply("No"))
        chat(caller, "talker", tools=[BOOK], tool_choice="none")
        assert [tool["function"]["name"] for tool in models.requests[0].tools] == ["greet"]

    def test_an_agent_is_named_with_the_version_to_ask(self, caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
        agent_id = talker(caller, model="scripted", behavior="First.")
        call("POST", f"/api/agents/{agent_id}/publish", caller=caller, body={})
        call("PATCH", f"/api/agents/{agent_id}", caller=caller, body={"behavior": "Second."})
        asked = {
            "": "First.",
            "@prod": "First.",
            "@latest": "First.",
            "@dev": "Second.",
            "@1": "First.",
            "@2": "Second.",
        }
        models = script_models(monkeypatch, *[Reply("Yes")] * len(asked))
        for version, behavior in asked.items():
            assert chat(caller, f"talker{version}").status == 200
            assert behavior in models.requests[-1].messages[0]["content"]
        for version in ("@3", "@0", "@x", "@-1", "@99999999999"):
            assert error(chat(caller, f"talker{version}"), 404)["code"] == "model_not_found"

    def test_a_repeated_request_is_answered_again_and_billed_once(self, caller: Context) -> None:
        talker(caller)
        body = {"model": "talker", "messages": [{"role": "user", "content": "hello"}]}
        answers = [call("POST", CHAT, caller=caller, body=body, headers={"Idempotency-Key": "1"}) for _ in range(2)]
        assert answers[0].json() == answers[1].json()
        assert statuses(caller) == ["settled"]


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "several answers": ({"n": 2}, "n"),
    "log probabilities": ({"logprobs": True}, "logprobs"),
    "biased tokens": ({"logit_bias": {"50256": -100}}, "logit_bias"),
    "sound": ({"modalities": ["text", "audio"]}, "modalities"),
    "functions of old": ({"functions": [{"name": "f"}]}, "functions"),
    "no messages": ({"messages": []}, "messages"),
    "nothing to answer": ({"messages": [{"role": "assistant", "content": "Hi"}]}, "messages"),
    "instructions alone": ({"messages": [{"role": "system", "content": "Hi"}]}, "messages"),
    "an unknown role": ({"messages": [{"role": "robot", "content": "Hi"}]}, "messages[0].role"),
    "a control character": ({"messages": [{"role": "user", "content": "a\u0000b"}]}, "messages[0].content"),
    "half a character": ({"messages": [{"role": "user", "content": "a\ud800b"}]}, "messages[0].content"),
    "a recording": (
        {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]},
        "messages[0].content[0]",
    ),
    "a file of OpenAI's": (
        {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "f-1"}}]}]},
        "messages[0].content[0]",
    ),
    "a part that is none": ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0]"),
    "a picture in instructions": (
        {"messages": [{"role": "system", "content": [{"type": "image_url", "image_url": {"url": "data:x"}}]}]},
        "messages[0].content",
    ),
    "a result without its call": ({"messages": [{"role": "tool", "tool_call_id": "x", "content": "y"}]}, "messages"),
    "a result without an id": ({"messages": [{"role": "tool", "content": "y"}]}, "messages[0].tool_call_id"),
    "a call without its result": (
        {
            "messages": [
                {"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}]},
                {"role": "user", "content": "and?"},
            ]
        },
        "messages",
    ),
    "a tool without a name": ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools[0]"),
    "a tool of another kind": ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools[0].type"),
    "a choice without tools": ({"tool_choice": "required"}, "tool_choice"),
    "a choice of a stranger": (
        {"tools": [BOOK], "tool_choice": {"type": "function", "function": {"name": "greet"}}},
        "tool_choice",
    ),
    "an unknown choice": ({"tool_choice": "sometimes"}, "tool_choice"),
    "a schema that is missing": ({"response_format": {"type": "json_schema"}}, "response_format"),
    "an unknown format": ({"response_format": {"type": "grammar"}}, "response_format"),
    "heat": ({"temperature": 3}, "temperature"),
    "many stops": ({"stop": ["a", "b", "c", "d", "e"]}, "stop.list[constrained-str]"),
}


class TestRefusals:
    @pytest.mark.parametrize("case", REFUSED)
    @pytest.mark.parametrize("stream", [False, True])
    def test_what_cannot_be_done_is_refused_before_it_is_billed(self, caller: Context, case: str, stream: bool) -> None:
        talker(caller)
        members, param = REFUSED[case]
        body = {"model": "talker", "messages": [{"role": "user", "content": "hello"}], "stream": stream, **members}
        said = error(call("POST", CHAT, caller=caller, body=json.dumps(body), headers=JSON), 400)
        assert said["type"] == "invalid_request_error"
        assert said["message"]
        assert case == "many stops" or said["param"] == param
        assert statuses(caller) == []

    @pytest.mark.parametrize("stream", [False, True])
    def test_what_does_not_fit_the_agent_is_refused_and_not_billed(self, caller: Context, stream: bool) -> None:
        talker(caller)
        taken = {"type": "function", "function": {"name": "greet"}}
        assert error(chat(caller, "talker", tools=[taken], stream=stream), 400)["code"] == "tool_name_taken"
        assert error(chat(caller, "talker", " ", stream=stream), 400)["code"] == "empty_message"
        unknown = call("PATCH", f"/api/agents/{talker(caller)}", caller=caller, body={"model": "no-such"}).json()
        assert error(chat(caller, unknown["slug"], stream=stream), 400)["code"] == "unknown_model"
        assert set(statuses(caller)) == {"released"}

    def test_bodies_that_are_no_requests(self, caller: Context) -> None:
        for body in ("", "{", "[]", "null", '{"model": 5, "messages": "x"}', "[" * 100_000):
            error(call("POST", CHAT, caller=caller, body=body, headers=JSON), 400)

    def test_callers_who_may_not(self, caller: Context) -> None:
        talker(caller)
        assert error(call("POST", CHAT, body={}), 401)["code"] == "invalid_api_key"
        assert error(chat(OPERATOR, "talker"), 403)["type"] == "permission_error"
        assert error(chat(caller | {"role": "viewer"}, "talker"), 403)["type"] == "permission_error"
        assert error(chat(caller | {"status": "suspended"}, "talker"), 403)["type"] == "permission_error"
        assert error(chat(caller_context(), "talker"), 404)["code"] == "model_not_found"

    @pytest.mark.parametrize("plan", ["basic", "prepaid"])
    @pytest.mark.parametrize("stream", [False, True])
    def test_a_plan_that_is_used_up(self, plan: str, stream: bool) -> None:
        caller = caller_context(plan=plan, limits={"requests_per_month": 1})
        talker(caller)
        assert chat(caller, "talker", stream=stream).headers["x-usage-requests-remaining"] == "0"
        refusal = chat(caller, "talker", stream=stream)
        assert error(refusal, 429)["code"] == "insufficient_quota"
        assert refusal.headers["x-should-retry"] == "false"
        assert ("retry-after" in refusal.headers) == (plan == "basic")

    def test_a_failure_of_our_own_is_told_without_its_words(
        self, caller: Context, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        talker(caller, model="scripted")
        script_models(monkeypatch)  # An empty script raises IndexError.
        said = error(chat(caller, "talker"), 500)
        assert (said["type"], said["code"]) == ("server_error", "internal")
        assert statuses(caller) == ["released"]

    @pytest.mark.parametrize(
        ("kind", "status"), [("rate_limited", 503), ("timeout", 504), ("provider", 502), ("credentials", 400)]
    )
    def test_a_model_that_fails(self, caller: Context, monkeypatch: pytest.MonkeyPatch, kind: Any, status: int) -> None:
        talker(caller, model="scripted")
        script_models(monkeypatch, Reply(error=ModelError("It is out of order.", kind=kind)))
        assert error(chat(caller, "talker"), status)["message"] == "It is out of order."


JSON = {"Content-Type": "application/json"}


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


class TestResponses:
    def ask(self, caller: Context, **members: Any) -> Answer:
        return call("POST", "/v1/responses", caller=caller, body={"model": "talker", **members})

    def test_items_become_the_conversation(self, caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
        talker(caller, model="scripted")
        models = script_models(monkeypatch, Reply("Yes"))
        items = [
            {"role": "developer", "content": "Be loud."},
            {"role": "user", "content": [{"type": "input_text", "text": "One"}]},
            {"type": "reasoning", "id": "rs_1", "summary": []},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Two"}]},
            {"type": "function_call", "call_id": "1", "name": "book", "arguments": "{}"},
            {"type": "function_call", "call_id": "2", "name": "book", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "2", "output": "second"},
            {"type": "function_call_output", "call_id": "1", "output": [{"type": "input_text", "text": "first"}]},
        ]
        answer = self.ask(caller, instructions="Rhyme.", input=items, max_output_tokens=9, text={"verbosity": "low"})
        assert answer.json()["output"][0]["content"][0]["text"] == "Yes"
        assert answer.json()["store"] is False
        (request,) = models.requests
        assert "Rhyme." in request.messages[0]["content"]
        assert "Be loud." in request.messages[0]["content"]
        assert [message["role"] for message in request.messages[1:]] == ["user", "assistant", "tool", "tool"]
        assert [one["id"] for one in request.messages[2]["tool_calls"]] == ["1", "2"]
        assert (request.max_tokens, request.verbosity) == (9, "low")
        assert ledger(caller)[0].route == "POST /v1/responses"

    def test_calls_of_the_callers_functions_are_items(self, caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
        talker(caller, model="scripted")
        models = script_models(monkeypatch, Reply(calls=(BOOKS,)))
        tool = {"type": "function", "name": "book", "parameters": {"type": "object"}, "strict": True}
        answer = self.ask(caller, input="x", tools=[tool], tool_choice={"type": "function", "name": "book"}).json()
        (item,) = answer["output"]
        assert (item["type"], item["call_id"], item["name"]) == ("function_call", "b1", "book")
        assert models.requests[0].tool_choice == {"type": "function", "function": {"name": "book"}}

    @pytest.mark.parametrize(
        ("members", "param"),
        [
            ({"input": "x", "previous_response_id": "resp_1"}, "previous_response_id"),
            ({"input": "x", "conversation": "conv_1"}, "conversation"),
            ({"input": "x", "background": True}, "background"),
            ({"input": "x", "tools": [{"type": "web_search"}]}, "tools[0].type"),
            ({"input": "x", "text": {"format": {"type": "json_schema", "name": "x"}}}, "text.format"),
            ({"input": []}, "input"),
            ({}, "input"),
            ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0]"),
            ({"input": [{"role": "robot", "content": "x"}]}, "input[0].role"),
            ({"input": [{"role": "user", "content": 5}]}, "input[0].content"),
            ({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]}, "input[0].content[0]"),
            ({"input": [{"type": "function_call", "name": "f"}]}, "input[0]"),
            ({"input": [{"type": "function_call_output", "call_id": "1", "output": "x"}]}, "input"),
        ],
    )
    def test_what_cannot_be_done_is_refused(self, caller: Context, members: dict[str, Any], param: str) -> None:
        talker(caller)
        assert error(self.ask(caller, **members), 400)["param"] == param
        assert statuses(caller) == []

    @pytest.mark.parametrize(("said", "status"), [("length", "incomplete"), ("stop", "completed")])
    def test_an_answer_that_was_cut_off_is_incomplete(
        self, caller: Context, monkeypatch: pytest.MonkeyPatch, said: str, status: str
    ) -> None:
        talker(caller, model="scripted")
        script_models(monkeypatch, *[Reply("Some", reason=said)] * 2)
        assert self.ask(caller, input="x").json()["status"] == status
        events = told(self.ask(caller, input="x", stream=True).content.decode())
        assert events[-1]["type"] == f"response.{status}"


class TestModels:
    def test_all_agents_are_listed_however_many(self, caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("smyth.http.openai.models._PAGE", 2)
        ids = [talker(caller) for _ in range(5)]
        listed = call("GET", "/v1/models", caller=caller).json()
        assert listed["object"] == "list"
        assert [model["agent_id"] for model in listed["data"]] == ids[::-1]
        assert {model["id"] for model in listed["data"]} == {"talker", *(f"talker-{number}" for number in range(2, 6))}
        assert {model["owned_by"] for model in listed["data"]} == {caller["tenant_id"]}
        assert statuses(caller) == []

    def test_a_key_for_some_agents_sees_those(self, caller: Context) -> None:
        first, second = talker(caller), talker(caller)
        limited = caller | {"agents": json.dumps([second])}
        assert [model["agent_id"] for model in call("GET", "/v1/models", caller=limited).json()["data"]] == [second]
        assert call("GET", f"/v1/models/{second}", caller=limited).json()["id"] == second
        assert error(call("GET", f"/v1/models/{first}", caller=limited), 404)["code"] == "model_not_found"
        assert chat(limited, "talker-2").status == 200
        assert error(chat(limited, "talker"), 404)["code"] == "model_not_found"
        assert error(call("POST", "/v1/embeddings", caller=limited, body={"model": "default", "input": "x"}), 403)

    def test_a_viewer_may_look(self, caller: Context) -> None:
        talker(caller)
        viewer = caller | {"role": "viewer"}
        assert call("GET", "/v1/models", caller=viewer).status == 200
        assert call("GET", "/v1/models/talker", caller=viewer).status == 200


@pytest.mark.xdist_group("litellm")
class TestEmbeddings:
    @pytest.fixture
    def embedding_model(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
        """A stack with an embedding model."""
        from smyth.testing import ModelServer

        with ModelServer() as server:
            entry = {"provider": "OpenAI", "model": "text-embedding-3-small", "base_url": server.base_url}
            monkeypatch.setenv("SMYTH_EMBEDDING_MODEL", json.dumps(entry))
            settings.cache_clear()
            services.cache_clear()
            yield server
            monkeypatch.undo()
            settings.cache_clear()
            services.cache_clear()

    def embed(self, caller: Context, **members: Any) -> Answer:
        return call("POST", "/v1/embeddings", caller=caller, body={"model": "default", "input": "a zebra", **members})

    def test_texts_become_vectors_and_are_billed(self, caller: Context, embedding_model: Any) -> None:
        answer = self.embed(caller, input=["a zebra", "a kiwi"])
        first, second = answer.json()["data"]
        assert (first["index"], second["index"]) == (0, 1)
        assert answer.json()["model"] == "text-embedding-3-small"
        packed = b64decode(
            self.embed(caller, model="OpenAI/text-embedding-3-small", encoding_format="base64").json()["data"][0][
                "embedding"
            ]
        )
        assert struct.unpack(f"<{len(packed) // 4}f", packed) == pytest.approx(first["embedding"])
        assert len(self.embed(caller, dimensions=8).json()["data"][0]["embedding"]) == 8
        assert statuses(caller) == ["settled"] * 3
        entry = ledger(caller)[0]
        assert (entry.route, entry.model) == ("POST /v1/embeddings", "text-embedding-3-small")
        assert entry.input_tokens == answer.json()["usage"]["total_tokens"]
        assert answer.headers["x-usage-cost"]

    @pytest.mark.parametrize(
        ("members", "param"),
        [
            ({"input": [1, 2, 3]}, "input[0]"),
            ({"input": [[1, 2]]}, "input[0]"),
            ({"input": ""}, "input"),
            ({"input": []}, "input.list[any]"),
            ({"input": ["a", "\u0000"]}, "input[1]"),
            ({"encoding_format": "int8"}, "encoding_format"),
        ],
    )
    def test_what_is_no_text_is_refused(
        self, caller: Context, embedding_model: Any, members: dict[str, Any], param: str
    ) -> None:
        assert param.startswith("input.list") or error(self.embed(caller, **members), 400)["param"] == param
        assert error(self.embed(caller, **members), 400)
        assert set(statuses(caller)) <= {"released"}

    def test_another_model_is_unknown(self, caller: Context, embedding_model: Any) -> None:
        assert error(self.embed(caller, model="text-embedding-ada-002"), 404)["code"] == "model_not_found"

    def test_a_stack_without_a_model_says_so(self, caller: Context) -> None:
        assert error(self.embed(caller), 404)["code"] == "model_not_found"
