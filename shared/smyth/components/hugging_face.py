"""HuggingFace: a task done by a model on Hugging Face's inference service (COMPONENTS section 9)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Annotated, Any, get_args
from urllib.parse import quote

from pydantic import AfterValidator, Field, StrictBool

from smyth.components._files import File, keep
from smyth.components._hugging_face import Task, answer, parameters, payload
from smyth.components._services import credential, json_object, read_json, refusal
from smyth.components.base import Call, Component, ComponentError, Port
from smyth.components.base import Settings as BaseSettings
from smyth.connectors.files.port import MAX_BYTES
from smyth.connectors.http.port import ForbiddenAddress, HttpError, HttpReply, HttpRequest
from smyth.values.media import media_type

_PREFIX = "Error from Hugging Face: "
#: Seconds to wait before each further try.
_WAITS_S = (5.0, 10.0)
#: Tasks for which models have an address of their own.
_PIPELINES = {"feature-extraction", "sentence-similarity"}


class Settings(BaseSettings):
    """Which model does what."""

    access_token: str = Field(
        "", alias="accessToken", max_length=350, description="Token, as {{KEY(name)}} from the vault."
    )
    model: str = Field(alias="modelName", min_length=1, max_length=100, description="Name of the model's repository.")
    task: Task = Field(alias="modelTask", description="What the model is to do.")
    parameters: Annotated[str, AfterValidator(json_object)] = Field(
        "", description='Parameters of the task as a JSON object; {{name}} stands for an input, "None" leaves one out.'
    )
    input_config: str | None = Field("", alias="inputConfig", description="Of old documents; not used.")
    shown_name: str = Field(alias="name", min_length=1, max_length=100, description="Name that editors show.")
    display_name: str = Field(alias="displayName", min_length=1, max_length=100, description="Label in editors.")
    desc: str = Field("", max_length=5000, description="Description that editors show.")
    logo_url: str = Field("", alias="logoUrl", max_length=500, description="Picture that editors show.")
    disable_cache: StrictBool = Field(
        False, alias="disableCache", description="Have the service work again for what it was asked before."
    )


class HuggingFace(Component):
    """Sends the inputs of a task to a model, and keeps files that it answers."""

    name = "HuggingFace"
    title = "Hugging Face"
    summary = "Has a model on Hugging Face do a task."
    Settings = Settings
    inputs = (
        Port("Text", "Text", "Of text tasks.", optional=True),
        Port("Image", "Binary", "Of image tasks.", optional=True),
        Port("Audio", "Binary", "Of audio tasks.", optional=True),
        Port("Question", "Text", "Of question answering.", optional=True),
        Port("Context", "Text", "Where question answering looks.", optional=True),
        Port("Query", "Text", "Of table question answering.", optional=True),
        Port("Table", "Any", "Columns by name, or rows.", optional=True),
        Port("Source_sentence", "Text", "Of sentence similarity.", optional=True),
        Port("Sentences", "Array", "What to compare it with.", optional=True),
        Port("Generated_responses", "Array", "What the model said so far.", optional=True),
        Port("Past_user_inputs", "Array", "What it was told so far.", optional=True),
    )
    outputs = (Port("Output", "Any", "The answer; a file where the model makes one."),)
    custom_outputs = True

    async def run(self, call: Call) -> dict[str, Any]:
        """Ask the model, again after a while where that may help."""
        settings: Settings = call.settings
        if settings.task not in get_args(Task):
            raise ComponentError(
                f"Inference API does not support for this task - {settings.task}. "
                f"Choose one of: {', '.join(get_args(Task))}."
            )
        token = await credential(
            call, settings.access_token, otherwise="Please provide a valid Hugging Face Access Token."
        )
        request = await _request(call, token)
        try:
            reply = await _ask(call, request)
        except HttpError as error:
            raise ComponentError(f"{_PREFIX}{error}") from None
        if reply.status >= 400:
            raise ComponentError(_PREFIX + refusal(reply, secret=token))
        return {"Output": await _output(call, reply)}


async def _request(call: Call, token: str) -> HttpRequest:
    settings: Settings = call.settings
    url = f"{call.run.ports.service_urls.huggingface}/models/{quote(settings.model)}"
    if settings.task in _PIPELINES:
        url = f"{url}/pipeline/{settings.task}"
    sent = await payload(call, settings.task, parameters(call, settings.parameters))
    headers = {"authorization": f"Bearer {token}"}
    if settings.disable_cache:
        headers["x-use-cache"] = "false"
    if isinstance(sent, File):
        headers["content-type"], content = sent.mimetype, sent.content
    else:
        headers["content-type"], content = "application/json", json.dumps(sent).encode()
    return HttpRequest(url, "POST", headers, content, max_bytes=MAX_BYTES)


async def _ask(call: Call, request: HttpRequest) -> HttpReply:
    """Send a request, and again after a while where the service is busy or loads the model.

    Raises:
        HttpError: There is no answer.
    """
    http = call.run.ports.http
    for wait in _WAITS_S:
        try:
            reply = await http.send(request)
            if reply.status != 429 and reply.status < 500:
                return reply
        except ForbiddenAddress:
            raise
        except HttpError:
            pass
        await call.run.ports.sleep(wait)
        request = replace(request, headers={**request.headers, "x-wait-for-model": "true"})
    return await http.send(request)


async def _output(call: Call, reply: HttpReply) -> Any:
    """Return the answer; a file that the model made as a file object."""
    mimetype = reply.headers.get("content-type", "").partition(";")[0].strip()
    if mimetype == "application/json":
        return answer(call.settings.task, read_json(reply))
    if mimetype.startswith("text/"):
        return reply.content.decode("utf-8", "replace")
    return await keep(File(reply.content, mimetype or media_type(reply.content)), call.run)
