"""Access tokens of OAuth connections that lie in the vault (CONNECTORS section 7)."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from smyth.components._services import read_json, refusal, send
from smyth.components.base import Call, ComponentError
from smyth.connectors.http.port import HttpRequest

_GOOGLE_TOKENS = "https://oauth2.googleapis.com/token"
#: A token that ends so soon may end on its way.
_TOO_SHORT_S = 60


async def access_token(call: Call, entry: str, *, service: str) -> str:
    """Return a token to call ``service`` with, refreshed where the stored one is no longer good.

    Args:
        call: The component's call.
        entry: Name of the vault entry: JSON ``{auth_data: {primary, secondary, expires_in}, auth_settings: {tokenURL,
            clientID, clientSecret}}``, or all of these members in one object.
        service: For messages.

    Raises:
        ComponentError: There is no such connection, or its token cannot be refreshed.
    """
    text = await call.run.ports.vault.get(call.run.team_id, entry)
    record = _record(text)
    if record is None:
        raise ComponentError(
            f'Access Denied: the connection to {service} is missing. Add it to the vault as "{entry}", in JSON.'
        )
    if record.get("primary") and not (record.get("secondary") and _is_over(record.get("expires_in"), call)):
        return str(record["primary"])
    return await _refreshed(call, record, service, entry)


def _record(text: str | None) -> dict[str, Any] | None:
    """Return the connection in one flat object; None where there is none."""
    try:
        value = json.loads(text or "")
    except ValueError:
        return None
    if not isinstance(value, dict):
        return None
    data, settings = value.get("auth_data"), value.get("auth_settings")
    flat = value | (settings if isinstance(settings, dict) else {}) | (data if isinstance(data, dict) else {})
    return flat if flat.get("primary") or flat.get("secondary") else None


def _is_over(expires_at_ms: Any, call: Call) -> bool:
    """Tell whether a token has ended or soon will; one whose end is unknown may have."""
    try:
        ends = float(expires_at_ms) / 1000
    except (TypeError, ValueError):
        return True
    return ends - _TOO_SHORT_S < call.run.ports.clock().timestamp()


async def _refreshed(call: Call, record: dict[str, Any], service: str, entry: str) -> str:
    """Have a new token made.

    Raises:
        ComponentError: The service refuses; the connection must be made anew.
    """
    form = {
        "grant_type": "refresh_token",
        "refresh_token": str(record["secondary"]),
        "client_id": str(record.get("clientID") or ""),
        "client_secret": str(record.get("clientSecret") or ""),
    }
    request = HttpRequest(
        str(record.get("tokenURL") or _GOOGLE_TOKENS),
        "POST",
        {"content-type": "application/x-www-form-urlencoded"},
        urlencode(form).encode(),
    )
    reply = await send(call, request)
    answer = read_json(reply)
    token = answer.get("access_token") if isinstance(answer, dict) else None
    if reply.status != 200 or not token:
        said = refusal(reply, secret=form["refresh_token"]).replace(form["client_secret"] or "\0", "***")
        raise ComponentError(f'{service} refused to renew the connection "{entry}": {said}. Connect it again.')
    return str(token)
