from __future__ import annotations

import asyncio

import pytest
from pydantic import ValidationError

from smyth.components.base import ComponentError
from smyth.components.registry import find
from smyth.connectors.models.port import ModelError, Text
from smyth.connectors.ports import Ports

BOTH = pytest.mark.parametrize("name", ["GenAILLM", "PromptGenerator", "LLMPrompt"])
FORMAT = "\nThe output JSON should only use the entries from the output format."


@BOTH
@pytest.mark.parametrize(
    ("prompt", "value", "reply"),
    [
        ("Ask {{Input}}", "me", "Ask me"),
        ("Ask {{Input}}", {"a": 1}, 'Ask {"a":1}'),
        ("Ask {{Input}}", 'multi\nline "q"', 'Ask multi\nline \\"q\\"'),
        ("Ask {{Input}}", None, "Ask {{Input}}"),
        ('{"title":"{{Input}}"}', 'with "quotes"', {"title": 'with "quotes"'}),
        ("{{Input}}", [1, 2.0], [1, 2]),
        ('{"error":"{{Input}}"}', "x", '{"error":"x"}'),
        ("a {{Input}}", {"b": 1}, 'a {"b":1}'),
    ],
)
async def test_echo_answers_the_filled_prompt(outputs_of, name, prompt, value, reply):
    assert await outputs_of(name, {"model": "Echo", "prompt": prompt}, {"Input": value}) == {"Reply": reply}


@BOTH
async def test_asks_for_the_outputs_that_the_author_added(outputs_of, scripted_model, name):
    model = scripted_model('{"title":"x"}')
    outputs = [{"name": "title"}, {"name": "score", "description": 'a "number"'}, {"name": "_error"}]
    reply = await outputs_of(
        name, {"model": "m", "prompt": "Say {{Input}}"}, {"Input": "hi"}, outputs=outputs, ports=Ports(models=model)
    )
    assert reply == {"Reply": {"title": "x"}}
    expected = r'{"title":"<value>","score":"<value> (a \"number\")"}'
    prompt = f"Say hi\n##\nExpected output format = {expected}{FORMAT}"
    assert model.requests[0].messages == [{"role": "user", "content": prompt}]


@BOTH
async def test_echo_is_not_asked_for_outputs(outputs_of, name):
    outputs = await outputs_of(name, {"model": "Echo", "prompt": "hi"}, {}, outputs=[{"name": "title"}])
    assert outputs == {"Reply": "hi"}


@BOTH
async def test_settings_reach_the_model(outputs_of, scripted_model, name):
    model = scripted_model("x")
    data = {
        "model": "m", "prompt": "p", "temperature": "0.5", "maxTokens": "99", "stopSequences": "END,STOP\nQ",
        "topP": "0.9", "topK": "3", "frequencyPenalty": "0", "presencePenalty": 0.2, "responseFormat": "json",
    }  # fmt: skip
    await outputs_of(name, data, {}, ports=Ports(models=model), team_id="t1")
    request = model.requests[0]
    assert (request.model, request.temperature, request.max_tokens, request.top_p) == ("m", 0.5, 99, 0.9)
    assert (request.top_k, request.frequency_penalty, request.presence_penalty) == (3, 0, 0.2)
    assert (request.stop, request.response_format, request.team_id) == (["END", "STOP", "Q"], "json", "t1")


@BOTH
async def test_blank_settings_leave_the_choice_to_the_provider(outputs_of, scripted_model, name):
    model = scripted_model("x")
    blank = dict.fromkeys(("temperature", "maxTokens", "topP", "topK", "frequencyPenalty", "stopSequences"), "")
    await outputs_of(name, {"model": "m", "prompt": "p", **blank, "topK": "0"}, {}, ports=Ports(models=model))
    request = model.requests[0]
    assert request.temperature is request.max_tokens is request.top_p is request.top_k is None
    assert (request.frequency_penalty, request.stop, request.response_format) == (None, [], None)


@BOTH
@pytest.mark.parametrize(
    "data",
    [
        {},
        {"model": "m"},
        {"model": "m", "prompt": ""},
        {"model": "m" * 201, "prompt": "p"},
        {"model": "m", "prompt": "p", "topP": 3},
        {"model": "m", "prompt": "p", "temperature": "hot"},
        {"model": "m", "prompt": "p", "temperature": "nan"},
        {"model": "m", "prompt": "p", "maxTokens": 0},
        {"model": "m", "prompt": "p", "topK": 501},
        {"model": "m", "prompt": "p", "frequencyPenalty": -1},
        {"model": "m", "prompt": "p", "stopSequences": "x" * 401},
        {"model": "m", "prompt": "p", "responseFormat": "xml"},
        {"model": 5, "prompt": "p"},
    ],
)
def test_refuses_settings_outside_their_limits(name, data):
    with pytest.raises(ValidationError):
        find(name).Settings.model_validate(data)


@BOTH
@pytest.mark.parametrize(
    ("reply", "read"),
    [
        ('```json\n{"a": 1}\n```', {"a": 1}),
        ("Sure: {'a': [1, 2,]} - done", {"a": [1, 2]}),
        ("[1, 2]", [1, 2]),
        ("nothing", "nothing"),
        ("42", "42"),
        ("true", "true"),
        ("{not json at all}", "{not json at all}"),
    ],
)
async def test_reads_replies_as_json_where_they_hold_some(outputs_of, scripted_model, name, reply, read):
    ports = Ports(models=scripted_model(*reply))
    assert await outputs_of(name, {"model": "m", "prompt": "p"}, {}, ports=ports) == {"Reply": read}


