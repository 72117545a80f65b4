from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from smyth.components import _files as files
from smyth.components.base import ComponentError
from smyth.components.registry import find
from smyth.connectors.models.allowance import Allowance
from smyth.connectors.ports import Ports
from tests.peers.image_server import KEYS, PNG, ImageServer, form
from tests.unit.components.services import ports_of

# LiteLLM takes seconds to import: one worker pays for all.
pytestmark = pytest.mark.xdist_group("litellm")

MakeCall = Callable[..., Any]
DATA_URL = "data:image/png;base64," + base64.b64encode(PNG).decode()
ATTACHED = {"Prompt": "a cat", "Attachment": DATA_URL}
DECLARED = {"Prompt": "Text", "Attachment": "Binary"}
ALL = ["gpt-image-1", "dall-e-3", "dall-e-2", "gemini-2.5-flash-image", "imagen-4.0-generate-001", "flux.1-schnell"]


@pytest.fixture
def server() -> Iterator[ImageServer]:
    with ImageServer() as server:
        yield server


@pytest.fixture
def ports(server: ImageServer) -> Ports:
    return ports_at(server, KEYS)


def ports_at(server: ImageServer, keys: dict[str, str]) -> Ports:
    return ports_of(keys, openai=f"{server.url}/openai", google=f"{server.url}/google", runware=f"{server.url}/runware")


@pytest.fixture
def made(make_call: MakeCall, ports: Ports) -> Any:
    async def make(data: dict[str, Any], inputs: dict[str, Any] | None = None) -> tuple[Any, Any]:
        inputs = {"Prompt": "a cat"} if inputs is None else inputs
        call = make_call("ImageGenerator", data, inputs, declared=DECLARED, ports=ports)
        outputs = await find("ImageGenerator").run(call)
        return outputs["Output"], call.run

    return make


async def test_gpt_image_gives_a_file(made: Any, server: ImageServer) -> None:
    image, run = await made({"model": "smythos/gpt-image-1", "quality": "high", "outputFormat": "WEBP"})
    assert (image["mimetype"], image["size"]) == ("image/webp", len(PNG))
    assert (await files.read(image, run)).content == PNG
    assert server.asked[0].json == {
        "model": "gpt-image-1", "prompt": "a cat", "size": "auto", "quality": "high", "output_format": "webp", "n": 1
    }  # fmt: skip
    # 10 text tokens at $5 a million and 1,000 image tokens at $40.
    assert [(used.input_tokens, used.output_tokens, used.cost_micro_usd) for used in run.usage] == [(10, 1000, 40_050)]


async def test_gpt_image_changes_attached_images(made: Any, server: ImageServer) -> None:
    image, run = await made({"model": "gpt-image-1"}, ATTACHED | {"Attachment": [DATA_URL, DATA_URL]})
    assert image["mimetype"] == "image/png"
    sent = form(server.asked[0])
    assert [(kind, content) for _, kind, content in sent.pop("image[]")] == [("image/png", PNG)] * 2
    assert sent == {"model": "gpt-image-1", "prompt": "a cat", "size": "auto", "quality": "auto"}
    assert run.usage[0].cost_micro_usd == 40_450


async def test_dall_e_3_gives_an_address(made: Any, server: ImageServer) -> None:
    settings = {"model": "dall-e-3", "sizeDalle3": "1792x1024", "quality": "hd", "style": "natural"}
    image, run = await made(settings)
    assert image == "https://img.example/1.png"
    assert server.asked[0].json == {
        "model": "dall-e-3", "prompt": "a cat", "n": 1, "size": "1792x1024", "quality": "hd", "style": "natural",
        "response_format": "url",
    }  # fmt: skip
    assert [(used.model, used.cost_micro_usd) for used in run.usage] == [("dall-e-3", 120_000)]
    await made({"model": "dall-e-3", "isRawInputPrompt": True})
    assert server.asked[1].json["prompt"].startswith("Use this prompt exactly")
    assert server.asked[1].json["prompt"].endswith("a cat")


async def test_dall_e_2_gives_base64_where_asked(made: Any, server: ImageServer) -> None:
    image, _ = await made({"model": "dall-e-2", "sizeDalle2": "512x512", "responseFormat": "b64_json"})
    assert base64.b64decode(image) == PNG
    assert server.asked[0].json.keys() == {"model", "prompt", "n", "size", "response_format"}


async def test_gemini_makes_and_changes_images(made: Any, server: ImageServer) -> None:
    image, run = await made({"model": "gemini-2.5-flash-image", "aspectRatio": "16:9"}, ATTACHED)
    assert (await files.read(image, run)).content == PNG
    sent = server.asked[0].json
    assert server.asked[0].path == "/google/models/gemini-2.5-flash-image:generateContent"
    assert sent["generationConfig"]["imageConfig"] == {"aspectRatio": "16:9"}
    assert sent["contents"][0]["parts"][0] == {"text": "a cat"}
    assert base64.b64decode(sent["contents"][0]["parts"][1]["inlineData"]["data"]) == PNG
    # 12 tokens at $0.30 a million and 1,290 at $30.
    assert run.usage[0].cost_micro_usd == 38_704


