"""Responses of OpenAI's API by agents, through the function."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.events import Answer, Context, call
from tests.integration.openai_requests import BOOKS, error, told
from tests.integration.talkers import ledger, script_models, statuses, talker
from tests.peers.scripted_models import Reply


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
