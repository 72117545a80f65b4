"""OpenAI's moderations, by plain words: a text is flagged when it says ``hate``, ``harassment``, ``violence``, ..."""

from __future__ import annotations

from typing import Any

from smyth.testing.asked import required, text_of

#: Each is flagged by its own name, and by one word that people write.
CATEGORIES = {
    "harassment": "idiot",
    "harassment/threatening": "watch out",
    "hate": "despise",
    "hate/threatening": "exterminate",
    "illicit": "burglary",
    "illicit/violent": "bomb",
    "self-harm": "hurt myself",
    "self-harm/instructions": "how to hurt myself",
    "self-harm/intent": "will hurt myself",
    "sexual": "porn",
    "sexual/minors": "minors porn",
    "violence": "kill",
    "violence/graphic": "blood",
}


def answer(body: dict[str, Any], number: int) -> dict[str, Any]:
    """Answer a request.

    Raises:
        Refused: The request makes no sense.
    """
    required(body, "input")
    given = body["input"]
    parts = isinstance(given, list) and given and isinstance(given[0], dict)
    texts = given if isinstance(given, list) and not parts else [text_of(given)]
    results = [_result(text) for text in texts]
    return {"id": f"modr-{number}", "model": body.get("model") or "omni-moderation-latest", "results": results}


def _result(text: str) -> dict[str, Any]:
    said = text.lower()
    flags = {name: name in said or word in said for name, word in CATEGORIES.items()}
    return {
        "flagged": any(flags.values()),
        "categories": flags,
        "category_scores": {name: 0.99 if flag else 0.0001 for name, flag in flags.items()},
        "category_applied_input_types": {name: ["text"] if flag else [] for name, flag in flags.items()},
    }
