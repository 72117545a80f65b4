"""Estimate token counts without a tokenizer.

Used where no provider reports figures, and to fit a conversation into a model's
window; bills always use what the provider reports.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from smyth.connectors.models.port import Message, ModelRequest

#: Role, separators and names that providers add around each message.
MESSAGE_OVERHEAD = 4
_ASCII_CHARACTERS_PER_TOKEN = 4
#: A picture of the usual size; of other files nobody knows without reading them.
_FILE_TOKENS = 1_000


def text_tokens(text: str) -> int:
    """Estimate the tokens of ``text``: four ASCII characters, or one other character, make one token."""
    other = sum(1 for character in text if not character.isascii()) if not text.isascii() else 0
    return -(-(len(text) - other) // _ASCII_CHARACTERS_PER_TOKEN) + other


def message_tokens(message: Message) -> int:
    """Estimate the tokens of a message with its files, tool calls and thoughts."""
    further = [message[member] for member in ("tool_calls", "thinking_blocks") if message.get(member)]
    of_these = sum(text_tokens(json.dumps(one, ensure_ascii=False)) for one in further)
    return _content_tokens(message.get("content") or "") + of_these + MESSAGE_OVERHEAD


def _content_tokens(content: Any) -> int:
    if not isinstance(content, list):
        return text_tokens(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False))
    texts = [part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str)]
    return sum(map(text_tokens, texts)) + _FILE_TOKENS * (len(content) - len(texts))


def request_tokens(request: ModelRequest) -> int:
    """Estimate the input tokens of a request."""
    tools = text_tokens(json.dumps(request.tools, ensure_ascii=False)) if request.tools else 0
    return tools + sum(message_tokens(message) for message in request.messages)
