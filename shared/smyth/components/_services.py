"""What the components share that ask an outside service: its key, the request, and the words of its refusals."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote

from smyth.components._filling import filled
from smyth.components.base import Call, ComponentError
from smyth.connectors.http.port import HttpError, HttpReply, HttpRequest

_VAULT_REFERENCE = re.compile(r"\{\{KEY\(([^()]+)\)\}\}")
#: Longest piece of a service's answer that an error repeats.
_LONGEST_WORDS = 500


async def vault_key(call: Call, entry: str, *, service: str) -> str:
    """Return the team's key for a service.

    Raises:
        ComponentError: The vault has none.
    """
    key = await call.run.ports.vault.get(call.run.team_id, entry)
    if not key:
        raise ComponentError(f'Access Denied: {service} needs a key. Add it to the vault as "{entry}".')
    return key


async def credential(call: Call, text: str, *, otherwise: str) -> str:
    """Return a credential as its setting tells it: ``{{KEY(name)}}`` from the vault, other placeholders from inputs.

    What inputs bring is never looked into, so it reads nothing from the vault.

    Raises:
        ComponentError: There is none; the message begins with ``otherwise``.
    """
    pieces = []
    for number, piece in enumerate(_VAULT_REFERENCE.split(text)):
        if number % 2 == 0:
            pieces.append(filled(piece, call))
            continue
        name = piece.strip()
        secret = await call.run.ports.vault.get(call.run.team_id, name)
        if not secret:
            raise ComponentError(f'{otherwise} The vault has no entry "{name}": add it, or name another one.')
        pieces.append(secret)
    found = "".join(pieces).strip()
    if not found:
        raise ComponentError(
            f"{otherwise} Set it in the settings as {{{{KEY(name)}}}}, with the name of a vault entry."
        )
    return found


async def send(call: Call, request: HttpRequest) -> HttpReply:
    """Send a request of a component.

    Raises:
        ComponentError: There is no answer.
    """
    try:
        return await call.run.ports.http.send(request)
    except HttpError as error:
        raise ComponentError(str(error)) from None


def json_request(url: str, body: Any, *, headers: dict[str, str] | None = None) -> HttpRequest:
    """Return a POST of ``body`` as JSON."""
    content = json.dumps(body).encode()
    return HttpRequest(url, "POST", {"content-type": "application/json"} | (headers or {}), content)


def read_json(reply: HttpReply) -> Any:
    """Return the JSON of an answer; None where it is none."""
    try:
        return json.loads(reply.content)
    except (ValueError, RecursionError):
        return None


def refusal(reply: HttpReply, *, secret: str) -> str:
    """Return in the service's own words why it refused, without the secret that it may repeat."""
    status = f"Request failed with status code {reply.status}"
    said = _words(read_json(reply)) or (status if reply.status >= 400 else "The answer cannot be read. Try again.")
    for form in (secret, quote(secret, safe="")):
        said = said.replace(form, "***")
    return said[:_LONGEST_WORDS]


def _words(body: Any) -> str:
    """Find the message in the shapes that services give their errors."""
    if isinstance(body, str):
        return body
    if isinstance(body, list):
        return "; ".join(filter(None, map(_words, body)))
    if isinstance(body, dict):
        return next(filter(None, (_words(body.get(name)) for name in ("error", "message", "detail", "errors"))), "")
    return ""


def json_object(text: str) -> str:
    """Return a setting that holds a JSON object, or nothing, as text.

    Raises:
        ValueError: It holds something else.
    """
    if not text.strip():
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict) or not all(name.strip() for name in value):
        raise ValueError('must be a JSON object with names for all members, such as {"name": "value"}')
    return text
