"""Files that GenAILLM, VisionLLM and MultimodalLLM send to models."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from smyth.components import _files as files
from smyth.components.base import ComponentError
from smyth.components.registry import find
from smyth.connectors.models.port import Limits
from smyth.connectors.ports import Ports
from tests.peers.http_service import Asked, HttpService, Reply
from tests.peers.image_server import PNG
from tests.unit.components.services import ports_of

PNG_URL = "data:image/png;base64," + base64.b64encode(PNG).decode()
PDF_URL = "data:application/pdf;base64," + base64.b64encode(b"%PDF-1.4 test").decode()
TEXT_URL = "data:text/plain;base64,SGk="
IMAGE_PART = {"type": "image_url", "image_url": {"url": PNG_URL}}
#: Component, its file input, and that input's type.
ALL = pytest.mark.parametrize(
    ("name", "port", "kind"),
    [("GenAILLM", "Attachment", "Binary"), ("VisionLLM", "Images", "Image"), ("MultimodalLLM", "Input", "Any")],
)


@pytest.fixture
def ask(make_call: Any, scripted_model: Any) -> Any:
    async def run(name: str, port: str, kind: str, value: Any, *, ports: Ports | None = None, **data: Any) -> Any:
        class Model(scripted_model):  # type: ignore[misc]
            def limits(self, model: Any) -> Limits:
                return Limits(media=("image/png", "application/pdf"))

        model = Model("seen")
        ports = ports or Ports()
        ports.models = model
        call = make_call(
            name, {"model": "m", "prompt": "Look at {{n}}"} | data, {port: value, "n": 1},
            declared={port: kind, "n": "Any"}, ports=ports,
        )  # fmt: skip
        outputs = await find(name).run(call)
        assert outputs == {"Reply": "seen"}
        assert len(call.run.usage) == 1
        return model.requests[0]

    return run


@ALL
async def test_files_travel_beside_the_prompt(ask: Any, name: str, port: str, kind: str) -> None:
    request = await ask(name, port, kind, [PNG_URL, PDF_URL])
    assert request.messages == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look at 1"},
                IMAGE_PART,
                {"type": "file", "file": {"file_data": PDF_URL, "filename": "file"}},
            ],
        }
    ]


@ALL
async def test_file_objects_uploads_and_addresses_are_files(
    ask: Any, make_call: Any, name: str, port: str, kind: str
) -> None:
    class Pictures(HttpService):
        def answer(self, asked: Asked) -> Reply:
            return Reply(PNG, content_type="image/png")

    with Pictures() as server:
        ports = ports_of({})
        kept = await files.keep(
            files.File(PNG, "image/png", "a.png"), make_call(name, {"model": "m", "prompt": "p"}, ports=ports).run
        )
        upload = {"base64": base64.b64encode(PNG).decode(), "mimetype": "image/png", "originalname": "b.png"}
        request = await ask(name, port, kind, [kept, upload, f"{server.url}/c.png"], ports=ports)
    assert request.messages[0]["content"][1:] == [IMAGE_PART] * 3


@ALL
async def test_kinds_that_the_model_does_not_read_are_left_out(ask: Any, name: str, port: str, kind: str) -> None:
    request = await ask(name, port, kind, [TEXT_URL, PNG_URL])
    assert request.messages[0]["content"][1:] == [IMAGE_PART]
    with pytest.raises(ComponentError) as caught:
        await ask(name, port, kind, [TEXT_URL, TEXT_URL])
    assert str(caught.value) == (
        "Model 'm' does not support the provided file type(s): text/plain. Supported: image/png, application/pdf."
    )


@ALL
@pytest.mark.parametrize("value", ["data:image/png;base64,%%%", {"no": "file"}, "http://127.0.0.1:9/x.png", 7])
async def test_what_is_no_file_is_told(ask: Any, name: str, port: str, kind: str, value: Any) -> None:
    with pytest.raises(ComponentError, match=r"^Unable to process the provided file\(s\)"):
        await ask(name, port, kind, value)


@ALL
async def test_echo_needs_no_files(outputs_of: Any, name: str, port: str, kind: str) -> None:
    outputs = await outputs_of(name, {"model": "Echo", "prompt": "p"}, {port: 7}, declared={port: kind})
    assert outputs == {"Reply": "p"}


@ALL
async def test_without_files_the_prompt_goes_alone(ask: Any, name: str, port: str, kind: str) -> None:
    for value in (None, "", []):
        assert (await ask(name, port, kind, value)).messages == [{"role": "user", "content": "Look at 1"}]


async def test_the_longest_answer_has_a_default_for_images_only(ask: Any) -> None:
    assert (await ask("VisionLLM", "Images", "Image", PNG_URL)).max_tokens == 300
    assert (await ask("VisionLLM", "Images", "Image", PNG_URL, maxTokens="9")).max_tokens == 9
    assert (await ask("MultimodalLLM", "Input", "Any", PNG_URL)).max_tokens is None


@pytest.mark.parametrize("name", ["VisionLLM", "MultimodalLLM"])
async def test_added_outputs_are_asked_for_even_of_echo(outputs_of: Any, name: str) -> None:
    outputs = [{"name": "color", "description": "main color"}]
    reply = await outputs_of(name, {"model": "Echo", "prompt": "look"}, {}, outputs=outputs)
    assert reply == {
        "Reply": 'look\n\nExpected output format = {"color":"<value>"}\n\n '
        "The output JSON should only use the entries from the output format."
    }


@pytest.mark.parametrize("name", ["VisionLLM", "MultimodalLLM"])
async def test_answers_are_passed_through_and_checked(outputs_of: Any, scripted_model: Any, name: str) -> None:
    heard: list[str] = []
    data = {"model": "m", "prompt": "p", "passthrough": True}
    ports = Ports(models=scripted_model("a", "b"))
    assert await outputs_of(name, data, {}, ports=ports, passthrough=heard.append) == {"Reply": "ab"}
    assert heard == ["a", "b", "\n"]
    with pytest.raises(ComponentError, match="stopped before completing"):
        await outputs_of(name, data, {}, ports=Ports(models=scripted_model("a", reason="length")))
    with pytest.raises(ComponentError, match="Empty response"):
        await outputs_of(name, data, {}, ports=Ports(models=scripted_model("")))
