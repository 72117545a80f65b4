"""PromptGenerator: one prompt to a text model."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from smyth.components._filling import filled
from smyth.components._prompting import PromptSettings, ask, asking_for_outputs, read_reply
from smyth.components.base import Call, Component, ComponentError, Port


class Settings(PromptSettings):
    """Settings of PromptGenerator."""

    response_format: Literal["json", "text"] | None = Field(
        None, alias="responseFormat", description="json switches the model to JSON; the answer is read as JSON anyway."
    )


class PromptGenerator(Component):
    """Asks a model and gives its answer, read as JSON where it is JSON (COMPONENTS section 2)."""

    name = "PromptGenerator"
    title = "LLM Prompt"
    summary = "Asks a language model one question."
    Settings = Settings
    inputs = (Port("Input", "Any", "What the prompt speaks of."),)
    outputs = (Port("Reply", "Any", "The answer."),)
    custom_inputs = True
    custom_outputs = True

    async def run(self, call: Call) -> dict[str, Any]:
        """Fill the prompt, ask, and read the answer; what was passed through stays text."""
        settings: Settings = call.settings
        answer = await ask(
            call,
            [{"role": "user", "content": asking_for_outputs(filled(settings.prompt, call), call)}],
            on_text=call.run.passthrough if settings.passthrough else None,
            response_format=settings.response_format,
            **settings.sampling(),
        )
        if not answer.text:
            raise ComponentError(" LLM Error = Empty Response!")
        return {"Reply": answer.text if settings.passthrough else read_reply(answer.text, call)}
