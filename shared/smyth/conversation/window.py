"""Fit a conversation into a model's context window.

Unlike the original's, the measure is cumulative, the system text and the current
turn always stay, and what is sent begins with a user's message (PROTOCOL section 4,
oddities 8 to 12).
"""

from __future__ import annotations

import json
from itertools import accumulate
from typing import Any

from smyth.connectors.models.port import Limits, Message
from smyth.connectors.models.tokens import message_tokens, text_tokens
from smyth.conversation.failures import ConversationError

#: The name of the message that tells in short what earlier turns said.
SUMMARY_NAME = "conversation_summary"
#: The original's largest input, whatever the model takes.
_LARGEST_INPUT = 131_072
#: Tokens are estimated, so some room is left.
_TRUSTED = 0.9
#: What is kept of a tool's result at the least, in characters.
_SHORTEST_RESULT = 500


def output_budget(limits: Limits) -> int:
    """Return the longest answer to ask for; never more than three quarters of the window, so that a question fits."""
    return min(limits.max_output, limits.context_window * 3 // 4)


def input_budget(limits: Limits) -> int:
    """Return how many tokens a model is sent at the most."""
    return int(min(_LARGEST_INPUT, limits.context_window - output_budget(limits)) * _TRUSTED)


def fit(
    limits: Limits, system: str, tools: list[dict[str, Any]], history: list[Message], current: list[Message]
) -> list[Message]:
    """Return the messages to send.

    Args:
        limits: Of the model.
        system: The system text; none where it is empty.
        tools: The tool definitions that are sent along.
        history: Earlier turns; the oldest ones are left out where room is short, but for a summary at their head.
        current: The user's message and what came of it so far.

    Raises:
        ConversationError: The current turn alone is too long.
    """
    opening = [{"role": "system", "content": system}] if system else []
    current = _shortened(current, room_for_history(limits, system, tools, []))
    room = room_for_history(limits, system, tools, current)
    summary = [message for message in history[:1] if message.get("name") == SUMMARY_NAME]
    history = history[len(summary) :]
    if sum(map(message_tokens, summary)) > room:
        summary = []
    room -= sum(map(message_tokens, summary))
    return [*opening, *_joined([*summary, *_newest_turns(history, room), *current])]


def room_for_history(limits: Limits, system: str, tools: list[dict[str, Any]], current: list[Message]) -> int:
    """Return how many tokens of earlier messages go beside all that must be sent; below 0 where that is too much."""
    room = input_budget(limits) - (text_tokens(json.dumps(tools)) if tools else 0)
    room -= message_tokens({"role": "system", "content": system}) if system else 0
    return room - sum(map(message_tokens, current))


def _joined(messages: list[Message]) -> list[Message]:
    """Return the messages with users' in a row made one: providers want turns to alternate (PROTOCOL oddity 7)."""
    joined: list[Message] = []
    for message in messages:
        if joined and message["role"] == joined[-1]["role"] == "user":
            joined[-1] = {**message, "content": _both(joined[-1]["content"], message["content"])}
        else:
            joined.append(message)
    return joined


def _both(first: Any, second: Any) -> Any:
    if isinstance(first, str) and isinstance(second, str):
        return "\n\n".join(text for text in (first, second) if text.strip())
    return [*_parts(first), *_parts(second)]


def _parts(content: Any) -> list[Any]:
    return content if isinstance(content, list) else [{"type": "text", "text": content}]


def _newest_turns(history: list[Message], room: int) -> list[Message]:
    """Return as many whole turns from the end of ``history`` as fit."""
    used = list(accumulate(message_tokens(message) for message in reversed(history)))
    begin = len(history)
    for index in range(len(history) - 1, -1, -1):
        if used[len(history) - 1 - index] > room:
            break
        if history[index]["role"] == "user":
            begin = index
    return history[begin:]


def _shortened(current: list[Message], room: int) -> list[Message]:
    """Cut the longest tool results until the turn fits; the user's own words are never cut."""
    messages = list(current)
    while sum(map(message_tokens, messages)) > room:
        results = [index for index, message in enumerate(messages) if message["role"] == "tool"]
        longest = max(results, key=lambda index: len(messages[index]["content"]), default=None)
        if longest is None or len(messages[longest]["content"]) <= _SHORTEST_RESULT:
            raise ConversationError(
                "message_too_long",
                "The message does not fit into the model's context window. Shorten it, or choose a larger model.",
            )
        messages[longest] = {**messages[longest], "content": _cut(messages[longest]["content"])}
    return messages


def _cut(content: str) -> str:
    """Halve a tool's result and say so."""
    mark = "\n[The rest was cut: the result is too long.]"
    return content[: max(_SHORTEST_RESULT - len(mark), len(content) // 2 - len(mark))] + mark
