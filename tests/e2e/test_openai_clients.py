"""OpenAI's own client and LiteLLM in a session with an agent, over the laptop cloud; its model does as it is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam
from pydantic import BaseModel

from tests.e2e.laptop import Dev
from tests.unit.conversation.agents import answering

BOOK: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "book",
        "description": "Books a table.",
        "parameters": {"type": "object", "properties": {"day": {"type": "string"}}, "required": ["day"]},
    },
}


class Table(BaseModel):
    day: str
    seats: int


def make_agent(http: httpx.Client, name: str, model: str = "scripted") -> dict[str, Any]:
    fields = {"name": name, "behavior": "Be kind.", "model": model, **answering("greet", {"name": "who"})}
    made = http.post("/api/agents/create", json=fields)
    assert made.status_code == 201, made.text
    agent: dict[str, Any] = made.json()
    return agent


@pytest.fixture(scope="module")
def agent(dev: Dev) -> dict[str, Any]:
    """An agent with a skill, whose slug nobody else has."""
    with dev.client() as http:
        return make_agent(http, "Front Desk")


@pytest.fixture(scope="module")
def model(agent: dict[str, Any]) -> str:
    """What clients call the agent."""
    return str(agent["slug"])


def connect(dev: Dev, key: str) -> openai.OpenAI:
    http = httpx.Client(trust_env=False, timeout=90)
    return openai.OpenAI(base_url=f"{dev.url}/v1", api_key=key, max_retries=0, http_client=http)


@pytest.fixture(scope="module")
def client(dev: Dev) -> Iterator[openai.OpenAI]:
    """The demo tenant's client."""
    with connect(dev, dev.tenant_key) as client:
        yield client


def said(text: str) -> list[ChatCompletionMessageParam]:
    return [{"role": "user", "content": text}]


