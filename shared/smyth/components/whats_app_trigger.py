"""WhatsAppTrigger: messages of the WhatsApp Cloud API start the workflow (COMPONENTS section 11)."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from typing import Any

from pydantic import Field

from smyth.components._services import credential
from smyth.components._triggers import Trigger, TriggerSettings
from smyth.components.base import Answered, Call
from smyth.values import get_path, to_text


class Settings(TriggerSettings):
    """What proves that a call is Meta's, and what registers the webhook there."""

    verify_token: str = Field(
        alias="verifyToken", min_length=1, max_length=256, description="Webhook verify token; {{KEY(name)}} works."
    )
    client_id: str = Field("", alias="clientId", max_length=512, description="Meta app id.")
    client_secret: str = Field(
        "", alias="clientSecret", max_length=512, description="Meta app secret, as {{KEY(name)}} from the vault."
    )


class WhatsAppTrigger(Trigger):
    """Answer the handshake of the webhook, and run the workflow with each message that it brings."""

    name = "WhatsAppTrigger"
    title = "WhatsApp"
    summary = "Starts the workflow with the messages of a WhatsApp number."
    Settings = Settings

    async def collect(self, call: Call) -> list[Any]:
        """See :meth:`smyth.components._triggers.Trigger.collect`; calls without messages, such as receipts, run none.

        Raises:
            Answered: The call is the handshake.
        """
        request = call.run.request
        if request.method.upper() == "GET":
            raise await _handshake(call)
        return [{"message": message} for message in _messages(request.body)]


async def _handshake(call: Call) -> Answered:
    """Return Meta's challenge to who knows the verify token."""
    query = call.run.request.query
    expected = await credential(
        call, call.settings.verify_token, otherwise="The webhook cannot be verified without its verify token."
    )
    known = hmac.compare_digest(to_text(query.get("hub.verify_token") or "").encode(), expected.encode())
    if query.get("hub.mode") == "subscribe" and known:
        return Answered(200, to_text(query.get("hub.challenge") or ""))
    return Answered(403, "The verify token is wrong.")


def _messages(body: Any) -> Iterator[dict[str, Any]]:
    """Yield the messages of a webhook call; all of them, for Meta sends several at once when it is busy."""
    for entry in _list(body, "entry"):
        for change in _list(entry, "changes"):
            value = change.get("value")
            for message in _list(value, "messages"):
                yield {
                    "id": message.get("id"),
                    "from": message.get("from"),
                    "profileName": _profile(value, message.get("from")),
                    "text": get_path(message, "text.body") or "",
                    "type": message.get("type"),
                    "timestamp": message.get("timestamp"),
                    "phoneNumberId": get_path(value, "metadata.phone_number_id") or None,
                }


def _profile(value: Any, sender: Any) -> str | None:
    """Return the name of the sender; the first contact's where none is the sender's."""
    contacts = _list(value, "contacts")
    found = next((contact for contact in contacts if contact.get("wa_id") == sender), contacts[0] if contacts else {})
    name = get_path(found, "profile.name")
    return name if isinstance(name, str) else None


def _list(value: Any, name: str) -> list[dict[str, Any]]:
    found = value.get(name) if isinstance(value, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
