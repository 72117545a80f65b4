"""Tools that the caller runs, beside the agent's own skills."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from smyth.conversation.failures import ConversationError


def tool_name(definition: object) -> str:
    """Return the name in a tool's definition; empty where it is none of OpenAI's shape."""
    function = definition.get("function") if isinstance(definition, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    return name if isinstance(name, str) else ""


def names_of(tools: Sequence[dict[str, Any]]) -> list[str]:
    """Return the names of tools, in order."""
    return [tool_name(tool) for tool in tools]


def check(own: Sequence[dict[str, Any]], clients: Sequence[dict[str, Any]], choice: object) -> None:
    """Refuse tools of the caller that cannot be told from the agent's skills, and a choice of none of them.

    Args:
        own: The agent's skills as models are told of them.
        clients: The caller's tools in the same shape.
        choice: OpenAI's ``tool_choice``.

    Raises:
        ConversationError: A name is missing, taken, or chosen and unknown.
    """
    names = names_of(own)
    for name in names_of(clients):
        if not name:
            raise ConversationError("invalid_tool", "Every tool needs a function with a name.")
        if name in names:
            raise ConversationError(
                "tool_name_taken", f'The agent or the request has another tool named "{name[:100]}". Rename yours.'
            )
        names.append(name)
    if isinstance(choice, dict) and tool_name(choice) not in names:
        known = ", ".join(names) or "none"
        raise ConversationError("unknown_tool", f"tool_choice names no tool of the agent or the request: {known}.")
