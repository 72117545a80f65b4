"""The providers of ImageGenerator, each in its own protocol (COMPONENTS section 10)."""

from __future__ import annotations

import asyncio
import base64
import uuid
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from smyth.components import _files as files
from smyth.components._services import json_request, read_json, refusal, send, vault_key
from smyth.components.base import Call, ComponentError
from smyth.connectors.files.memory import data_url
from smyth.connectors.files.port import StoredFile
from smyth.connectors.http.port import HttpRequest
from smyth.connectors.models.image_prices import ImageTokens, image_cost_micro_usd, most_micro_usd
from smyth.connectors.models.port import ModelError, Usage

if TYPE_CHECKING:
    from smyth.components.image_generator import Settings
    from smyth.connectors.models.allowance import Hold

#: Images come as text inside JSON.
_MAX_ANSWER = 48 * 1024 * 1024
_TIMEOUT_S = 300.0
_RUNWARE_MODELS = {"flux.1-schnell": "runware:100@1", "flux.1-dev": "runware:101@1"}
_RAW_PROMPT = "Use this prompt exactly as it is, and add no detail to it: "
_UNCOUNTED = ImageTokens()


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be made: the texts with their inputs filled in."""

    model: str
    prompt: str
    negative_prompt: str
    attachments: list[files.File]
    #: What is set aside for it, where the request may not spend what it likes.
    hold: Hold | None = None


async def held(call: Call, order: Order) -> Order:
    """Set aside what the order can cost at the most.

    Raises:
        ComponentError: The request may not spend that much.
    """
    allowance = call.run.ports.allowance
    if allowance is None:
        return order
    settings: Settings = call.settings
    is_third = order.model == "dall-e-3"
    size = settings.size_dalle3 if is_third else settings.size_dalle2 if order.model == "dall-e-2" else settings.size
    quality = _dall_e_quality(order.model, settings) if order.model.startswith("dall-e") else settings.quality
    most = await asyncio.to_thread(
        most_micro_usd,
        order.model,
        prompt=_RAW_PROMPT + order.prompt,
        read=len(order.attachments),
        size=size,
        quality=quality,
    )
    try:
        return replace(order, hold=await allowance.hold(most))
    except ModelError as error:
        raise ComponentError(str(error)) from error


async def openai_gpt_image(call: Call, order: Order) -> Any:
    """Make an image, or change the attached ones; return its file object."""
    settings: Settings = call.settings
    kind = (settings.output_format or "auto").lower()
    wanted = {
        "model": order.model,
        "prompt": order.prompt,
        "size": settings.size or "auto",
        "quality": settings.quality if settings.quality in ("high", "medium", "low") else "auto",
        "output_format": None if kind == "auto" else kind,
    }
    fields = {name: value for name, value in wanted.items() if value}
    key = await vault_key(call, "openai", service="OpenAI")
    base = f"{call.run.ports.service_urls.openai}/images"
    if order.attachments:
        request = _multipart(f"{base}/edits", fields, order.attachments)
    else:
        request = json_request(f"{base}/generations", {**fields, "n": 1})
    body = await _asked(call, request, {"authorization": f"Bearer {key}"}, secret=key)
    used, details = body.get("usage") or {}, (body.get("usage") or {}).get("input_tokens_details") or {}
    tokens = ImageTokens(
        text=details.get("text_tokens", used.get("input_tokens", 0)),
        image=details.get("image_tokens", 0),
        output=used.get("output_tokens", 0),
    )
    size, quality = body.get("size") or fields["size"], body.get("quality") or fields["quality"]
    await _meter(call, order, size=size, quality=quality, tokens=tokens)
    told = body.get("output_format") or fields.get("output_format", "png")
    return await _kept(call, _first(body, "data").get("b64_json"), f"image/{told}")


async def openai_dall_e(call: Call, order: Order) -> Any:
    """Make an image; return its address, or its base64 where the settings ask for that."""
    settings: Settings = call.settings
    if order.attachments:
        raise ComponentError(f"{order.model} makes new images only. Leave the attachments empty, or use gpt-image-1.")
    is_third = order.model == "dall-e-3"
    body: dict[str, Any] = {
        "model": order.model,
        "prompt": f"{_RAW_PROMPT}{order.prompt}" if is_third and settings.is_raw_input_prompt else order.prompt,
        "n": 1,
        "size": settings.size_dalle3 if is_third else settings.size_dalle2,
        "response_format": settings.response_format,
    }
    quality = _dall_e_quality(order.model, settings)
    if is_third:
        body |= {"quality": quality, "style": settings.style}
    key = await vault_key(call, "openai", service="OpenAI")
    request = json_request(f"{call.run.ports.service_urls.openai}/images/generations", body)
    answer = await _asked(call, request, {"authorization": f"Bearer {key}"}, secret=key)
    await _meter(call, order, size=body["size"], quality=quality)
    return _first(answer, "data").get(settings.response_format)


async def google(call: Call, order: Order) -> Any:
    """Make an image with Gemini, which changes attached ones too, or with Imagen; return its file object."""
    settings: Settings = call.settings
    key = await vault_key(call, "googleai", service="GoogleAI")
    base = f"{call.run.ports.service_urls.google}/models/{order.model}"
    shape = {"aspectRatio": settings.aspect_ratio or "1:1"}
    if order.model.startswith("imagen"):
        if order.attachments:
            raise ComponentError(f"{order.model} makes new images only. Leave the attachments empty, or use Gemini.")
        people = settings.person_generation or "allow_adult"
        parameters = {"sampleCount": 1, **shape, "personGeneration": people}
        request = json_request(f"{base}:predict", {"instances": [{"prompt": order.prompt}], "parameters": parameters})
    else:
        given = [
            {"inlineData": {"mimeType": file.mimetype, "data": base64.b64encode(file.content).decode()}}
            for file in order.attachments
        ]
        config = {"responseModalities": ["TEXT", "IMAGE"], "imageConfig": shape}
        contents = [{"role": "user", "parts": [{"text": order.prompt}, *given]}]
        request = json_request(f"{base}:generateContent", {"contents": contents, "generationConfig": config})
    answer = await _asked(call, request, {"x-goog-api-key": key}, secret=key)
    used = answer.get("usageMetadata") or {}
    tokens = ImageTokens(text=used.get("promptTokenCount", 0), output=used.get("candidatesTokenCount", 0))
    await _meter(call, order, tokens=tokens)
    image = _google_image(answer)
    if image is None:
        raise ComponentError("The model gave no image. Change the prompt: it may ask for what is not allowed.")
    return await _kept(call, *image)


async def runware(call: Call, order: Order) -> Any:
    """Make an image, beginning from the attached one if there is one; return its address."""
    settings: Settings = call.settings
    task: dict[str, Any] = {
        "taskType": "imageInference",
        "taskUUID": str(uuid.uuid4()),
        "model": _RUNWARE_MODELS.get(order.model, order.model),
        "positivePrompt": order.prompt,
        "width": settings.width,
        "height": settings.height,
        "numberResults": 1,
        "outputType": "URL",
        "outputFormat": _runware_format(settings.output_format),
        "includeCost": True,
    }
    if order.negative_prompt:
        task["negativePrompt"] = order.negative_prompt
    if order.attachments:
        seed = order.attachments[0]
        task |= {"seedImage": data_url(StoredFile(seed.content, seed.mimetype)), "strength": settings.strength}
    key = await vault_key(call, "runware", service="Runware")
    request = json_request(call.run.ports.service_urls.runware, [task])
    made = _first(await _asked(call, request, {"authorization": f"Bearer {key}"}, secret=key), "data")
    cost = int(Decimal(str(made.get("cost") or 0)) * 1_000_000)
    _count(call, order, Usage(order.model, cost_micro_usd=cost))
    return made.get("imageURL")


def is_runware(model: str) -> bool:
    """Tell whether Runware serves ``model``: a name of the catalogue, or an AIR id such as ``runware:101@1``."""
    return model in _RUNWARE_MODELS or (":" in model and "@" in model)


async def _asked(call: Call, request: HttpRequest, headers: dict[str, str], *, secret: str) -> dict[str, Any]:
    """Send a request and return the object that was answered.

    Raises:
        ComponentError: There is no answer, or the provider refused.
    """
    reply = await send(
        call,
        HttpRequest(
            request.url,
            request.method,
            {**request.headers, **headers},
            request.body,
            timeout_s=_TIMEOUT_S,
            max_bytes=_MAX_ANSWER,
        ),
    )
    body = read_json(reply)
    if reply.status >= 400 or not isinstance(body, dict) or body.get("errors"):
        raise ComponentError(refusal(reply, secret=secret))
    return body


async def _meter(
    call: Call, order: Order, *, size: str = "", quality: str = "", tokens: ImageTokens = _UNCOUNTED
) -> None:
    cost = await asyncio.to_thread(image_cost_micro_usd, order.model, size=size, quality=quality, tokens=tokens)
    _count(call, order, Usage(order.model, tokens.text + tokens.image, tokens.output, cost_micro_usd=cost))


def _count(call: Call, order: Order, usage: Usage) -> None:
    call.run.usage.append(usage)
    if order.hold is not None:
        order.hold.end(usage.cost_micro_usd)


def _dall_e_quality(model: str, settings: Settings) -> str:
    return "hd" if model == "dall-e-3" and settings.quality == "hd" else "standard"


async def _kept(call: Call, data: Any, mimetype: str) -> dict[str, Any]:
    """Store an image that came as base64; return its file object."""
    try:
        content = base64.b64decode(data, validate=True)
    except (TypeError, ValueError):
        raise ComponentError("The provider's answer holds no image. Try again.") from None
    return await files.keep(files.File(content, mimetype, f"image.{mimetype.partition('/')[2]}"), call.run)


def _first(body: dict[str, Any], member: str) -> dict[str, Any]:
    found = body.get(member)
    if isinstance(found, list) and found and isinstance(found[0], dict):
        return found[0]
    raise ComponentError("The provider's answer holds no image. Try again.")


def _google_image(answer: dict[str, Any]) -> tuple[str, str] | None:
    """Return the first image of an answer of Imagen or Gemini, with its MIME type."""
    for prediction in answer.get("predictions") or ():
        if prediction.get("bytesBase64Encoded"):
            return prediction["bytesBase64Encoded"], prediction.get("mimeType") or "image/png"
    for candidate in answer.get("candidates") or ():
        for part in (candidate.get("content") or {}).get("parts") or ():
            image = part.get("inlineData") or {}
            if image.get("data"):
                return image["data"], image.get("mimeType") or "image/png"
    return None


def _runware_format(given: str) -> str:
    name = given.upper()
    return name if name in ("PNG", "JPEG", "WEBP") else "JPEG"


def _multipart(url: str, fields: dict[str, str], attached: list[files.File]) -> HttpRequest:
    """Return a form with ``fields`` and files."""
    import httpx

    parts = [("image[]", (file.name or "image.png", file.content, file.mimetype)) for file in attached]
    form = httpx.Request("POST", url, data=fields, files=parts)
    return HttpRequest(url, "POST", {"content-type": form.headers["content-type"]}, form.read())
