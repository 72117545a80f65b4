"""OpenAI's embeddings, of a kind that needs no model: a text's vector counts its words, so like texts are near."""

from __future__ import annotations

import base64
import re
import struct
from typing import Any

from smyth.testing.asked import Refused, estimated_tokens, required

#: Vectors are as long as they are asked to be, else this.
_DIMENSIONS = 32


def embedding(text: str, dimensions: int = _DIMENSIONS) -> list[float]:
    """The vector of a text: its lower-cased words hashed by FNV-1a into places, of length one."""
    counts = [0.0] * dimensions
    for word in re.findall("[a-z0-9]+", text.lower()):
        counts[_fnv_1a(word) % dimensions] += 1.0
    length = sum(count * count for count in counts) ** 0.5 or 1.0
    return [round(count / length, 6) for count in counts]


def answer(body: dict[str, Any]) -> dict[str, Any]:
    """Answer a request.

    Raises:
        Refused: The request makes no sense.
    """
    required(body, "model", "input")
    texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
    if not all(isinstance(text, str) and text for text in texts):
        raise Refused("'input' must be a text or a list of texts, none of them empty.")
    vectors = [embedding(text, body.get("dimensions") or _DIMENSIONS) for text in texts]
    form = _packed if body.get("encoding_format") == "base64" else list
    tokens = sum(map(estimated_tokens, texts))
    return {
        "object": "list",
        "model": body["model"],
        "data": [{"object": "embedding", "index": n, "embedding": form(vector)} for n, vector in enumerate(vectors)],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def _packed(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _fnv_1a(word: str) -> int:
    value = 0x811C9DC5
    for byte in word.encode():
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value
