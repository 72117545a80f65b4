from __future__ import annotations

import openai
import pytest

from smyth.testing import Call, Fail, ModelServer, Say

HI = [{"role": "user", "content": "Hi"}]


def client(server: ModelServer) -> openai.OpenAI:
    return openai.OpenAI(base_url=server.base_url, api_key="any", max_retries=0)


def test_turns_answer_in_their_order() -> None:
    with ModelServer(Say("one"), Say("two")) as server:
        answers = [client(server).chat.completions.create(model="m", messages=HI) for _ in range(2)]
    assert [answer.choices[0].message.content for answer in answers] == ["one", "two"]
    assert [request["messages"] for request in server.requests] == [HI, HI]


def test_a_script_that_is_over_says_so() -> None:
    with ModelServer(Say("one")) as server:
        client(server).chat.completions.create(model="m", messages=HI)
        with pytest.raises(openai.InternalServerError, match="no further turn"):
            client(server).chat.completions.create(model="m", messages=HI)


def test_calls_are_numbered_unless_they_have_ids() -> None:
    with ModelServer(Say(calls=(Call("a"), Call("b", '{"x": 1}', "own")))) as server:
        calls = client(server).chat.completions.create(model="m", messages=HI).choices[0].message.tool_calls
    assert [(call.id, call.function.name, call.function.arguments) for call in calls or ()] == [
        ("call_1", "a", "{}"),
        ("own", "b", '{"x": 1}'),
    ]


def test_a_client_may_try_again_at_once_when_told_so() -> None:
    with ModelServer(Fail(429, headers={"retry-after": "0"}), Say("second time")) as server:
        patient = openai.OpenAI(base_url=server.base_url, api_key="any", max_retries=1)
        assert patient.chat.completions.create(model="m", messages=HI).choices[0].message.content == "second time"
