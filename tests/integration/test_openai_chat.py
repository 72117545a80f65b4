"""Chat completions by agents, through the function: what is asked, answered and billed."""

from __future__ import annotations

import pytest

from smyth.connectors.models.port import ToolCall
from tests.integration.events import Context, call
from tests.integration.openai_requests import BOOK, BOOKS, CHAT, GREETS, chat, error
from tests.integration.talkers import ledger, script_models, statuses, talker
from tests.peers.scripted_models import Reply


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