@BOTH
async def test_a_reply_that_tells_of_an_error_is_one(outputs_of, scripted_model, name):
    ports = Ports(models=scripted_model('{"error":"no idea"}'))
    with pytest.raises(ComponentError, match="no idea"):
        await outputs_of(name, {"model": "m", "prompt": "p"}, {}, ports=ports)


@BOTH
async def test_unknown_models_are_told_in_the_originals_words(outputs_of, name):
    with pytest.raises(ComponentError) as caught:
        await outputs_of(name, {"model": "echo", "prompt": "p"}, {})
    assert str(caught.value) == "The model 'echo' is not available. Please try a different one."


@BOTH
async def test_provider_errors_end_with_the_originals_space(outputs_of, scripted_model, name):
    ports = Ports(models=scripted_model(error=ModelError("401 Incorrect API key", kind="credentials")))
    with pytest.raises(ComponentError) as caught:
        await outputs_of(name, {"model": "m", "prompt": "p"}, {}, ports=ports)
    assert str(caught.value) == "401 Incorrect API key "


async def test_empty_answers_are_errors(outputs_of):
    with pytest.raises(ComponentError, match=r"Empty response. .* higher 'Maximum Output Tokens'"):
        await outputs_of("GenAILLM", {"model": "Echo", "prompt": "{{Input}}"}, {"Input": ""})
    with pytest.raises(ComponentError, match="LLM Error = Empty Response!"):
        await outputs_of("PromptGenerator", {"model": "Echo", "prompt": "{{Input}}"}, {"Input": ""})


async def test_cut_answers_keep_what_came(outputs_of, scripted_model):
    ports = Ports(models=scripted_model("half", reason="length"))
    with pytest.raises(ComponentError, match=r"stopped before completing.*length") as caught:
        await outputs_of("GenAILLM", {"model": "m", "prompt": "p"}, {}, ports=ports)
    assert caught.value.outputs == {"Reply": "half"}


@pytest.mark.parametrize(
    ("data", "outputs", "expected"),
    [
        ({}, [], None),
        ({}, [{"name": "_error"}], None),
        ({}, [{"name": "x"}], "json"),
        ({"responseFormat": ""}, [{"name": "x"}], "json"),
        ({"responseFormat": "text"}, [{"name": "x"}], "text"),
        ({"responseFormat": "json"}, [], "json"),
    ],
)
async def test_genai_asks_for_json_where_outputs_need_it(outputs_of, scripted_model, data, outputs, expected):
    model = scripted_model("x")
    await outputs_of("GenAILLM", {"model": "m", "prompt": "p"} | data, {}, outputs=outputs, ports=Ports(models=model))
    assert model.requests[0].response_format == expected


async def test_every_request_is_metered_even_when_its_answer_is_no_use(make_call, scripted_model):
    call = make_call(
        "GenAILLM", {"model": "m", "prompt": "p"}, {}, ports=Ports(models=scripted_model("a", reason="length"))
    )
    with pytest.raises(ComponentError):
        await find("GenAILLM").run(call)
    assert [(usage.input_tokens, usage.output_tokens) for usage in call.run.usage] == [(3, 1)]


async def test_an_answer_that_nobody_waits_for_is_metered(make_call, scripted_model):
    begun = asyncio.Event()

    class Endless(scripted_model):
        async def stream(self, request):
            yield Text("abc")
            begun.set()
            await asyncio.Event().wait()

    call = make_call("GenAILLM", {"model": "m", "prompt": "p"}, {}, ports=Ports(models=Endless()))
    task = asyncio.create_task(find("GenAILLM").run(call))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [usage.output_tokens for usage in call.run.usage] == [3]


async def test_passes_text_through_while_it_comes(outputs_of, scripted_model):
    for name, last in (("GenAILLM", ["\n"]), ("PromptGenerator", [])):
        heard: list[str] = []
        outputs = await outputs_of(
            name,
            {"model": "m", "prompt": "p", "passthrough": True},
            {},
            ports=Ports(models=scripted_model("Cats\n", "are fine.")),
            passthrough=heard.append,
        )
        assert outputs == {"Reply": "Cats\nare fine."}
        assert heard == ["Cats\n", "are fine.", *last]


async def test_says_nothing_to_the_caller_unless_told_to(outputs_of):
    heard: list[str] = []
    await outputs_of("GenAILLM", {"model": "Echo", "prompt": "p"}, {}, passthrough=heard.append)
    assert heard == []


@BOTH
async def test_secrets_are_filled_into_the_authors_prompt_but_never_into_inputs(outputs_of, name):
    inputs = {"token": "tok-123", "city": "Paris", "Input": "{{token}} {{city}} {{Other}}", "Other": "{{token}}"}
    outputs = await outputs_of(
        name,
        {"model": "Echo", "prompt": "{{token}}|{{Input}}"},
        inputs,
        secret_variables=frozenset({"token"}),
    )
    assert outputs == {"Reply": "tok-123|{{token}} Paris {{token}}"}


@BOTH
async def test_the_strict_switch_leaves_placeholders_of_callers_alone(outputs_of, name):
    outputs = await outputs_of(
        name,
        {"model": "Echo", "prompt": "{{city}} {{Input}}"},
        {"Input": "{{city}}", "city": "Paris"},
        expand_caller_data=False,
    )
    assert outputs == {"Reply": "Paris {{city}}"}