class TestChat:
    def test_an_agent_answers(self, client: openai.OpenAI, model: str) -> None:
        raw = client.chat.completions.with_raw_response.create(model=model, messages=said("reply: Good morning"))
        answer = raw.parse()
        assert answer.choices[0].message.content == "Good morning"
        assert answer.choices[0].finish_reason == "stop"
        assert answer.id == f"chatcmpl-{raw.headers['x-request-id']}"
        assert answer.model == model
        assert answer.usage
        assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0
        assert answer.usage.prompt_tokens_details
        assert answer.usage.prompt_tokens_details.cached_tokens == 0
        assert raw.headers["x-usage-cost"]
        assert raw.headers["x-usage-requests-remaining"]

    def test_the_callers_instructions_history_and_parameters_reach_the_model(
        self, client: openai.OpenAI, model: str
    ) -> None:
        messages: list[ChatCompletionMessageParam] = [
            {"role": "system", "content": "Speak like a pirate."},
            {"role": "user", "content": "My name is Ada."},
            {"role": "assistant", "content": "Ahoy."},
            {"role": "user", "content": [{"type": "text", "text": "show: messages"}]},
        ]
        shown = client.chat.completions.create(model=model, messages=messages).choices[0].message.content
        system, *rest = json.loads(shown or "")
        assert system["content"].index("Be kind.") < system["content"].index("Speak like a pirate.")
        assert [message["content"] for message in rest] == ["My name is Ada.", "Ahoy.", "show: messages"]
        answer = client.chat.completions.create(
            model=model, messages=said("show: params"), temperature=0.5, max_completion_tokens=99, seed=7
        )
        params = json.loads(answer.choices[0].message.content or "")
        assert (params["temperature"], params["seed"]) == (0.5, 7)
        assert 99 in (params.get("max_tokens"), params.get("max_completion_tokens"))

    def test_a_stream_comes_piece_by_piece_and_ends_with_what_was_used(self, client: openai.OpenAI, model: str) -> None:
        chunks = list(
            client.chat.completions.create(
                model=model,
                messages=said("reply: one two three four five"),
                stream=True,
                stream_options={"include_usage": True},
            )
        )
        *spoken, last = chunks
        assert spoken[0].choices[0].delta.role == "assistant"
        pieces = [chunk.choices[0].delta.content for chunk in spoken if chunk.choices[0].delta.content]
        assert len(pieces) > 1
        assert "".join(pieces) == "one two three four five"
        assert spoken[-1].choices[0].finish_reason == "stop"
        assert last.choices == []
        assert last.usage
        assert last.usage.total_tokens > 0
        assert len({chunk.id for chunk in chunks}) == 1

    def test_an_answer_ends_where_the_caller_says(self, client: openai.OpenAI, model: str) -> None:
        answer = client.chat.completions.create(model=model, messages=said("reply: one two three"), stop="two")
        assert answer.choices[0].message.content == "one "

    def test_an_answer_that_is_cut_off_says_so(self, client: openai.OpenAI, model: str) -> None:
        answer = client.chat.completions.create(model=model, messages=said("reply: " + "long " * 50), max_tokens=2)
        assert answer.choices[0].finish_reason == "length"

    def test_skills_of_the_agent_stay_on_its_side(self, client: openai.OpenAI, model: str) -> None:
        answer = client.chat.completions.create(model=model, messages=said('call: greet {"who": "Ada"}'))
        message = answer.choices[0].message
        assert message.tool_calls is None
        assert message.content == 'TOOL SAID: {"who":"Ada"}'

    def test_a_tool_of_the_caller_makes_its_round_trip_beside_skills(self, client: openai.OpenAI, model: str) -> None:
        asked = said('call: book {"day": "monday"}')
        first = client.chat.completions.create(model=model, messages=asked, tools=[BOOK])
        assert first.choices[0].finish_reason == "tool_calls"
        (call,) = first.choices[0].message.tool_calls or ()
        assert call.type == "function"
        assert call.function.name == "book"
        assert json.loads(call.function.arguments) == {"day": "monday"}
        replied: list[Any] = [
            *asked,
            first.choices[0].message,
            {"role": "tool", "tool_call_id": call.id, "content": "Table 4 is booked."},
        ]
        second = client.chat.completions.create(model=model, messages=replied, tools=[BOOK])
        assert second.choices[0].message.content == "TOOL SAID: Table 4 is booked."
        assert second.choices[0].finish_reason == "stop"

    def test_a_call_can_be_streamed_and_put_together_by_the_client(self, client: openai.OpenAI, model: str) -> None:
        asked = said('call: book {"day": "friday"}')
        with client.chat.completions.stream(model=model, messages=asked, tools=[BOOK]) as stream:
            kinds = {event.type for event in stream}
            final = stream.get_final_completion()
        assert "tool_calls.function.arguments.done" in kinds
        (call,) = final.choices[0].message.tool_calls or ()
        assert json.loads(call.function.arguments) == {"day": "friday"}

    def test_an_answer_can_be_parsed_into_a_type(self, client: openai.OpenAI, model: str) -> None:
        answer = client.chat.completions.parse(model=model, messages=said("Which table?"), response_format=Table)
        assert isinstance(answer.choices[0].message.parsed, Table)
        told = 'json: {"day": "monday", "seats": 4}'
        answer = client.chat.completions.parse(model=model, messages=said(told), response_format=Table)
        assert answer.choices[0].message.parsed == Table(day="monday", seats=4)

    def test_a_repeated_request_under_one_key_is_answered_once(self, client: openai.OpenAI, model: str) -> None:
        headers = {"Idempotency-Key": "session-1"}
        answers = [
            client.chat.completions.create(model=model, messages=said("Hello"), extra_headers=headers).id
            for _ in range(2)
        ]
        assert answers[0] == answers[1]


