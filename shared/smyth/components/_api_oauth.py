"""The authorization of requests by a stored OAuth connection (COMPONENTS section 9, CONNECTORS section 7).

A connection is a vault entry ``{auth_data: {primary, secondary, expires_in}, auth_settings: {...}}``, or the older flat
form. ``primary`` is the token, ``secondary`` the refresh token (OAuth 2) or the token's secret (OAuth 1), and
``expires_in`` the time of its end in milliseconds since 1970.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from smyth.components import _oauth1
from smyth.components._api_templates import Filler
from smyth.components.base import Call
from smyth.connectors.http.port import HttpError, HttpRequest
from smyth.connectors.vault.tokens import NotRenewed, Renew, Token

#: A token is renewed this long before its end, so that it does not end on its way.
_EARLY_S = 30
#: Life of a token of which the server does not tell it (RFC 6749, 5.1 only recommends that it does).
_LIFE_S = 600
_ERROR_CODE = re.compile(r"[a-z_]{1,40}")
_CLIENT_CREDENTIALS = "client_credentials"


class OAuthError(NotRenewed):
    """There is no usable token; the text says why and what to do."""


def is_wanted(settings: Any) -> bool:
    """Tell whether requests are to be authorized."""
    return _set(settings.oauth_con_id) or _set(settings.oauth_service)


async def authorization(call: Call, fill: Filler, request: HttpRequest) -> str:
    """Return the ``Authorization`` header for ``request``.

    Raises:
        OAuthError: The connection is not there, not complete, or its token has ended and cannot be renewed.
    """
    settings = call.settings
    connection = settings.oauth_con_id if _set(settings.oauth_con_id) else f"OAUTH_{call.node.id}_TOKENS"
    stored = await call.run.ports.vault.get(call.run.team_id, connection)
    data, said = _record(stored, connection)
    inline = {
        "service": settings.oauth_service,
        "scope": settings.scope,
        **{
            name: fill.text(getattr(settings, attribute))
            for name, attribute in (
                ("tokenURL", "token_url"),
                ("clientID", "client_id"),
                ("clientSecret", "client_secret"),
                ("consumerKey", "consumer_key"),
                ("consumerSecret", "consumer_secret"),
            )
        },
    }
    known = {name: value for name, value in inline.items() if value} | said
    now = call.run.ports.clock().timestamp()
    if _CLIENT_CREDENTIALS in str(known.get("service", "")).lower().replace(" ", "_"):
        return "Bearer " + await _client_token(call, known, now)
    _check_connected(data, connection)
    if known.get("type") == "oauth" or ("type" not in known and known.get("consumerKey")):
        return _signed(data, known, request, connection, now)
    return "Bearer " + await _current(call, _stored(data), known, connection, now)


async def stored_token(call: Call, connection: str, *, token_url: str) -> str:
    """Return the token of an OAuth 2 connection, renewed where the stored one has ended.

    Args:
        call: The component's call.
        connection: Name of the vault entry.
        token_url: Where to renew it unless the connection says.

    Raises:
        OAuthError: The connection is not there, or its token has ended and cannot be renewed.
    """
    data, said = _record(await call.run.ports.vault.get(call.run.team_id, connection), connection)
    _check_connected(data, connection)
    now = call.run.ports.clock().timestamp()
    return await _current(call, _stored(data), {"tokenURL": token_url} | said, connection, now)


def _check_connected(data: Mapping[str, Any], connection: str) -> None:
    if not data.get("primary"):
        raise OAuthError(
            f'There are no OAuth tokens for the connection "{connection}". '
            "Connect the account, or add the connection to the vault under this name."
        )


def _stored(data: Mapping[str, Any]) -> Token:
    return Token(str(data["primary"]), str(data.get("secondary") or ""), _end(data.get("expires_in")))


def _set(value: str | None) -> bool:
    return bool(value) and value != "None"


def _record(stored: str | None, connection: str) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """Return the tokens and the settings of a stored connection, in its new or its older form."""
    if stored is None:
        return {}, {}
    try:
        record = json.loads(stored)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        raise OAuthError(f'The vault entry "{connection}" is no OAuth connection: it must be a JSON object.')
    data, said = record.get("auth_data", record), record.get("auth_settings", record)
    if not isinstance(data, dict) or not isinstance(said, dict):
        raise OAuthError(f'The vault entry "{connection}" is no OAuth connection: auth_data must be a JSON object.')
    return data, {name: value for name, value in said.items() if value and isinstance(value, str)}


def _end(value: Any) -> float | None:
    """Return when a token ends, in seconds; None where the record does not tell a time."""
    try:
        milliseconds = float(value)
    except (TypeError, ValueError):
        return None
    return milliseconds / 1000 if milliseconds > 1e11 else None


def _signed(
    data: Mapping[str, Any], known: Mapping[str, Any], request: HttpRequest, connection: str, now: float
) -> str:
    if not (known.get("consumerKey") and known.get("consumerSecret") and data.get("secondary")):
        raise OAuthError(
            f'The OAuth 1 connection "{connection}" is not complete: '
            "it needs consumerKey, consumerSecret and both parts of the token. Connect the account again."
        )
    credentials = _oauth1.Credentials(
        known["consumerKey"], known["consumerSecret"], str(data["primary"]), str(data["secondary"])
    )
    is_form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    form = (request.body or b"").decode() if is_form else ""
    return _oauth1.authorization(
        credentials, request.method, request.url, form=form, timestamp=int(now), nonce=secrets.token_hex(16)
    )


async def _client_token(call: Call, known: Mapping[str, Any], now: float) -> str:
    for name in ("tokenURL", "clientID", "clientSecret"):
        if not known.get(name):
            raise OAuthError(f"OAuth with client credentials needs {name}. Set it in the connection or the settings.")
    wanted = {"grant_type": _CLIENT_CREDENTIALS, "client_id": known["clientID"], "client_secret": known["clientSecret"]}
    if known.get("scope"):
        wanted["scope"] = known["scope"]

    async def fetch(_: Token | None) -> Token:
        return await _fetch(call, known["tokenURL"], wanted, now, refresh="")

    return await _kept(call, _place(call.run.team_id, known["tokenURL"], *wanted.values()), now, fetch)


async def _kept(call: Call, place: str, now: float, renew: Renew) -> str:
    """Return the token kept at ``place``, renewed by one caller where it is over.

    Raises:
        OAuthError: It cannot be renewed.
    """
    try:
        return (await call.run.ports.tokens.current(place, lambda token: not _is_over(token, now), renew)).access
    except NotRenewed as error:
        raise OAuthError(str(error)) from None


async def _current(call: Call, stored: Token, known: Mapping[str, Any], connection: str, now: float) -> str:
    """Return the stored token or, where it is over, one that was got for it."""
    if not _is_over(stored, now):
        return stored.access
    place = _place(call.run.team_id, connection, stored.access, stored.refresh)

    async def renew(kept: Token | None) -> Token:
        refresh = (kept or stored).refresh
        if not (refresh and known.get("tokenURL") and known.get("clientID")):
            raise OAuthError(f'The token of the OAuth connection "{connection}" has ended. Connect the account again.')
        wanted = {"grant_type": "refresh_token", "refresh_token": refresh, "client_id": known["clientID"]}
        if known.get("clientSecret"):
            wanted["client_secret"] = known["clientSecret"]
        return await _fetch(call, known["tokenURL"], wanted, now, refresh=refresh)

    return await _kept(call, place, now, renew)


async def _fetch(call: Call, url: str, wanted: Mapping[str, str], now: float, *, refresh: str) -> Token:
    """Ask a token server (RFC 6749, sections 4.4 and 6)."""
    headers = {"accept": "application/json", "content-type": "application/x-www-form-urlencoded"}
    try:
        reply = await call.run.ports.http.send(HttpRequest(url, "POST", headers, urlencode(wanted).encode()))
    except HttpError as error:
        raise OAuthError(f"The OAuth token cannot be fetched. {error}") from None
    try:
        answer = json.loads(reply.content)
    except (ValueError, RecursionError):
        answer = None
    answer = answer if isinstance(answer, dict) else {}
    access = answer.get("access_token")
    if reply.status >= 400 or not isinstance(access, str) or not access:
        # Only the code: descriptions of token servers may repeat what they were sent.
        code = answer.get("error")
        told = f" ({code})" if isinstance(code, str) and _ERROR_CODE.fullmatch(code) else ""
        raise OAuthError(
            f"The OAuth token server refused: it answered with status code {reply.status}{told}. "
            "Check the client's id and secret, or connect the account again."
        )
    life = answer.get("expires_in")
    seconds = float(life) if isinstance(life, (int, float)) or (isinstance(life, str) and life.isdigit()) else _LIFE_S
    return Token(access, str(answer.get("refresh_token") or refresh), now + seconds)


def _is_over(token: Token, now: float) -> bool:
    return token.ends is not None and token.ends - _EARLY_S <= now


def _place(*parts: str) -> str:
    """Return the name under which a token is kept: a change of any part makes another."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
