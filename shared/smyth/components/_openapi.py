"""What OpenAPI and its older name GPTPlugin do (COMPONENTS section 9)."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urljoin

from pydantic import BaseModel, Field

from smyth.components import base
from smyth.components._asking import AskingSettings, as_prompt, conversations, question
from smyth.components._openapi_tools import tools
from smyth.components._services import send
from smyth.components.base import Call, ComponentError, Port
from smyth.connectors.conversations.port import ConversationFailed
from smyth.connectors.http.port import HttpRequest
from smyth.connectors.openapi.spec import SpecError, as_object, read

_FAILED = "Error on running Open API!\n"
_LARGEST_SPEC = 5 * 1024 * 1024


class Settings(AskingSettings):
    """Which API, and how the model is told to use it."""

    spec_url: str = Field(
        alias="specUrl", min_length=1, max_length=2048, pattern=r"^https?://", description="URL of an OpenAPI document."
    )
    behavior: str = Field(alias="descForModel", max_length=5000, description="System text; {{name}} is an input.")
    name: str = Field(max_length=500, description="Display name of the connected service.")
    desc: str = Field(max_length=5000, description="What it is for, told to people.")


class SpecConversation(base.Component):
    """Let a model answer a prompt with the operations of an API as its tools."""

    Settings: ClassVar[type[BaseModel]] = Settings
    inputs = (Port("Query", description="What is asked; an input named Prompt wins over it."),)
    outputs = (Port("Output", "Text", "The answer."),)
    custom_inputs = True
    custom_outputs = True

    async def run(self, call: Call) -> dict[str, Any]:
        """See :meth:`smyth.components.base.Component.run`."""
        prompt = as_prompt(call.inputs.get("Prompt")) or as_prompt(call.inputs.get("Query"))
        if not prompt:
            raise ComponentError("Please provide a prompt")
        try:
            spec, address = await _fetched(call, call.settings.spec_url)
            title = as_object(spec.get("info")).get("title")
            asked = question(call, prompt, speaker=title if isinstance(title, str) else "")
            answer = await conversations(call).with_tools(asked, tools(spec, address, call))
        except (SpecError, ConversationFailed, ComponentError) as error:
            raise ComponentError(f"{_FAILED}{error}") from error
        return {"Output": answer}


async def _fetched(call: Call, url: str) -> tuple[dict[str, Any], str]:
    """Fetch an OpenAPI document, also one that a plugin's manifest names; return it with its address.

    Raises:
        ComponentError: It cannot be fetched.
        SpecError: It is no document.
    """
    spec, address = await _fetched_object(call, url)
    inside = as_object(spec.get("api")).get("url")
    if "openapi" not in spec and isinstance(inside, str):
        return await _fetched_object(call, urljoin(address, inside))
    return spec, address


async def _fetched_object(call: Call, url: str) -> tuple[dict[str, Any], str]:
    request = HttpRequest(url, headers={"accept": "application/json"}, max_bytes=_LARGEST_SPEC)
    reply = await send(call, request)
    if reply.status != 200:
        raise SpecError(f"The specification URL was answered with status code {reply.status}. Check the URL.")
    spec = read(reply.content)
    if spec is None:
        raise SpecError("The specification URL holds no JSON object. Give the URL of the document in JSON form.")
    return spec, reply.url
