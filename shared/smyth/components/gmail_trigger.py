"""GmailTrigger: unread mails start the workflow (COMPONENTS section 11)."""

from __future__ import annotations

import asyncio
from typing import Any

from pydantic import Field

from smyth.components._api_oauth import OAuthError, stored_token
from smyth.components._gmail import payload
from smyth.components._services import read_json, refusal, send
from smyth.components._triggers import Trigger, TriggerSettings
from smyth.components.base import Call, ComponentError
from smyth.connectors.http.port import HttpRequest

#: As many as the original takes at once.
_MAILS = 5
_TOKENS = "https://oauth2.googleapis.com/token"
_MESSAGES = "/gmail/v1/users/me/messages"


class Settings(TriggerSettings):
    """Whose mails."""

    oauth_cred_id: str = Field(min_length=1, max_length=300, description="Vault entry of the Google connection.")
    interval: int = Field(5, ge=1, le=720, description="Minutes between looks.")


class GmailTrigger(Trigger):
    """Run the workflow with each of the latest unread mails; they stay unread."""

    name = "GmailTrigger"
    title = "Gmail"
    summary = "Starts the workflow with the latest unread mails."
    Settings = Settings

    async def collect(self, call: Call) -> list[Any]:
        """See :meth:`smyth.components._triggers.Trigger.collect`."""
        try:
            token = await stored_token(call, call.settings.oauth_cred_id, token_url=_TOKENS)
        except OAuthError as error:
            raise ComponentError(str(error)) from None
        found = await _get(call, token, f"{_MESSAGES}?q=is%3Aunread&maxResults={_MAILS}")
        ids = [str(one.get("id")) for one in found.get("messages") or ()][:_MAILS]
        mails = await asyncio.gather(*(_get(call, token, f"{_MESSAGES}/{one}?format=full") for one in ids))
        return [{"email": payload(mail)} for mail in mails]


async def _get(call: Call, token: str, path: str) -> dict[str, Any]:
    """Ask Gmail.

    Raises:
        ComponentError: It refuses, or does not answer.
    """
    url = call.run.ports.service_urls.gmail + path
    reply = await send(call, HttpRequest(url, headers={"authorization": f"Bearer {token}"}))
    body = read_json(reply)
    if reply.status != 200 or not isinstance(body, dict):
        raise ComponentError(f"Gmail refused: {refusal(reply, secret=token)}")
    return body
