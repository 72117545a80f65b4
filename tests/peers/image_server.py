"""The image interfaces of OpenAI, Google and Runware, as their references describe them."""

from __future__ import annotations

import base64
from email import message_from_bytes
from typing import Any

from tests.peers.http_service import Asked, HttpService, Reply

KEYS = {"openai": "sk-test-012345678", "googleai": "AIza-test-0123456789", "runware": "rw-test-0123456789"}
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
_IMAGE = base64.b64encode(PNG).decode()
_OPENAI = {"model", "prompt", "n", "size", "quality", "style", "response_format", "output_format"}
_DALL_E_SIZES = {
    "dall-e-2": {"256x256", "512x512", "1024x1024"},
    "dall-e-3": {"1024x1024", "1792x1024", "1024x1792"},
}
_GPT_SIZES = {"auto", "1024x1024", "1536x1024", "1024x1536"}
_RUNWARE = {
    *("taskType", "taskUUID", "model", "positivePrompt", "negativePrompt", "width", "height", "numberResults"),
    *("outputType", "outputFormat", "includeCost", "seedImage", "strength"),
}


class ImageServer(HttpService):
    """Makes the same picture of whatever it is asked for; "forbidden" things it refuses."""

    def answer(self, asked: Asked) -> Reply:
        match asked.path.split("/")[1:]:
            case ["openai", "images", "generations"]:
                return self._openai(asked, asked.json)
            case ["openai", "images", "edits"]:
                return self._openai(asked, form(asked))
            case ["google", "models", call]:
                return self._google(asked, *call.split(":"))
            case ["runware"]:
                return self._runware(asked)
        return Reply({"error": {"message": f"There is nothing at {asked.path}."}}, 404)

    def _openai(self, asked: Asked, body: dict[str, Any]) -> Reply:
        given = asked.headers.get("authorization", "")
        if given != f"Bearer {KEYS['openai']}":
            return _openai_error(401, f"Incorrect API key provided: {given}")
        model = body["model"]
        files = body.pop("image[]", None)
        unknown = body.keys() - _OPENAI
        if unknown or (files is None) == asked.path.endswith("edits"):
            return _openai_error(400, f"Unknown parameter: {sorted(unknown)}")
        if body["size"] not in _DALL_E_SIZES.get(model, _GPT_SIZES) or "forbidden" in body["prompt"]:
            return _openai_error(400, "Your request was rejected.")
        if model in _DALL_E_SIZES:
            is_url = body["response_format"] == "url"
            return Reply(
                {"created": 1, "data": [{"url": "https://img.example/1.png"} if is_url else {"b64_json": _IMAGE}]}
            )
        if "response_format" in body or "style" in body:
            return _openai_error(400, "Unknown parameter: 'response_format'.")
        usage = {
            "input_tokens": 50,
            "output_tokens": 1000,
            "input_tokens_details": {"text_tokens": 10, "image_tokens": 40 if files else 0},
        }
        return Reply({"created": 1, "data": [{"b64_json": _IMAGE}], "usage": usage})

    def _google(self, asked: Asked, model: str, verb: str) -> Reply:
        if asked.headers.get("x-goog-api-key") != KEYS["googleai"]:
            return Reply({"error": {"code": 403, "message": "API key not valid.", "status": "PERMISSION_DENIED"}}, 403)
        if verb == "predict":
            (instance,) = asked.json["instances"]
            assert instance.keys() == {"prompt"}
            return Reply({"predictions": [{"mimeType": "image/png", "bytesBase64Encoded": _IMAGE}]})
        text = asked.json["contents"][0]["parts"][0]["text"]
        picture = [{"inlineData": {"mimeType": "image/png", "data": _IMAGE}}] if "forbidden" not in text else []
        content = {"role": "model", "parts": [{"text": "Here it is."}, *picture]}
        usage = {"promptTokenCount": 12, "candidatesTokenCount": 1290}
        return Reply({"candidates": [{"content": content, "finishReason": "STOP"}], "usageMetadata": usage})

    def _runware(self, asked: Asked) -> Reply:
        (task,) = asked.json
        if asked.headers.get("authorization") != f"Bearer {KEYS['runware']}":
            return Reply({"errors": [{"code": "invalidApiKey", "message": "Invalid API key."}]}, 401)
        if task.keys() - _RUNWARE or task["width"] % 64 or "forbidden" in task["positivePrompt"]:
            return Reply({"errors": [{"code": "invalidTask", "message": "The task cannot be done."}]})
        made = {"taskType": "imageInference", "taskUUID": task["taskUUID"], "cost": 0.0013}
        return Reply({"data": [made | {"imageURL": "https://im.runware.ai/1.jpg"}]})


def form(asked: Asked) -> dict[str, Any]:
    """Read a multipart form; files come as a list of (name, type, content) under their field."""
    message = message_from_bytes(b"content-type: " + asked.headers["content-type"].encode() + b"\r\n\r\n" + asked.body)
    fields: dict[str, Any] = {}
    for part in message.walk():
        name = part.get_param("name", header="content-disposition")
        if part.get_filename():
            content = part.get_payload(decode=True)
            fields.setdefault(str(name), []).append((part.get_filename(), part.get_content_type(), content))
        elif name:
            payload = part.get_payload(decode=True)
            assert isinstance(payload, bytes)
            fields[str(name)] = payload.decode()
    return fields


def _openai_error(status: int, words: str) -> Reply:
    return Reply({"error": {"message": words, "type": "invalid_request_error", "param": None, "code": None}}, status)
