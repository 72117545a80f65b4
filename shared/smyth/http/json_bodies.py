"""JSON that agents take and give: any object in, anything out."""

from __future__ import annotations

import json
import math
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel

from smyth.http.problems import Problem

#: Far deeper values only exist to exhaust the stack of whoever reads them.
MAX_DEPTH = 100


async def read_object(request: Request) -> dict[str, Any]:
    """Return the request's body as JSON object, whatever its content type says; an empty body is an empty object.

    Raises:
        Problem: 400, it is not JSON; 422, it is no object or nested too deep.
    """
    body = await request.body()
    if not body.strip():
        return {}
    try:
        value = json.loads(body)
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise Problem(400, "not_json", f"The body is not JSON ({error}). Send a JSON object with the inputs.") from None
    if not isinstance(value, dict):
        raise Problem(422, "invalid", "The body must be a JSON object that names each input.")
    if depth_of(value) > MAX_DEPTH:
        raise _too_deep()
    return value


def to_response(value: Any) -> Response:
    """Return a response with ``value`` as JSON; responses pass, models are dumped.

    Numbers that JSON cannot write become null, as JavaScript writes them; halves of characters are escaped.
    """
    if isinstance(value, Response):
        return value
    if isinstance(value, BaseModel):
        return Response(value.model_dump_json(), media_type="application/json")
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=str)
    except ValueError:
        text = json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":"), default=str)
    try:
        body = text.encode()
    except UnicodeEncodeError:
        body = json.dumps(json.loads(text), separators=(",", ":")).encode()
    return Response(body, media_type="application/json")


def _too_deep() -> Problem:
    return Problem(422, "too_deep", f"The body is nested deeper than {MAX_DEPTH} levels. Flatten it.")


def depth_of(value: Any) -> int:
    """Return how many levels of objects and lists ``value`` has."""
    deepest = 0
    pending = [(value, 1)]
    while pending:
        part, depth = pending.pop()
        if isinstance(part, dict | list):
            deepest = max(deepest, depth)
            children = part.values() if isinstance(part, dict) else part
            pending.extend((child, depth + 1) for child in children)
    return deepest


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {name: _finite(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(member) for member in value]
    return value
