"""MultimodalLLM: one prompt about files."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from smyth.components._attachments import question
from smyth.components._filling import filled
from smyth.components._prompting import ModelSettings, Passthrough, Prompt, Whole, ask_for_reply, asking_for_value_of
from smyth.components.base import Call, Component, Port


class Settings(ModelSettings):
    """Settings of MultimodalLLM."""

    prompt: Prompt
    max_tokens: Whole = Field(None, alias="maxTokens", ge=1, description="Longest answer, in tokens.")
    passthrough: Passthrough = False


class MultimodalLLM(Component):
    """Asks a model about files (COMPONENTS section 2); GenAILLM does that too."""

    name = "MultimodalLLM"
    title = "Multimodal LLM"
    summary = "Asks a language model about files."
    Settings = Settings
    inputs = (Port("Input", "Any", "A file, or a list of them."),)
    outputs = (Port("Reply", "Any", "The answer."),)
    custom_inputs = True
    custom_outputs = True

    async def run(self, call: Call) -> dict[str, Any]:
        """Send the prompt with the files, and read the answer."""
        settings: Settings = call.settings
        prompt = asking_for_value_of(filled(settings.prompt, call), call)
        asked = await question(call, prompt, [call.inputs.get("Input")])
        return {"Reply": await ask_for_reply(call, [asked], max_tokens=settings.max_tokens)}
