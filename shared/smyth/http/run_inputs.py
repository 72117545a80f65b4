"""The inputs of an agent's endpoint: JSON, or a form with files."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from smyth.http.app import MAX_BODY_BYTES
from smyth.http.json_bodies import read_object
from smyth.http.problems import Problem

SESSION_HEADER = "x-caller-session-id"

_MOST_FILES = 20
_MOST_FIELDS = 200
_SESSION = re.compile(r"[A-Za-z0-9_.:-]{1,128}")


async def read_inputs(request: Request) -> tuple[dict[str, Any], tuple[Mapping[str, Any], ...]]:
    """Return the body's inputs and the uploaded files, as :class:`smyth.components.base.Request` takes them.

    Raises:
        Problem: The body is neither a JSON object nor a form that can be read.
    """
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        return await read_object(request), ()
    form = await _form(request)
    inputs: dict[str, Any] = {}
    files = []
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            files.append(await _file(name, value))
        elif name not in inputs:
            inputs[name] = value
        else:  # A field that comes again makes a list.
            earlier = inputs[name]
            inputs[name] = [*earlier, value] if isinstance(earlier, list) else [earlier, value]
    await form.close()
    return inputs, tuple(files)


async def _form(request: Request) -> FormData:
    await request.body()  # Kept by that, for an Idempotency-Key compares it.
    try:
        return await request.form(max_files=_MOST_FILES, max_fields=_MOST_FIELDS, max_part_size=MAX_BODY_BYTES)
    except HTTPException as error:
        raise Problem(400, "not_a_form", f"The body is no form that can be read: {error.detail}") from None


async def _file(name: str, sent: UploadFile) -> dict[str, Any]:
    return {
        "fieldname": name,
        "originalname": sent.filename or "",
        "mimetype": sent.content_type or "",
        "base64": base64.b64encode(await sent.read()).decode(),
    }


def session_of(request: Request) -> str | None:
    """Return the session that the caller names: what the agent remembers for a session is tied to it.

    Raises:
        Problem: 422, it cannot be used as one.
    """
    named = request.headers.get(SESSION_HEADER)
    if named is not None and not _SESSION.fullmatch(named):
        raise Problem(422, "invalid", f"{SESSION_HEADER} takes 1 to 128 letters, digits and the signs _ . : -")
    return named
