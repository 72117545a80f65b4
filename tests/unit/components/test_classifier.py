from __future__ import annotations

from typing import Any

import pytest

from smyth.components.base import ComponentError
from smyth.components.registry import find
from smyth.connectors.models.port import ModelError
from smyth.connectors.ports import Ports

OUTPUTS = [{"name": "sports"}, {"name": "news", "description": "about news"}, {"name": "_error"}]


@pytest.fixture
def classify(outputs_of: Any, scripted_model: Any) -> Any:
    async def run(reply: str, inputs: dict[str, Any] | None = None, prompt: str = "Pick.", **more: Any) -> Any:
        model = scripted_model(reply)
        inputs = {"Input": "x"} if inputs is None else inputs
        options = {"outputs": OUTPUTS} | more
        outputs = await outputs_of(
            "Classifier", {"model": "m", "prompt": prompt}, inputs, ports=Ports(models=model), **options
        )
        return outputs, model.requests[0] if model.requests else None

    return run


async def test_asks_with_all_inputs_and_categories(classify: Any) -> None:
    _, request = await classify('{"news":true}', {"Input": 'a {brace} and "quote"', "more": {"n": 1}})
    (message,) = request.messages
    assert message["content"] == (
        'Pick.\n{\n  "Input": "a <[<(brace)>]> and `quote`",\n  "more": "<[<(`n`:1)>]>"\n}\n\n---\nCategories: \n'
        '{\n  "sports": "",\n  "news": "about news"\n}\n##\nExpected output format = '
        '{"sports":"<Boolean|String>","news":"<Boolean|String> (about news)"}'
        "\nThe output JSON should only use the entries from the output format."
    )
    assert request.response_format is None


@pytest.mark.parametrize(
    ("reply", "selected"),
    [
        ('{"sports":true,"news":false}', {"sports": True}),
        ('{"sports":true,"news":true}', {"sports": True, "news": True}),
        ('Sure: {"news": "yes it is", "sports": ""}', {"news": "yes it is"}),
        ('{"news": "<[<(`a`:1)>]>"}', {"news": {"a": 1}}),
        ('{"news": "say `hi`"}', {"news": 'say "hi"'}),
        ('{"sports":false,"news":null}', {}),
    ],
)
async def test_only_what_was_selected_goes_on(classify: Any, reply: str, selected: dict[str, Any]) -> None:
    assert (await classify(reply))[0] == selected


async def test_a_list_is_shown_as_the_list_that_it_was(classify: Any) -> None:
    outputs, _ = await classify('[{"a": 1}, "b"]')
    assert outputs == {"0": {"a": 1}, "1": "b"}
    component = find("Classifier")
    entry = component.post_process({"id": "C", "name": "Classifier", "result": outputs}, None)
    assert entry == {"id": "C", "name": "Classifier", "result": [{"a": 1}, "b"]}
    kept = {"id": "C", "name": "Classifier", "result": {"sports": True}}
    assert component.post_process(kept, None) == kept
    assert component.post_process({"result": {}}, None) == {"result": {}}


async def test_an_answer_in_plain_text_is_an_error_that_says_so(classify: Any, outputs_of: Any) -> None:
    with pytest.raises(ComponentError, match='answered with text, not with categories: "no idea"'):
        await classify("no idea")
    with pytest.raises(ComponentError, match="answered with text"):
        await outputs_of("Classifier", {"model": "Echo", "prompt": "P"}, {"Input": {"a": [1]}}, outputs=OUTPUTS)


async def test_errors_of_the_model_are_the_components(classify: Any, outputs_of: Any, scripted_model: Any) -> None:
    with pytest.raises(ComponentError, match=r"^Error: cannot $"):
        await classify('{"error":"cannot"}')
    ports = Ports(models=scripted_model(error=ModelError("busy")))
    with pytest.raises(ComponentError, match="busy"):
        await outputs_of("Classifier", {"model": "m"}, {"Input": "x"}, outputs=OUTPUTS, ports=ports)


@pytest.mark.parametrize("lacking", [{"outputs": [{"name": "_error"}]}, {"inputs": {}}])
async def test_there_must_be_inputs_and_categories(classify: Any, lacking: dict[str, Any]) -> None:
    with pytest.raises(ComponentError, match=r"^Missing information, Cannot run classifier$"):
        await classify("{}", **lacking)


async def test_the_prompt_has_a_default(classify: Any) -> None:
    _, request = await classify('{"news":true}', prompt="")
    assert request.messages[0]["content"].startswith("Classify the input content to one of the categories.")


async def test_inputs_cannot_read_variables_and_secrets_stay_out(classify: Any, make_call: Any) -> None:
    inputs = {"Input": "{{token}} {{city}}", "city": "Paris", "token": "tok-1"}
    call = make_call(
        "Classifier",
        {"model": "Echo", "prompt": "Key {{token}}, city {{city}}"},
        inputs,
        outputs=OUTPUTS,
        secret_variables=frozenset({"token"}),
    )
    object.__setattr__(call, "received", ("Input",))
    with pytest.raises(ComponentError) as caught:
        await find("Classifier").run(call)
    assert str(caught.value).count("tok-1") == 1
    assert "Key tok-1, city Paris" in str(caught.value)


async def test_every_request_is_metered(make_call: Any, scripted_model: Any) -> None:
    call = make_call(
        "Classifier", {"model": "m"}, {"Input": "x"}, outputs=OUTPUTS, ports=Ports(models=scripted_model("no"))
    )
    with pytest.raises(ComponentError):
        await find("Classifier").run(call)
    assert [used.model for used in call.run.usage] == ["scripted"]
