"""ImageGenerator: make or change an image."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from smyth.components import _files as files
from smyth.components import _images as images
from smyth.components._filling import filled
from smyth.components.base import Call, Component, ComponentError, Port
from smyth.components.base import Settings as BaseSettings
from smyth.values import truthy


def _or_default(default: Any) -> BeforeValidator:
    """Take null and blank text for a setting that was not made."""
    return BeforeValidator(lambda value: default if value is None or value == "" else value)


_Pixels = Annotated[int, Field(ge=128, le=2048, multiple_of=64), _or_default(1024)]


class Settings(BaseSettings):
    """Settings of ImageGenerator; which of them count depends on the model."""

    model: str = Field(min_length=1, max_length=100, description="gpt-image, dall-e, Gemini, Imagen or Runware model.")
    prompt: Annotated[str, _or_default("{{Prompt}}")] = Field(
        "{{Prompt}}", min_length=2, max_length=2000, description="What to show; {{name}} stands for an input."
    )
    size_dalle2: Annotated[Literal["256x256", "512x512", "1024x1024"], _or_default("256x256")] = Field(
        "256x256", alias="sizeDalle2", description="dall-e-2: size."
    )
    size_dalle3: Annotated[Literal["1024x1024", "1792x1024", "1024x1792"], _or_default("1024x1024")] = Field(
        "1024x1024", alias="sizeDalle3", description="dall-e-3: size."
    )
    quality: Literal["standard", "hd", "auto", "high", "medium", "low", ""] = Field(
        "", description="dall-e-3: standard or hd; gpt-image: auto, high, medium or low."
    )
    style: Annotated[Literal["vivid", "natural"], _or_default("vivid")] = Field("vivid", description="dall-e-3.")
    is_raw_input_prompt: bool = Field(
        False, alias="isRawInputPrompt", description="dall-e-3: ask that the prompt is not rewritten."
    )
    negative_prompt: str = Field("", alias="negativePrompt", max_length=2000, description="Runware: what to avoid.")
    width: _Pixels = Field(1024, description="Runware: a multiple of 64.")
    height: _Pixels = Field(1024, description="Runware: a multiple of 64.")
    output_format: Literal["PNG", "JPEG", "WEBP", "auto", "jpeg", "png", "webp", ""] = Field(
        "", alias="outputFormat", description="Kind of file, for Runware and gpt-image."
    )
    strength: Annotated[float, _or_default(0.5)] = Field(
        0.5, ge=0, le=1, description="Runware: how far from the attached image."
    )
    size: str = Field("auto", max_length=100, description="gpt-image: auto, 1024x1024, 1536x1024 or 1024x1536.")
    aspect_ratio: Literal["1:1", "3:4", "4:3", "9:16", "16:9", ""] = Field(
        "1:1", alias="aspectRatio", description="Google models."
    )
    person_generation: Literal["dont_allow", "allow_adult", "allow_all", ""] = Field(
        "", alias="personGeneration", description="Imagen: whether people may be shown."
    )
    response_format: Annotated[Literal["url", "b64_json"], _or_default("url")] = Field(
        "url", alias="responseFormat", description="dall-e: an address, or the image as base64."
    )


class ImageGenerator(Component):
    """Makes an image with OpenAI's, Google's or Runware's models (COMPONENTS section 10)."""

    name = "ImageGenerator"
    title = "Image Generator"
    summary = "Makes an image from a text, or changes one."
    Settings = Settings
    inputs = (
        Port("Prompt", "Text", "What to show."),
        Port("Attachment", "Binary", "Images to change; not for dall-e and Imagen.", optional=True),
    )
    outputs = (Port("Output", "Any", "A file, or the image's address (dall-e, Runware)."),)
    custom_inputs = True

    async def run(self, call: Call) -> dict[str, Any]:
        """Ask the model's provider for the image."""
        settings: Settings = call.settings
        model = settings.model.removeprefix("smythos/")
        make = _maker(model)
        try:
            order = images.Order(
                model,
                filled(settings.prompt, call),
                filled(settings.negative_prompt, call),
                [await files.read(value, call.run) for value in _attached(call)],
            )
            order = await images.held(call, order)
            try:
                return {"Output": await make(call, order)}
            finally:
                if order.hold is not None:
                    order.hold.end(0)  # Where nothing was made, and so nothing counted.
        except (ComponentError, ValueError) as error:
            raise ComponentError(f"Generating Image(s)\n{error}") from error


def _maker(model: str) -> Any:
    """Return what makes images with ``model``.

    Raises:
        ComponentError: Nobody knows it.
    """
    if model.startswith("gpt-image"):
        return images.openai_gpt_image
    if model in ("dall-e-2", "dall-e-3"):
        return images.openai_dall_e
    if model.startswith("imagen-") or (model.startswith("gemini-") and "image" in model):
        return images.google
    if images.is_runware(model):
        return images.runware
    raise ComponentError(f"Model Not Found: {model}")


def _attached(call: Call) -> list[Any]:
    """Return the values of all inputs of file types, lists of them one by one."""
    values = [call.inputs.get(port.name) for port in call.node.inputs if port.type.lower() in files.FILE_TYPES]
    return [item for value in values for item in (value if isinstance(value, list) else [value]) if truthy(item)]