class TestErrors:
    def test_an_unknown_key(self, dev: Dev, model: str) -> None:
        with connect(dev, "smyth_nobody") as stranger, pytest.raises(openai.AuthenticationError) as raised:
            stranger.chat.completions.create(model=model, messages=said("Hello"))
        assert raised.value.code == "invalid_api_key"
        with connect(dev, "smyth_nobody") as stranger, pytest.raises(openai.AuthenticationError):
            stranger.models.list()

    def test_an_unknown_model(self, client: openai.OpenAI) -> None:
        with pytest.raises(openai.NotFoundError) as raised:
            client.chat.completions.create(model="nobody", messages=said("Hello"))
        assert raised.value.code == "model_not_found"
        assert raised.value.request_id

    @pytest.mark.parametrize(
        ("wrong", "param"), [({"n": 2}, "n"), ({"temperature": 9}, "temperature"), ({"logprobs": True}, "logprobs")]
    )
    def test_what_cannot_be_done(self, client: openai.OpenAI, model: str, wrong: dict[str, Any], param: str) -> None:
        with pytest.raises(openai.BadRequestError) as raised:
            client.chat.completions.create(model=model, messages=said("Hello"), **wrong)
        assert raised.value.param == param

    @pytest.mark.parametrize("plan", ["basic", "prepaid"])
    def test_a_plan_that_is_used_up(self, dev: Dev, plan: str) -> None:
        key = dev.tenant(plan, requests_per_month=1)
        with dev.client(key) as http:
            slug = make_agent(http, "Front Desk")["slug"]
        with connect(dev, key) as tenant:
            tenant.chat.completions.create(model=slug, messages=said("Hello"))
            with pytest.raises(openai.RateLimitError) as raised:
                tenant.with_options(max_retries=5).chat.completions.create(model=slug, messages=said("Hello"))
        assert raised.value.code == "insufficient_quota"
        assert raised.value.response.headers["x-should-retry"] == "false"

    def test_a_model_that_fails(self, client: openai.OpenAI, model: str) -> None:
        with pytest.raises(openai.BadRequestError):
            client.chat.completions.create(model=model, messages=said("fail: 400 No"))
        with pytest.raises(openai.APIError) as raised:
            list(client.chat.completions.create(model=model, messages=said("cut: half a sen"), stream=True))
        assert raised.value.message


class TestModels:
    def test_agents_are_listed_and_found(self, client: openai.OpenAI, dev: Dev, agent: dict[str, Any]) -> None:
        found = {model.id: model for model in client.models.list()}
        assert found[agent["slug"]].owned_by == dev.tenant_id
        assert found[agent["slug"]].object == "model"
        assert client.models.retrieve(agent["slug"]).created == client.models.retrieve(agent["id"]).created
        with pytest.raises(openai.NotFoundError):
            client.models.retrieve("nobody")

    def test_a_key_for_one_agent_sees_and_asks_that_one_only(self, dev: Dev, agent: dict[str, Any]) -> None:
        with dev.client() as http:
            other = make_agent(http, "Front Desk")
            made = http.post("/api/keys", json={"name": "one", "role": "developer", "agents": [other["id"]]})
        with connect(dev, made.json()["key"]) as limited:
            assert [model.id for model in limited.models.list()] == [other["slug"]]
            answer = limited.chat.completions.create(model=other["slug"], messages=said("reply: Yes"))
            assert answer.choices[0].message.content == "Yes"
            with pytest.raises(openai.NotFoundError):
                limited.chat.completions.create(model=agent["slug"], messages=said("Hello"))


class TestEmbeddings:
    def test_vectors_come_as_the_client_asks_for_them(self, client: openai.OpenAI) -> None:
        packed = client.embeddings.create(model="default", input=["a zebra", "a kiwi"])
        plain = client.embeddings.create(model="all-minilm-l6-v2", input="a zebra", encoding_format="float")
        assert packed.data[0].embedding == pytest.approx(plain.data[0].embedding, abs=1e-6)
        assert packed.data[1].embedding != packed.data[0].embedding
        assert packed.usage.prompt_tokens > 0
        with pytest.raises(openai.BadRequestError, match="384 dimensions"):
            client.embeddings.create(model="default", input="a zebra", dimensions=16)

    def test_other_models_are_unknown(self, client: openai.OpenAI) -> None:
        with pytest.raises(openai.NotFoundError, match="all-minilm-l6-v2"):
            client.embeddings.create(model="text-embedding-ada-002", input="a zebra")


