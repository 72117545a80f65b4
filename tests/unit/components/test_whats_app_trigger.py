from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from smyth.components.base import Answered, ComponentError, Request
from smyth.connectors.ports import Ports
from smyth.connectors.vault.memory import MemoryVault

OutputsOf = Callable[..., Any]
DATA = {
    "triggerEndpoint": "wa",
    "verifyToken": "{{KEY(wa)}}",
    "clientId": "1",
    "clientSecret": "{{KEY(app)}}",
}


def world() -> Ports:
    return Ports(vault=MemoryVault({"default": {"wa": "open sesame"}}))


def message(identity: str = "wamid.1", text: str = "Hello") -> dict[str, Any]:
    return {"id": identity, "from": "491701", "timestamp": "1700000000", "type": "text", "text": {"body": text}}


def webhook(*messages: dict[str, Any], **members: Any) -> dict[str, Any]:
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "4930", "phone_number_id": "106"},
        "contacts": [{"wa_id": "491701", "profile": {"name": "Ann"}}],
        "messages": list(messages),
    } | members
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}],
    }


def shake(mode: str = "subscribe", token: str = "open sesame") -> Request:
    query = {"hub.mode": mode, "hub.verify_token": token, "hub.challenge": "1158201444"}
    return Request("GET", "/trigger/wa", query=query)


async def test_a_message_is_the_payload(outputs_of: OutputsOf) -> None:
    found = await outputs_of("WhatsAppTrigger", DATA, request=Request("POST", body=webhook(message())), ports=world())
    assert found == {
        "Payload": {
            "message": {
                "id": "wamid.1",
                "from": "491701",
                "profileName": "Ann",
                "text": "Hello",
                "type": "text",
                "timestamp": "1700000000",
                "phoneNumberId": "106",
            }
        }
    }


@pytest.mark.parametrize(
    "body",
    [
        webhook(statuses=[{"id": "wamid.1", "status": "read"}]),
        {},
        None,
        "text",
        {"entry": "x"},
        {"entry": [{"changes": [{"value": 1}, 2]}]},
    ],
)
async def test_what_brings_no_message_runs_nothing(outputs_of: OutputsOf, body: Any) -> None:
    assert await outputs_of("WhatsAppTrigger", DATA, request=Request("POST", body=body), ports=world()) == {}


async def test_messages_without_text_or_contact_are_taken(outputs_of: OutputsOf) -> None:
    body = webhook({"id": "1", "from": "2", "type": "image"}, contacts=[], metadata={})
    found = await outputs_of("WhatsAppTrigger", DATA, request=Request("POST", body=body), ports=world())
    given = found["Payload"]["message"]
    assert (given["text"], given["type"], given["profileName"], given["phoneNumberId"]) == ("", "image", None, None)


async def test_the_handshake_is_answered_with_the_challenge(outputs_of: OutputsOf) -> None:
    with pytest.raises(Answered) as answered:
        await outputs_of("WhatsAppTrigger", DATA, request=shake(), ports=world())
    assert (answered.value.status, answered.value.body) == (200, "1158201444")


@pytest.mark.parametrize("asked", [shake(token="guess"), shake(mode="unsubscribe"), Request("GET"), shake(token="ü")])
async def test_who_does_not_know_the_token_is_refused(outputs_of: OutputsOf, asked: Request) -> None:
    with pytest.raises(Answered) as answered:
        await outputs_of("WhatsAppTrigger", DATA, request=asked, ports=world())
    assert answered.value.status == 403
    assert "1158201444" not in answered.value.body


async def test_a_missing_token_is_told_by_its_vault_entry(outputs_of: OutputsOf) -> None:
    with pytest.raises(ComponentError, match='no entry "wa"'):
        await outputs_of("WhatsAppTrigger", DATA, request=shake(), ports=Ports())
