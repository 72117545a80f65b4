"""What a request wants of an agent, whichever of OpenAI's APIs it came by."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from smyth.connectors.models.port import Message
from smyth.conversation.options import ModelOptions
from smyth.http.openai.errors import refused
from smyth.http.readable import without_control

_MOST_CHARACTERS = 400_000
_SESSION = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_TOOL_CHOICES = ("auto", "none", "required")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A turn as the caller wants it."""

    #: Messages before the one to answer, in the shape of chat completions.
    history: list[Message]
    #: What the user says, as text or parts; None where the history ends with results of the caller's tools.
    message: str | list[dict[str, Any]] | None
    #: The caller's own, below the agent's behavior.
    instructions: str = ""
    options: ModelOptions = field(default_factory=ModelOptions)
    #: Tools that the caller runs.
    tools: list[dict[str, Any]] = field(default_factory=list)
    #: Whether the caller takes one call of its tools at a time.
    one_call: bool = False
    #: Who speaks; ties together what skills remember.
    session_id: str | None = None


def readable(text: str, param: str) -> str:
    """Return ``text`` as it may go to a model.

    Raises:
        Problem: 400, it is too long or holds control characters.
    """
    if len(text) > _MOST_CHARACTERS:
        raise refused(param, f"The text has more than {_MOST_CHARACTERS:,} characters. Send less.")
    try:
        return without_control(text)
    except ValueError as error:
        raise refused(param, f"The text {error}.") from None


def want(
    messages: list[Message],
    param: str,
    *,
    instructions: str,
    options: ModelOptions,
    tools: list[dict[str, Any]],
    tool_choice: str | dict[str, Any] | None,
    one_call: bool,
    user: str | None,
) -> Wanted:
    """Return what a request asks for; ``param`` is its member that holds the ``messages``.

    Raises:
        Problem: 400, the messages leave nothing to answer, or the ``tool_choice`` does not fit the caller's ``tools``.
    """
    history, message = _divided(messages, param)
    choice = _chosen(tool_choice, tools)
    if choice == "none":
        choice, tools = None, []
    return Wanted(
        history=history,
        message=message,
        instructions=instructions,
        options=replace(options, tool_choice=choice),
        tools=tools,
        one_call=one_call,
        session_id=session_of(user),
    )


def _divided(messages: list[Message], param: str) -> tuple[list[Message], str | list[dict[str, Any]] | None]:
    """Return the history and the message to answer; None where results of tools are to be answered.

    Raises:
        Problem: 400, nothing is left to answer, or calls and results of tools do not belong together.
    """
    _check_results(messages, param)
    last = messages[-1]["role"] if messages else "none"
    if last == "user":
        content: str | list[dict[str, Any]] = messages[-1]["content"]
        return messages[:-1], content
    if last == "tool":
        return messages, None
    raise refused(param, "The conversation must end with a message of the user, or with results of your tools.")


def _check_results(messages: list[Message], param: str) -> None:
    """Refuse what no provider takes: a call without its result, or a result without its call."""
    open_calls: set[str] = set()
    for message in messages:
        if message["role"] == "tool":
            if message["tool_call_id"] not in open_calls:
                detail = f'There is no call "{message["tool_call_id"]}" right before its result. Send the call, too.'
                raise refused(param, detail)
            open_calls.remove(message["tool_call_id"])
            continue
        if open_calls:
            break
        open_calls = {call["id"] for call in message.get("tool_calls", ())}
    if open_calls:
        raise refused(param, f"These calls have no result: {', '.join(sorted(open_calls))}. Send one for each.")


def session_of(user: str | None) -> str | None:
    """Return the session of a user, whatever characters the caller names users with."""
    if not user or _SESSION.fullmatch(user):
        return user or None
    return f"user-{hashlib.sha256(user.encode(errors='replace')).hexdigest()[:40]}"


def refuse_unless_harmless(given: Mapping[str, Any], unsupported: Mapping[str, str]) -> None:
    """Refuse members that would change what the answer means; what else is not known is harmless and ignored.

    Args:
        given: Members of the request that its model does not have.
        unsupported: What to do instead, by member.

    Raises:
        Problem: 400.
    """
    for name, advice in unsupported.items():
        if given.get(name) not in (None, False, 0, {}, []):
            raise refused(name, f"{name} is not supported. {advice}", "unsupported_parameter")


def function_tool(name: str, definition: Mapping[str, Any], param: str) -> dict[str, Any]:
    """Return a tool of the caller in the shape of chat completions; ``definition`` has its description and schema.

    Raises:
        Problem: 400, the name is none that providers take.
    """
    if not _TOOL_NAME.fullmatch(name):
        raise refused(param, "A tool's name has 1 to 64 letters, digits, dashes and underscores.")
    kept = {key: definition[key] for key in ("description", "strict") if definition.get(key) is not None}
    parameters = definition.get("parameters") or {"type": "object", "properties": {}}
    return {"type": "function", "function": {"name": name, **kept, "parameters": parameters}}


def _chosen(choice: str | dict[str, Any] | None, tools: list[dict[str, Any]]) -> str | dict[str, Any] | None:
    """Return a ``tool_choice`` in the shape of chat completions, which is about the caller's own ``tools``.

    Raises:
        Problem: 400, it is not known, or names no tool of the caller.
    """
    if choice is None or choice in _TOOL_CHOICES:
        if choice == "required" and not tools:
            raise refused("tool_choice", "tool_choice asks for a call, but tools names none.")
        return choice
    if isinstance(choice, str) or choice.get("type") != "function":
        raise refused("tool_choice", f"tool_choice may be {', '.join(_TOOL_CHOICES)}, or name one function.")
    function = choice.get("function")
    name = function.get("name") if isinstance(function, dict) else choice.get("name")
    if name not in [tool["function"]["name"] for tool in tools]:
        raise refused("tool_choice", "tool_choice names a function that is not among tools.")
    return {"type": "function", "function": {"name": name}}


def answer_format(format: Mapping[str, Any], param: str) -> Any:
    """Return a ``response_format`` as the models' port has it; that of a response has its schema beside its type.

    Raises:
        Problem: 400, the format is unknown, or its schema is missing.
    """
    match format.get("type"):
        case "text":
            return None
        case "json_object":
            return "json"
        case "json_schema":
            nested = format.get("json_schema")
            told = nested if isinstance(nested, dict) else {name: one for name, one in format.items() if name != "type"}
            if not isinstance(told.get("schema"), dict) or not isinstance(told.get("name"), str):
                raise refused(param, "A json_schema needs a name and a schema.")
            return {"type": "json_schema", "json_schema": told}
    raise refused(param, "The format may be text, json_object or json_schema.")