class TestResponses:
    def test_an_agent_answers(self, client: openai.OpenAI, model: str) -> None:
        answer = client.responses.create(model=model, instructions="Be brief.", input="reply: Good morning")
        assert answer.output_text == "Good morning"
        assert answer.status == "completed"
        assert answer.usage
        assert answer.usage.total_tokens > 0

    def test_a_stream_tells_every_step(self, client: openai.OpenAI, model: str) -> None:
        with client.responses.stream(
            model=model, input=[{"role": "user", "content": "reply: one two three"}]
        ) as stream:
            events = list(stream)
            final = stream.get_final_response()
        assert [event.sequence_number for event in events] == list(range(len(events)))
        kinds = list(dict.fromkeys(event.type for event in events))
        assert kinds == [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed",
        ]
        assert final.output_text == "one two three"

    def test_a_function_of_the_caller_makes_its_round_trip(self, client: openai.OpenAI, model: str) -> None:
        tools: Any = [{"type": "function", **BOOK["function"], "strict": False}]
        asked: list[Any] = [{"role": "user", "content": 'call: book {"day": "monday"}'}]
        first = client.responses.create(model=model, input=asked, tools=tools)
        (call,) = (item for item in first.output if item.type == "function_call")
        assert json.loads(call.arguments) == {"day": "monday"}
        output = {"type": "function_call_output", "call_id": call.call_id, "output": "Booked."}
        second = client.responses.create(model=model, input=[*asked, *first.output, output], tools=tools)
        assert second.output_text == "TOOL SAID: Booked."
        with client.responses.stream(model=model, input=asked, tools=tools) as stream:
            streamed = stream.get_final_response()
        assert [item.type for item in streamed.output] == ["function_call"]

    def test_an_answer_can_be_parsed_into_a_type(self, client: openai.OpenAI, model: str) -> None:
        answer = client.responses.parse(model=model, input='json: {"day": "monday", "seats": 2}', text_format=Table)
        assert answer.output_parsed == Table(day="monday", seats=2)

    def test_responses_are_not_kept(self, client: openai.OpenAI, model: str) -> None:
        with pytest.raises(openai.BadRequestError, match="input"):
            client.responses.create(model=model, input="And then?", previous_response_id="resp_1")

    def test_a_model_that_breaks_off_ends_the_stream_with_an_error(self, client: openai.OpenAI, model: str) -> None:
        with pytest.raises(openai.APIError):
            list(client.responses.create(model=model, input="cut: half a sen", stream=True))


class TestLiteLLM:
    @pytest.fixture
    def options(self, dev: Dev, model: str) -> dict[str, Any]:
        return {"model": f"openai/{model}", "api_base": f"{dev.url}/v1", "api_key": dev.tenant_key, "max_retries": 0}

    def test_a_session(self, options: dict[str, Any]) -> None:
        import litellm

        answer = litellm.completion(messages=said("reply: Good morning"), **options)
        assert answer.choices[0].message.content == "Good morning"
        assert answer.usage.total_tokens > 0
        chunks = list(litellm.completion(messages=said("reply: one two three"), stream=True, **options))
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "one two three"
        called = litellm.completion(messages=said('call: book {"day": "monday"}'), tools=[BOOK], **options)
        assert json.loads(called.choices[0].message.tool_calls[0].function.arguments) == {"day": "monday"}

    def test_its_errors_are_those_of_the_case(self, options: dict[str, Any]) -> None:
        import litellm

        with pytest.raises(litellm.AuthenticationError):
            litellm.completion(messages=said("Hello"), **options | {"api_key": "smyth_nobody"})
        with pytest.raises(litellm.NotFoundError):
            litellm.completion(messages=said("Hello"), **options | {"model": "openai/nobody"})

    def test_embeddings(self, options: dict[str, Any]) -> None:
        import litellm

        answer = litellm.embedding(input=["a zebra"], **options | {"model": "openai/default"})
        assert len(answer.data[0]["embedding"]) > 1
