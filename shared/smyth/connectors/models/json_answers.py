"""Ask for JSON: by a provider's own parameter where it has one, and in words (models.md section 5)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from smyth.connectors.models.port import Message, ModelRequest
from smyth.connectors.models.providers import Provider

#: What the original sends, word for word: agents' prompts were made to work beside it (PROTOCOL section 2.6).
INSTRUCTION = """
Respond ONLY with a valid, parsable JSON object. Follow these strict guidelines:
1. The response must begin with '{' and end with '}'.
2. Use double quotes for all keys and string values.
3. Do not include any explanations, markdown, or text outside the JSON object.
4. Do not use newlines or indentation within the JSON structure.
5. For single-key responses, use the format: {"result": "your content here"}
6. For multiple keys, use: {"key1": "value1", "key2": "value2", ...}

Example of a valid response:
{"result": "This is a valid JSON response without any extra text."}
"""
_SCHEMA_INSTRUCTION = "\nRespond ONLY with a JSON value, without any other text, that fits this JSON schema:\n"


def wants_json(request: ModelRequest) -> bool:
    """Tell whether any JSON object will do."""
    wanted = request.response_format
    return wanted == "json" or (isinstance(wanted, dict) and wanted.get("type") == "json_object")


def wanted_schema(request: ModelRequest) -> dict[str, Any] | None:
    """Return the ``json_schema`` of OpenAI's ``response_format``, where one is asked for."""
    wanted = request.response_format
    if isinstance(wanted, dict) and wanted.get("type") == "json_schema":
        schema = wanted.get("json_schema")
        return schema if isinstance(schema, dict) else None
    return None


def asking_in_words(request: ModelRequest, provider: Provider) -> ModelRequest:
    """Say in words that JSON is wanted: providers refuse JSON mode where the messages do not speak of it."""
    schema = wanted_schema(request)
    if wants_json(request):
        words = INSTRUCTION
    elif schema is not None and not provider.json_schema:
        words = f"{_SCHEMA_INSTRUCTION}{json.dumps(schema.get('schema', {}), ensure_ascii=False)}\n"
    else:
        return request
    return replace(request, messages=_with_words(request.messages, words))


def native_format(request: ModelRequest, provider: Provider) -> dict[str, Any] | None:
    """Return the ``response_format`` to send, in OpenAI's form; None where words alone must do."""
    schema = wanted_schema(request)
    if schema is not None and provider.json_schema:
        return {"type": "json_schema", "json_schema": schema}
    return {"type": "json_object"} if (schema is not None or wants_json(request)) and provider.json_mode else None


def _with_words(messages: list[Message], words: str) -> list[Message]:
    """Append ``words`` to the system text, which begins with them where there is none."""
    if messages and messages[0].get("role") == "system":
        first = messages[0]
        content = first["content"]
        added = [*content, {"type": "text", "text": words}] if isinstance(content, list) else f"{content}{words}"
        return [{**first, "content": added}, *messages[1:]]
    return [{"role": "system", "content": words}, *messages]
