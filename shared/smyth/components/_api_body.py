"""The bodies of APICall's requests, by content type (COMPONENTS section 9; compat README, quirks 75 to 80)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from smyth.components import _files as files
from smyth.components._api_templates import Filler
from smyth.components.base import ComponentError, Run
from smyth.values import to_json, to_text

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
XML = "application/xml"


@dataclass(frozen=True, slots=True)
class Body:
    """What is sent, and the type it has unless the author's headers say another; empty: none."""

    content: bytes | None = field(repr=False)
    content_type: str = ""


async def build(template: Any, content_type: str, fill: Filler, run: Run) -> Body:
    """Return the body that ``template`` stands for.

    Raises:
        ComponentError: It cannot be sent as ``content_type``.
        ValueError: A file in it cannot be had.
    """
    label = "" if content_type in ("none", "binary") else content_type
    if template is None or (isinstance(template, str) and not template.strip()):
        return Body(None, "" if content_type == MULTIPART else label)
    if content_type == "binary":
        return await _binary(template, fill, run)
    if content_type == MULTIPART:
        return await _multipart(fill.structure(template, whole=True), run)
    if content_type == JSON:
        return Body(_json(fill.structure(template)), JSON)
    if content_type == FORM:
        fields = fill.structure(template)
        text = urlencode(_pairs(fields)) if isinstance(fields, dict) else fill.text(_as_text(template))
        return Body(text.encode("utf-8", "replace"), FORM)
    if not isinstance(template, str):
        return Body(_json(fill.structure(template)), label or JSON)
    text = fill.text(template, _as_xml) if content_type == XML else fill.text(template)
    return Body(text.encode("utf-8", "replace"), label)


def _json(value: Any) -> bytes:
    """Return ``value`` as JSON; a text that is JSON by itself goes as it is."""
    text = to_json(value)
    if isinstance(value, str):
        try:
            json.loads(value)
            text = value.strip()
        except (ValueError, RecursionError):
            pass
    return text.encode("utf-8", "replace")


def _pairs(fields: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the fields of a form: lists repeat their name, objects are JSON, null is empty."""
    return [
        (name, _field(item))
        for name, value in fields.items()
        for item in (value if isinstance(value, list) else [value])
    ]


def _field(value: Any) -> str:
    if value is None:
        return ""
    return to_json(value) if isinstance(value, (dict, list)) else to_text(value)


def _as_text(template: Any) -> str:
    return template if isinstance(template, str) else to_json(template)


def _as_xml(text: str) -> str:
    """Escape ``text``, unless it is markup by itself."""
    markup = text.strip()
    return text if markup.startswith("<") and markup.endswith(">") else escape(text, {'"': "&quot;"})


async def _binary(template: Any, fill: Filler, run: Run) -> Body:
    value = fill.value(template) if isinstance(template, str) else fill.structure(template)
    if value is None or value == "":
        return Body(None)
    file = await files.read(value, run)
    return Body(file.content, file.mimetype)


async def _multipart(fields: Any, run: Run) -> Body:
    """Return a form with files; httpx writes it."""
    import httpx

    if not isinstance(fields, dict):
        raise ComponentError('A multipart body must be a JSON object with its fields, such as {"file": "{{file}}"}.')
    parts: list[Any] = []
    for name, value in fields.items():
        has_files = isinstance(value, list) and any(files.is_file(item) for item in value)
        for item in value if has_files else [value]:
            if files.is_file(item):
                file = await files.read(item, run)
                parts.append((name, (file.name or name, file.content, file.mimetype)))
            else:
                parts.append((name, (None, _field(item))))
    if not parts:
        return Body(None)
    written = httpx.Request("POST", "http://form", files=parts)
    return Body(written.read(), written.headers["content-type"])
