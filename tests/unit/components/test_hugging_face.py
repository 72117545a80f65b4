from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from smyth.components._files import File, keep, read
from smyth.components._hugging_face import Task
from smyth.components.base import ComponentError
from smyth.components.registry import find
from smyth.connectors.http.addresses import AddressGuard
from smyth.connectors.http.client import HttpClient
from smyth.connectors.ports import Ports
from smyth.connectors.vault.memory import MemoryVault
from tests.peers.hugging_face_server import PICTURE, SOUND, TASKS, TOKEN, HuggingFaceServer
from tests.unit.components.services import ports_of

OutputsOf = Callable[..., Any]
IMAGE = "data:image/png;base64," + base64.b64encode(PICTURE).decode()
AUDIO = "data:audio/flac;base64," + base64.b64encode(SOUND).decode()
LABELS = [{"label": "cat", "score": 0.9}, {"label": "dog", "score": 0.1}]


class Clock:
    """Waits in no time and keeps for how long."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


@pytest.fixture
def server() -> Iterator[HuggingFaceServer]:
    with HuggingFaceServer() as server:
        yield server


def world(url: str, clock: Clock | None = None) -> Ports:
    ports = ports_of({"hf": TOKEN}, huggingface=url)
    ports.sleep = (clock or Clock()).sleep
    return ports


def settings(task: str, **data: Any) -> dict[str, Any]:
    return {
        "accessToken": "{{KEY(hf)}}",
        "modelName": f"tests/{task}",
        "modelTask": task,
        "name": "n",
        "displayName": "d",
        "desc": "",
    } | data


def test_the_peer_knows_every_task() -> None:
    assert set(TASKS) == set(get_args(Task))


@pytest.mark.parametrize(
    ("task", "inputs", "output"),
    [
        ("text-classification", {"Text": "Hi"}, LABELS),
        (
            "token-classification",
            {"Text": "Ada"},
            [{"entity_group": "PER", "word": "Ada", "start": 0, "end": 3}],
        ),
        ("table-question-answering", {"Query": "q", "Table": {"a": ["1"]}}, {"answer": "1", "cells": []}),
        ("table-question-answering", {"Query": "q", "Table": '{"a": ["1"]}'}, {"answer": "1", "cells": []}),
        ("question-answering", {"Question": "q", "Context": "c"}, {"answer": "c"}),
        ("document-question-answering", {"Image": IMAGE, "Question": "q"}, {"answer": "42", "score": 0.9}),
        ("visual-question-answering", {"Image": [IMAGE], "Question": "q"}, {"answer": "red", "score": 0.9}),
        ("translation", {"Text": "Hi"}, {"translation_text": "Hi"}),
        ("summarization", {"Text": "Hi"}, {"summary_text": "Hi"}),
        ("conversational", {"Text": "Hi"}, {"generated_text": "['text']"}),
        (
            "conversational",
            {"Text": "Hi", "Past_user_inputs": ["a"], "Generated_responses": '["b"]'},
            {"generated_text": "['generated_responses', 'past_user_inputs', 'text']"},
        ),
        ("text-generation", {"Text": "Hi"}, {"generated_text": "Hi"}),
        ("text2text-generation", {"Text": "Hi"}, {"generated_text": "Hi"}),
        ("fill-mask", {"Text": "[MASK]"}, [{"token_str": "x", "sequence": "[MASK]"}, {"token_str": "y"}]),
        ("sentence-similarity", {"Source_sentence": "s", "Sentences": ["a", "b"]}, [0.5, 0.5]),
        ("sentence-similarity", {"Source_sentence": "s", "Sentences": '["a","b"]'}, [0.5, 0.5]),
        ("image-to-text", {"Image": IMAGE}, {"generated_text": "48 bytes"}),
        ("image-classification", {"Image": IMAGE}, LABELS),
        ("object-detection", {"Image": IMAGE}, [{"label": "cat", "score": 0.9, "box": {"xmin": 1}}]),
        ("image-segmentation", {"Image": IMAGE}, [{"label": "cat", "mask": "bWFzaw=="}]),
        ("zero-shot-image-classification", {"Image": IMAGE}, LABELS),
        ("automatic-speech-recognition", {"Audio": AUDIO}, {"text": "44 bytes"}),
        (
            "audio-to-audio",
            {"Audio": AUDIO},
            [{"label": "voice", "blob": "ZkxhQw==", "content-type": "audio/flac"}],
        ),
        ("audio-classification", {"Audio": AUDIO}, LABELS),
        ("feature-extraction", {"Text": "Hi"}, [0.1, 0.2]),
    ],
)
async def test_a_task_gets_its_inputs_under_the_services_names(
    outputs_of: OutputsOf, server: HuggingFaceServer, task: str, inputs: Any, output: Any
) -> None:
    found = await outputs_of("HuggingFace", settings(task), inputs, ports=world(server.url))
    assert found == {"Output": output}


@pytest.mark.parametrize(
    ("task", "inputs", "content", "mimetype"),
    [
        ("text-to-image", {"Text": "a cat"}, PICTURE, "image/png"),
        ("image-to-image", {"Image": IMAGE}, PICTURE, "image/png"),
        ("text-to-speech", {"Text": "Hello"}, SOUND, "audio/flac"),
    ],
)
async def test_a_file_that_is_answered_is_kept(
    make_call: Callable[..., Any], server: HuggingFaceServer, task: str, inputs: Any, content: bytes, mimetype: str
) -> None:
    call = make_call("HuggingFace", settings(task), inputs, ports=world(server.url))
    output = (await find("HuggingFace").run(call))["Output"]
    assert (output["mimetype"], output["size"]) == (mimetype, len(content))
    assert (await read(output, call.run)).content == content


async def test_a_file_goes_as_it_is_and_beside_parameters_as_base64(
    make_call: Callable[..., Any], server: HuggingFaceServer
) -> None:
    call = make_call("HuggingFace", settings("image-classification"), ports=world(server.url))
    call.inputs["Image"] = await keep(File(PICTURE, "image/png"), call.run)
    await find("HuggingFace").run(call)
    assert (server.asked[0].headers["content-type"], server.asked[0].body) == ("image/png", PICTURE)
    data = settings("image-classification", parameters='{"top_k": "1"}')
    call = make_call("HuggingFace", data, {"Image": IMAGE}, ports=world(server.url))
    assert await find("HuggingFace").run(call) == {"Output": LABELS[:1]}
    assert server.asked[1].json["parameters"] == {"top_k": 1}


async def test_parameters_are_filled_and_read(outputs_of: OutputsOf, server: HuggingFaceServer) -> None:
    given = '{"min_length": "5", "ratio": "0.5", "do_sample": "true", "style": "{{Style}}", "top_k": "None", "n": null}'
    data = settings("summarization", parameters=given, disableCache=True)
    await outputs_of("HuggingFace", data, {"Text": "t", "Style": "short"}, ports=world(server.url))
    assert server.asked[0].json == {
        "inputs": "t",
        "parameters": {"min_length": 5, "ratio": 0.5, "do_sample": True, "style": "short"},
    }
    assert server.asked[0].headers["x-use-cache"] == "false"


@pytest.mark.parametrize("labels", ['"cat, dog"', '["cat", "dog"]', '"{{Labels}}"'])
async def test_labels_to_choose_from_are_a_list(outputs_of: OutputsOf, server: HuggingFaceServer, labels: str) -> None:
    data = settings("zero-shot-classification", parameters=f'{{"candidate_labels": {labels}}}')
    found = await outputs_of("HuggingFace", data, {"Text": "t", "Labels": ["cat", "dog"]}, ports=world(server.url))
    assert found == {"Output": [{"sequence": "t", "labels": ["cat", "dog"]}]}
    assert "x-use-cache" not in server.asked[0].headers


async def test_a_model_that_loads_is_asked_again_after_5_and_10_seconds(outputs_of: OutputsOf) -> None:
    clock = Clock()
    with HuggingFaceServer(busy=2) as server:
        found = await outputs_of("HuggingFace", settings("translation"), {"Text": "t"}, ports=world(server.url, clock))
    assert found == {"Output": {"translation_text": "t"}}
    assert clock.waits == [5, 10]
    assert [asked.headers.get("x-wait-for-model") for asked in server.asked] == [None, "true", "true"]


async def test_a_model_that_does_not_load_is_an_error_after_three_tries(outputs_of: OutputsOf) -> None:
    clock = Clock()
    told = r"^Error from Hugging Face: Model tests/x is currently loading$"
    with HuggingFaceServer(busy=3) as server, pytest.raises(ComponentError, match=told):
        await outputs_of("HuggingFace", settings("translation"), {"Text": "t"}, ports=world(server.url, clock))
    assert (len(server.asked), clock.waits) == (3, [5, 10])


async def test_a_service_that_is_not_there_is_tried_again(outputs_of: OutputsOf) -> None:
    clock = Clock()
    with HuggingFaceServer() as server:
        url = server.url
    with pytest.raises(ComponentError, match=r"^Error from Hugging Face: Nobody answers"):
        await outputs_of("HuggingFace", settings("translation"), {"Text": "t"}, ports=world(url, clock))
    assert clock.waits == [5, 10]


async def test_a_forbidden_address_is_not_tried_again(outputs_of: OutputsOf, server: HuggingFaceServer) -> None:
    ports = world(server.url)
    ports.http = HttpClient(AddressGuard())
    clock = Clock()
    ports.sleep = clock.sleep
    with pytest.raises(ComponentError, match="not a public address"):
        await outputs_of("HuggingFace", settings("translation"), {"Text": "t"}, ports=ports)
    assert (server.asked, clock.waits) == ([], [])


async def test_a_refusal_is_told_at_once_and_without_the_token(
    outputs_of: OutputsOf, server: HuggingFaceServer
) -> None:
    ports, clock = world(server.url), Clock()
    ports.vault, ports.sleep = MemoryVault({"default": {"hf": "hf_wrong_token"}}), clock.sleep
    with pytest.raises(ComponentError, match="Error from Hugging Face: Invalid credentials") as raised:
        await outputs_of("HuggingFace", settings("translation"), {"Text": "t"}, ports=ports)
    assert "hf_wrong_token" not in str(raised.value)
    assert clock.waits == []


@pytest.mark.parametrize("token", ["", "{{KEY(none)}}", "{{Token}}"])
async def test_a_missing_token_is_told(outputs_of: OutputsOf, server: HuggingFaceServer, token: str) -> None:
    data = settings("translation", accessToken=token)
    with pytest.raises(ComponentError, match="Please provide a valid Hugging Face Access Token"):
        await outputs_of("HuggingFace", data, {"Text": "t", "Token": ""}, ports=world(server.url))
    assert server.asked == []


async def test_inputs_read_nothing_from_the_vault(outputs_of: OutputsOf, server: HuggingFaceServer) -> None:
    data = settings("translation", accessToken="{{Token}}")
    with pytest.raises(ComponentError):
        await outputs_of("HuggingFace", data, {"Text": "t", "Token": "{{KEY(hf)}}"}, ports=world(server.url))
    assert server.asked[0].headers["authorization"] == "Bearer {{KEY(hf)}}"


@pytest.mark.parametrize(
    ("task", "inputs", "port"),
    [
        ("summarization", {}, "Text"),
        ("question-answering", {"Question": "q"}, "Context"),
        ("image-to-text", {"Image": ""}, "Image"),
        ("image-to-text", {"Image": []}, "Image"),
        ("sentence-similarity", {"Source_sentence": "s"}, "Sentences"),
    ],
)
async def test_a_missing_input_is_told(
    outputs_of: OutputsOf, server: HuggingFaceServer, task: str, inputs: Any, port: str
) -> None:
    with pytest.raises(ComponentError, match=f"Please provide a valid input!.*{port}"):
        await outputs_of("HuggingFace", settings(task), inputs, ports=world(server.url))
    assert server.asked == []


async def test_a_task_from_a_template_is_checked_at_the_run(make_call: Callable[..., Any]) -> None:
    call = make_call("HuggingFace", settings("translation"), {"Text": "t"})
    kind = find("HuggingFace")
    object.__setattr__(call, "settings", kind.Settings.model_construct(task="cooking", access_token="x", model="m"))
    with pytest.raises(ComponentError, match="Inference API does not support for this task - cooking"):
        await kind.run(call)


@pytest.mark.parametrize(
    "wrong",
    [
        {"modelTask": "cooking"},
        {"modelName": "m" * 101},
        {"modelName": ""},
        {"accessToken": "t" * 351},
        {"parameters": "[1]"},
        {"parameters": '{"": 1}'},
        {"parameters": "{" * 10},
        {"disableCache": "yes"},
        {"desc": "d" * 5001},
        {"displayName": ""},
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        find("HuggingFace").Settings.model_validate(settings("translation", **wrong))
