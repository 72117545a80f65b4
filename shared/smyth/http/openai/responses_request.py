"""The body of ``POST /v1/responses``."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from smyth.connectors.models.port import Message
from smyth.conversation.options import ModelOptions
from smyth.http.openai.errors import refused
from smyth.http.openai.wanted import (
    Wanted,
    answer_format,
    function_tool,
    readable,
    refuse_unless_harmless,
    want,
)

_UNSUPPORTED = {
    "previous_response_id": "No responses are kept here: send the items of the conversation as input.",
    "conversation": "Send the items of the conversation as input.",
    "prompt": "Prompts of OpenAI's dashboard are not known here. Send instructions and input.",
    "background": "Leave it out, and stream answers that take long.",
    "top_logprobs": "Leave it out.",
}
#: Items that come back with an earlier answer of other services, and say nothing to the model.
_SILENT_ITEMS = ("reasoning",)
_TEXTS = ("input_text", "output_text", "text")


class _Open(BaseModel):
    model_config = ConfigDict(extra="allow")


class ResponseTool(_Open):
    """A function that the caller runs; ``parameters`` is a JSON schema."""

    type: Literal["function"]
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class ResponseText(_Open):
    """How the text is to be."""

    format: dict[str, Any] | None = None
    verbosity: Literal["low", "medium", "high"] | None = None


class ResponseReasoning(_Open):
    """How hard the model is to think."""

    effort: str | None = Field(default=None, max_length=20)


class ResponseRequest(_Open):
    """Input for an agent to answer. Members that are not named here and do no harm are ignored."""

    model: str = Field(min_length=1, max_length=300, description="An agent's slug or id, with @version if need be.")
    input: str | list[dict[str, Any]] = Field(max_length=2_000_000)
    instructions: str | None = None
    tools: list[ResponseTool] | None = Field(default=None, max_length=128, description="Run by the caller.")
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    text: ResponseText | None = None
    reasoning: ResponseReasoning | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    max_output_tokens: int | None = Field(default=None, ge=1)
    metadata: dict[str, str] | None = None
    user: str | None = Field(default=None, max_length=1_000, description="Whose memory skills use.")
    stream: bool | None = False

    def wanted(self) -> Wanted:
        """Return what this asks for.

        Raises:
            Problem: 400, something in it cannot be done.
        """
        refuse_unless_harmless(self.model_extra or {}, _UNSUPPORTED)
        instructions, messages = self._messages()
        tools = [function_tool(one.name, one.model_dump(), f"tools.{at}") for at, one in enumerate(self.tools or ())]
        return want(
            messages,
            "input",
            instructions=instructions,
            options=self._options(),
            tools=tools,
            tool_choice=self.tool_choice,
            one_call=self.parallel_tool_calls is False,
            user=self.user,
        )

    def _options(self) -> ModelOptions:
        text = self.text or ResponseText()
        return ModelOptions(
            temperature=self.temperature,
            top_p=self.top_p,
            max_tokens=self.max_output_tokens,
            response_format=answer_format(text.format, "text.format") if text.format else None,
            reasoning_effort=self.reasoning.effort if self.reasoning else None,
            verbosity=text.verbosity,
        )

    def _messages(self) -> tuple[str, list[Message]]:
        """Return the caller's instructions and the input as messages of a chat completion."""
        instructions = [readable(self.instructions or "", "instructions")]
        if isinstance(self.input, str):
            return instructions[0], [{"role": "user", "content": readable(self.input, "input")}]
        messages: list[Message] = []
        for at, item in enumerate(self.input):
            param = f"input.{at}"
            match item.get("type", "message"):
                case "message" if item.get("role") in ("system", "developer"):
                    instructions.append(_text(item.get("content"), f"{param}.content"))
                case "message":
                    messages.append(_message(item, param))
                case "function_call":
                    _add_call(messages, item, param)
                case "function_call_output":
                    messages.append(_result(item, param))
                case kind if kind not in _SILENT_ITEMS:
                    detail = "An item of the input may be a message, a function_call or a function_call_output."
                    raise refused(param, detail)
        return "\n\n".join(filter(None, instructions)), messages


def _message(item: dict[str, Any], param: str) -> Message:
    match item.get("role"):
        case "user":
            return {"role": "user", "content": _content(item.get("content"), f"{param}.content")}
        case "assistant":
            return {"role": "assistant", "content": _text(item.get("content"), f"{param}.content")}
    raise refused(f"{param}.role", "The role may be user, assistant, system or developer.")


def _add_call(messages: list[Message], item: dict[str, Any], param: str) -> None:
    """Add a call to the answer that it belongs to: those that stand together are one answer's."""
    call_id, name, arguments = (item.get(member) for member in ("call_id", "name", "arguments"))
    if not (isinstance(call_id, str) and isinstance(name, str) and isinstance(arguments, str)):
        raise refused(param, "A function_call needs call_id, name and arguments as text.")
    call = {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
    if not messages or messages[-1]["role"] != "assistant":
        messages.append({"role": "assistant", "content": ""})
    messages[-1].setdefault("tool_calls", []).append(call)


def _result(item: dict[str, Any], param: str) -> Message:
    if not isinstance(item.get("call_id"), str):
        raise refused(f"{param}.call_id", "The output of a function needs the id of its call.")
    return {"role": "tool", "tool_call_id": item["call_id"], "content": _text(item.get("output"), f"{param}.output")}


def _text(content: Any, param: str) -> str:
    """Return what may be text alone, as one text."""
    said = _content(content, param)
    if not isinstance(said, str):
        raise refused(param, "Only messages of the user may hold more than text.")
    return said


def _content(content: Any, param: str) -> str | list[dict[str, Any]]:
    """Return what is said, its parts in the shape of chat completions; parts that are all text become text."""
    if isinstance(content, str):
        return readable(content, param)
    if not isinstance(content, list):
        raise refused(param, "The content must be text or a list of parts.")
    parts = [_part(part, f"{param}.{at}") for at, part in enumerate(content)]
    if all(part["type"] == "text" for part in parts):
        return "\n".join(part["text"] for part in parts)
    return parts


def _part(part: Any, param: str) -> dict[str, Any]:
    given = part if isinstance(part, dict) else {}
    match given.get("type"):
        case kind if kind in _TEXTS and isinstance(given.get("text"), str):
            return {"type": "text", "text": readable(given["text"], param)}
        case "refusal" if isinstance(given.get("refusal"), str):
            return {"type": "text", "text": readable(given["refusal"], param)}
        case "input_image" if isinstance(given.get("image_url"), str):
            return {"type": "image_url", "image_url": {"url": given["image_url"]}}
        case "input_file":
            data = given.get("file_data") or given.get("file_url")
            if isinstance(data, str):
                return {"type": "file", "file": {"file_data": data, "filename": str(given.get("filename") or "file")}}
    raise refused(
        param,
        "A part may be input_text with text, input_image with image_url, or input_file with file_data or file_url.",
    )