async def test_imagen_makes_images(made: Any, server: ImageServer) -> None:
    image, run = await made({"model": "imagen-3.0-generate-001", "personGeneration": ""})
    assert image["mimetype"] == "image/png"
    assert server.asked[0].path == "/google/models/imagen-3.0-generate-001:predict"
    assert server.asked[0].json["parameters"] == {
        "sampleCount": 1, "aspectRatio": "1:1", "personGeneration": "allow_adult"
    }  # fmt: skip
    assert run.usage[0].cost_micro_usd == 40_000


async def test_runware_gives_an_address_and_tells_its_cost(made: Any, server: ImageServer) -> None:
    settings = {"model": "flux.1-schnell", "width": "512", "height": 640, "negativePrompt": "no {{Prompt}}"}
    image, run = await made(settings, ATTACHED)
    assert image == "https://im.runware.ai/1.jpg"
    (task,) = server.asked[0].json
    assert (task["model"], task["width"], task["height"]) == ("runware:100@1", 512, 640)
    assert (task["positivePrompt"], task["negativePrompt"]) == ("a cat", "no a cat")
    assert (task["seedImage"], task["strength"], task["outputFormat"]) == (DATA_URL, 0.5, "JPEG")
    assert run.usage[0].cost_micro_usd == 1300
    await made({"model": "civitai:101055@128078"})
    assert server.asked[1].json[0]["model"] == "civitai:101055@128078"
    assert "seedImage" not in server.asked[1].json[0]


@pytest.mark.parametrize("model", ALL)
async def test_a_missing_key_is_told_by_the_name_of_its_vault_entry(
    outputs_of: Any, server: ImageServer, model: str
) -> None:
    with pytest.raises(ComponentError, match=r'Generating Image\(s\)\n.*vault as "(openai|googleai|runware)"'):
        await outputs_of("ImageGenerator", {"model": model}, {"Prompt": "a cat"}, ports=ports_at(server, {}))
    assert server.asked == []


@pytest.mark.parametrize("model", ALL)
async def test_a_refused_key_is_not_repeated(outputs_of: Any, server: ImageServer, model: str) -> None:
    wrong = dict.fromkeys(KEYS, "wrong-key-0123456789")
    with pytest.raises(ComponentError, match=r"Generating Image\(s\)\n.*(API key)") as caught:
        await outputs_of("ImageGenerator", {"model": model}, {"Prompt": "a cat"}, ports=ports_at(server, wrong))
    assert "wrong-key" not in str(caught.value)


@pytest.mark.parametrize("model", ["gpt-image-1", "dall-e-3", "gemini-2.5-flash-image", "flux.1-dev"])
async def test_what_providers_refuse_is_told(made: Any, model: str) -> None:
    with pytest.raises(ComponentError, match=r"Generating Image\(s\)\n\w+"):
        await made({"model": model}, {"Prompt": "forbidden"})


@pytest.mark.parametrize("model", ["dall-e-2", "dall-e-3", "imagen-3.0-generate-001"])
async def test_models_that_only_make_new_images_take_no_attachments(made: Any, model: str) -> None:
    with pytest.raises(ComponentError, match="makes new images only"):
        await made({"model": model}, ATTACHED)


@pytest.mark.parametrize("model", ["gpt-4o", "face_yolov8n", "Echo"])
async def test_other_models_are_unknown(made: Any, model: str) -> None:
    with pytest.raises(ComponentError, match=f"^Model Not Found: {model}"):
        await made({"model": model})


@pytest.mark.parametrize(
    "wrong",
    [{"width": 100}, {"height": 4096}, {"strength": 2}, {"prompt": "x"}, {"sizeDalle3": "1x1"}, {"style": "odd"}],
)
def test_settings_have_limits(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        find("ImageGenerator").Settings.model_validate({"model": "dall-e-3"} | wrong)


class TestARequestThatMayNotSpendWhatItLikes:
    @pytest.mark.parametrize(
        ("settings", "most"),
        [
            ({"model": "dall-e-3", "quality": "hd"}, 80_000),
            ({"model": "dall-e-2", "sizeDalle2": "1024x1024"}, 20_000),
            ({"model": "flux.1-schnell"}, 150_000),
        ],
    )
    async def test_makes_an_image_that_can_be_paid(
        self, made: Any, ports: Ports, server: ImageServer, settings: dict[str, Any], most: int
    ) -> None:
        ports.allowance = Allowance(most - 1)
        with pytest.raises(ComponentError, match="The model was not asked"):
            await made(settings)
        assert server.asked == []
        ports.allowance = Allowance(most)
        _, run = await made(settings)
        assert ports.allowance.left == most - run.usage[0].cost_micro_usd

    async def test_counts_tokens_by_the_largest_picture_of_a_quality(self, made: Any, ports: Ports) -> None:
        ports.allowance = Allowance(100_000)
        with pytest.raises(ComponentError, match="The model was not asked"):
            await made({"model": "gpt-image-1", "quality": "high"})
        for settings in ({"model": "gpt-image-1", "quality": "medium"}, {"model": "gemini-2.5-flash-image"}):
            ports.allowance = Allowance(100_000)
            _, run = await made(settings)
            assert ports.allowance.left == 100_000 - run.usage[0].cost_micro_usd

    async def test_gets_back_what_was_held_for_an_image_that_was_refused(self, made: Any, ports: Ports) -> None:
        ports.allowance = Allowance(100_000)
        with pytest.raises(ComponentError):
            await made({"model": "dall-e-3"}, {"Prompt": "forbidden"})
        assert ports.allowance.left == 100_000
