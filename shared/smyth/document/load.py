"""Read a ``.smyth`` document from JSON text, bytes or an object."""

from __future__ import annotations

import copy
import json
import math
from typing import Any, NoReturn

from pydantic import ValidationError

from smyth.document.findings import MAX_FINDINGS, DocumentError, Finding
from smyth.document.legacy import normalise, unwrap
from smyth.document.model import Document

#: Real documents stay under 20 levels. Far deeper ones only exist to exhaust the stack of whoever reads them.
MAX_DEPTH = 100
#: Kinds of pydantic's errors, and what was wanted there.
_WANTED = {
    "string": "text",
    "int": "a whole number",
    "bool": "true or false",
    "list": "a list",
    "dict": "an object",
    "model": "an object",
    "port": "a position or a port's name",
}


def load(source: dict[str, Any] | str | bytes) -> Document:
    """Read a document; old forms are normalised in the model, never in what is exported.

    Raises:
        DocumentError: It is not JSON, not a document, or members have wrong types.
            Whether the wiring makes sense is told by :func:`smyth.document.validate`.
    """
    raw = copy.deepcopy(_checked(source)) if isinstance(source, dict) else _checked(_parse(source))
    if "components" not in unwrap(raw):
        _refuse(
            "not_a_document",
            'This JSON object has no "components", so it is no .smyth document. Send the file as it was exported.',
        )
    try:
        document = Document.model_validate(normalise(raw))
    except ValidationError as error:
        raise DocumentError(_findings(error, raw)) from None
    document._source = raw
    return document


def _parse(source: str | bytes) -> Any:
    try:
        text = source if isinstance(source, str) else source.decode("utf-8-sig")
        return json.loads(text.removeprefix("\ufeff"))
    except UnicodeDecodeError as error:
        _refuse("not_json", f"The document is not UTF-8 text (byte {error.start}). Save it as UTF-8 JSON.")
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        _refuse("not_json", f"The document is not JSON: {error.msg} at {where}. Send the .smyth file unchanged.")
    except RecursionError:
        _refuse("too_deep", f"The document is nested deeper than {MAX_DEPTH} levels. Flatten it.")
    except ValueError:
        _refuse("not_json", "The document holds a number with thousands of digits. Write it as text.")


def _checked(value: Any) -> dict[str, Any]:
    """Return ``value`` if all of it can be written as JSON again.

    Raises:
        DocumentError: It is no object, too deep, or holds what JSON in UTF-8 cannot say.
    """
    if not isinstance(value, dict):
        _refuse("not_a_document", f"A document is a JSON object, not {_kind(value)}. Send the .smyth file unchanged.")
    stack: list[tuple[Any, str, int]] = [(value, "", 1)]
    while stack:
        node, path, depth = stack.pop()
        if isinstance(node, (dict, list)):
            if depth > MAX_DEPTH:
                _refuse("too_deep", f"The document is nested deeper than {MAX_DEPTH} levels. Flatten it.", path)
            for key, child in node.items() if isinstance(node, dict) else enumerate(node):
                if isinstance(node, dict):
                    _check_scalar(key, path, may_be_number=False)
                stack.append((child, _join(path, key), depth + 1))
        else:
            _check_scalar(node, path)
    return value


def _check_scalar(value: Any, path: str, *, may_be_number: bool = True) -> None:
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            _refuse("not_unicode", f"{path or 'A key'} holds half a Unicode character. Write it whole.", path)
    elif not may_be_number:
        _refuse("not_json", f"{path or 'The document'} has a key that is not text: {value!r}.", path)
    elif isinstance(value, float) and not math.isfinite(value):
        _refuse("not_json", f"{path} holds a number that JSON cannot write. Use a smaller number or text.", path)
    elif value is not None and not isinstance(value, (bool, int, float)):
        _refuse("not_json", f"{path} holds {type(value).__name__}, which JSON cannot write. Use text.", path)


def _refuse(code: str, message: str, path: str = "") -> NoReturn:
    raise DocumentError([Finding("error", code, message, path)])


def _kind(value: Any) -> str:
    names = {
        dict: "an object",
        list: "a list",
        str: "text",
        bool: "true or false",
        int: "a number",
        float: "a number",
        type(None): "null",
    }
    return names.get(type(value), type(value).__name__)


def _join(path: str, key: str | int) -> str:
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else key


def _findings(error: ValidationError, raw: dict[str, Any]) -> list[Finding]:
    """Say each wrong member once, with its place in the JSON and its component."""
    found: dict[str, Finding] = {}
    for problem in error.errors(include_url=False, include_context=False)[: 2 * MAX_FINDINGS]:
        # A union reports once for each of its members; the members' names are no places in the document.
        place = [part for part in problem["loc"] if part not in ("int", "str")]
        path = ""
        for part in place:
            path = _join(path, part)
        if path not in found:
            kind = problem["type"] if len(place) == len(problem["loc"]) else "port"
            found[path] = _finding(kind, problem["msg"], path, place, raw, problem["input"])
    return list(found.values())


def _finding(kind: str, message: str, path: str, place: list[Any], raw: dict[str, Any], value: Any) -> Finding:
    component_id, connection = None, None
    if len(place) > 1 and isinstance(place[1], int):
        if place[0] == "connections":
            connection = place[1]
        elif place[0] == "components":
            component = unwrap(raw)["components"][place[1]]
            identity = component.get("id") if isinstance(component, dict) else None
            component_id = identity if isinstance(identity, str) else None
    whose = f' of component "{component_id}"' if component_id else ""
    if kind == "missing":
        return Finding("error", "missing", f"{path}{whose} is missing. Add it.", path, component_id, None, connection)
    wanted = next((words for beginning, words in _WANTED.items() if kind.startswith(beginning)), message)
    told = f"{path}{whose} has the wrong type: it must be {wanted}, but is {_kind(value)}."
    return Finding("error", "wrong_type", told, path, component_id, None, connection)
