"""The body of ``POST /v1/chat/completions``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

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
    "functions": "Send them as tools.",
    "function_call": "Send it as tool_choice.",
    "logprobs": "Leave it out.",
    "top_logprobs": "Leave it out.",
    "logit_bias": "Leave it out.",
    "audio": "Agents answer with text.",
    "web_search_options": "Give the agent a skill that searches.",
}
_PARTS = ("text", "image_url", "file")


class _Open(BaseModel):
    """What clients may send more of than is read."""

    model_config = ConfigDict(extra="allow")


class CalledFunction(_Open):
    """The function of a call; ``arguments`` is JSON text."""

    name: str
    arguments: str


class CompletionCall(_Open):
    """A call of a tool, as an earlier answer had it."""

    id: str
    type: Literal["function"] = "function"
    function: CalledFunction


class CompletionMessage(_Open):
    """A message of the conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[dict[str, Any]] | None = None
    tool_calls: list[CompletionCall] | None = None
    tool_call_id: str | None = None


class CompletionFunction(_Open):
    """A function that the caller runs; ``parameters`` is a JSON schema."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class CompletionTool(_Open):
    """A tool that the caller runs."""

    type: Literal["function"]
    function: CompletionFunction


class StreamOptions(_Open):
    """What a stream tells besides the answer."""

    include_usage: bool | None = False


Penalty = Annotated[float, Field(ge=-2, le=2)]


class ChatCompletionRequest(_Open):
    """A conversation for an agent to go on with. Members that are not named here and do no harm are ignored."""

    model: str = Field(min_length=1, max_length=300, description="An agent's slug or id, with @version if need be.")
    messages: list[CompletionMessage] = Field(min_length=1, max_length=2_000)
    tools: list[CompletionTool] | None = Field(default=None, max_length=128, description="Run by the caller.")
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    response_format: dict[str, Any] | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    stop: str | Annotated[list[str], Field(max_length=4)] | None = None
    seed: int | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    reasoning_effort: str | None = Field(default=None, max_length=20)
    verbosity: Literal["low", "medium", "high"] | None = None
    user: str | None = Field(default=None, max_length=1_000, description="Whose memory skills use.")
    n: int | None = Field(default=None, ge=1)
    modalities: list[str] | None = None
    stream: bool | None = False
    stream_options: StreamOptions | None = None

    def wanted(self) -> Wanted:
        """Return what this asks for.

        Raises:
            Problem: 400, something in it cannot be done.
        """
        if self.n not in (None, 1):
            raise refused("n", "An agent answers once. Leave n out, or ask several times.", "unsupported_parameter")
        if self.modalities and set(self.modalities) != {"text"}:
            raise refused("modalities", "Agents answer with text only.", "unsupported_parameter")
        refuse_unless_harmless(self.model_extra or {}, _UNSUPPORTED)
        instructions, messages = self._messages()
        tools = [
            function_tool(tool.function.name, tool.function.model_dump(), f"tools.{at}")
            for at, tool in enumerate(self.tools or ())
        ]
        return want(
            messages,
            "messages",
            instructions=instructions,
            options=self._options(),
            tools=tools,
            tool_choice=self.tool_choice,
            one_call=self.parallel_tool_calls is False,
            user=self.user,
        )

    def _options(self) -> ModelOptions:
        return ModelOptions(
            temperature=self.temperature,
            top_p=self.top_p,
            max_tokens=self.max_completion_tokens or self.max_tokens,
            stop=(self.stop,) if isinstance(self.stop, str) else tuple(self.stop) if self.stop else None,
            seed=self.seed,
            frequency_penalty=self.frequency_penalty,
            presence_penalty=self.presence_penalty,
            response_format=answer_format(self.response_format, "response_format") if self.response_format else None,
            reasoning_effort=self.reasoning_effort,
            verbosity=self.verbosity,
        )

    def _messages(self) -> tuple[str, list[Message]]:
        """Return the caller's instructions and the messages without them."""
        instructions: list[str] = []
        messages: list[Message] = []
        for at, message in enumerate(self.messages):
            param = f"messages.{at}"
            match message.role:
                case "system" | "developer":
                    instructions.append(_text(message.content, f"{param}.content"))
                case "user":
                    messages.append({"role": "user", "content": _content(message.content, f"{param}.content")})
                case "assistant":
                    messages.append(_assistant(message, param))
                case "tool":
                    messages.append(_result(message, param))
        return "\n\n".join(filter(None, instructions)), messages


def _assistant(message: CompletionMessage, param: str) -> Message:
    text = _text(message.content, f"{param}.content")
    calls = [call.model_dump(include={"id", "type", "function"}) for call in message.tool_calls or ()]
    return {"role": "assistant", "content": text} | ({"tool_calls": calls} if calls else {})


def _result(message: CompletionMessage, param: str) -> Message:
    if not message.tool_call_id:
        raise refused(f"{param}.tool_call_id", "The result of a tool needs the id of its call.")
    text = _text(message.content, f"{param}.content")
    return {"role": "tool", "tool_call_id": message.tool_call_id, "content": text}


def _text(content: str | list[dict[str, Any]] | None, param: str) -> str:
    """Return what may be text alone, as one text."""
    if isinstance(content, list):
        parts = [_part(part, f"{param}.{at}") for at, part in enumerate(content)]
        if any(part["type"] != "text" for part in parts):
            raise refused(param, "Only messages of the user may hold more than text.")
        return "".join(part["text"] for part in parts)
    return readable(content or "", param)


def _content(content: str | list[dict[str, Any]] | None, param: str) -> str | list[dict[str, Any]]:
    """Return what a user says; parts that are all text become text."""
    if not isinstance(content, list):
        return readable(content or "", param)
    parts = [_part(part, f"{param}.{at}") for at, part in enumerate(content)]
    if all(part["type"] == "text" for part in parts):
        return "\n".join(part["text"] for part in parts)
    return parts


def _part(part: dict[str, Any], param: str) -> dict[str, Any]:
    kind = part.get("type")
    if kind == "refusal":
        kind, part = "text", {"text": part.get("refusal")}
    if kind not in _PARTS:
        raise refused(param, f"A part of a message may be {', '.join(_PARTS)}. Sound is not understood.")
    inside = part.get(kind)
    if kind == "text":
        if not isinstance(inside, str):
            raise refused(param, "A part of text needs its text.")
        return {"type": "text", "text": readable(inside, param)}
    if kind == "image_url":
        inside = {"url": inside} if isinstance(inside, str) else inside
        if not isinstance(inside, dict) or not isinstance(inside.get("url"), str):
            raise refused(param, "An image needs its url, which may be a data: URL.")
        return {"type": kind, kind: inside}
    if not isinstance(inside, dict) or not isinstance(inside.get("file_data"), str):
        raise refused(
            param, "Send a file's content as file_data. Files that were uploaded to OpenAI are not known here."
        )
    return {"type": kind, kind: inside}
